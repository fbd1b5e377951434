"""Summaries of the explanations of whole test sets: class maps, importances of channels and places, groups of maps."""

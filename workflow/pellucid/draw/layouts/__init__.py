"""Layouts of a method's figure: one for each kind of data."""

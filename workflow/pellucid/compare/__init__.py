"""Comparisons over experiments: the members of a study, explanations after several trainings, and all leaderboards."""

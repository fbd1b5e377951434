"""Comparisons over experiments: the members of a study, explanations by several trainings, and all leaderboards."""

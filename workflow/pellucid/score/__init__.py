"""Scores of explanations, one per file. `base.py` holds their contract."""

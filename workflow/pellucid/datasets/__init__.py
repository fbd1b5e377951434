"""Data sources, one per file. `base.py` holds their contract."""

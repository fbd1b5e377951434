"""Views of the model itself, one per file. `base.py` holds their contract."""

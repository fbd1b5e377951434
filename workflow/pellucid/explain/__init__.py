"""Attribution methods, one per file. `base.py` holds their contract."""

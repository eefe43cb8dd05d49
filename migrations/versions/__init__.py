"""One file per change of the schema, `NNNN_what_changed.py`; a released one is never edited."""

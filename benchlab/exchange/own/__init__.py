"""benchlab's own files: a run as Parquet, Arrow or CSV, and back."""

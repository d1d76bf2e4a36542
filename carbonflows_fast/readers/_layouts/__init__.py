"""The forms in which numbers come: text, sheets, Parquet, long format."""

"""Layouts of numbers: text, sheets, Parquet, long format."""

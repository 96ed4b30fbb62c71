"""Rows in and out of the log: JSON lines, CSV, Parquet and frames."""

"""Connections to SQLite and PostgreSQL, statements compiled once, and their errors as ours."""

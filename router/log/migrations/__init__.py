"""Revisions of the schema, for alembic; `router/log/_upgrade.py` runs them."""

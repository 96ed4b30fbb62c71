"""The outcome log: what one write costs, whether many writers lose anything, and a million rows.

    python -m benchmarks.log [--rows 1000000] [--only felt] [--on sqlite]

On SQLite and on a real PostgreSQL. Needs the extra `dev`.
"""

"""The pages in this folder; those that `docs.generate` writes say so in their first line."""

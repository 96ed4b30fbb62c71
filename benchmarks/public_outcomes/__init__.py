"""Routers on real outcomes: every tier ran every task, so a choice can be judged, not estimated."""

"""A router's side of its log: decisions and attempts wait, are written together, and hold up no work."""

"""Who may ask, how much and how often: passed by every request before its route."""

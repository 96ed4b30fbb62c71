"""The decision as a pure function (`_decide.decide`), one rule a file."""

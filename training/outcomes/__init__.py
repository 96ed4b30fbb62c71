"""Outcomes: frames of them, their likelihood, and what the fit corrects, calibrates and promises by them."""

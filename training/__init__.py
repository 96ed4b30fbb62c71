"""Turns labelled tasks into a classifier and proves it. Needs the extra `train`."""

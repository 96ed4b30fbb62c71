"""The routes, a file each, and the short way to the busiest."""

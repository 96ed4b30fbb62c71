"""`python -m tierwise` is the command `tierwise`."""

from .cli import main

main()

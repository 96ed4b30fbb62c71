"""Commands that print, and store with machine and versions, every figure that we quote."""

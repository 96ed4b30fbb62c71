"""The promise about under-tiering: thresholds that keep it, on what evidence, and whether it still holds."""

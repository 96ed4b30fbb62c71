"""The model folder: read and checked, written whole, found in a store, fetched from MLflow."""

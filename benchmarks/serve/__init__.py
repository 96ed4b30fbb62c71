"""The service under load, on loopback, against a bare FastAPI endpoint in the same run: one file a part."""

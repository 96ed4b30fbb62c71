"""The service over HTTP. Needs the extra `serve`."""

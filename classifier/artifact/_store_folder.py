"""Whether a folder is a model or a store of models: all that a process needs to know that loads a model."""

from __future__ import annotations

from pathlib import Path

POINTER, VERSIONS = "champion.json", "versions"


def is_store(path: Path) -> bool:
    """A store has a pointer or, before its first promotion, a folder of versions."""
    return (path / POINTER).exists() or (path / VERSIONS).is_dir()

"""The service over HTTP. Needs the extra `serve`.

from tierwise.router.serve import Settings, create_app
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._server import run
    from .app import create_app
    from .service import Service
    from .settings import Settings

_HOME = {"Service": "service", "Settings": "settings", "create_app": "app", "run": "_server"}

__all__ = ["Service", "Settings", "create_app", "run"]


def __getattr__(name: str) -> Any:
    """Loaded on use: who makes a token needs no web framework."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tierwise"):
            raise
        from ...classifier.errors import MissingExtra

        raise MissingExtra(str(error.name), "serve") from error

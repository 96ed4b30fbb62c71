"""The service over HTTP. Needs the extra `serve`.

    from tierwise.router.serve import Settings, create_app
"""

from .app import create_app
from .service import Service
from .settings import Settings

__all__ = ["Service", "Settings", "create_app"]

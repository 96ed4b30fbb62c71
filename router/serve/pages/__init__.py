"""Pages for people: what goes where, what it saved, what waits for a verdict. Rendered on the server.

app.include_router(pages_router(lambda: state))
"""

from ._routes import pages_router
from ._state import State

__all__ = ["State", "pages_router"]

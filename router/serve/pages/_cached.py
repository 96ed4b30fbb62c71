"""What takes the database seconds is counted aside, and shown as it was last counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

KEEP_S = 10.0  # and at least _REST times as long as counting takes, so that it never takes a core for itself
_REST = 20.0
WAIT_S = 0.05
_RETRY_S = 1.0  # after what could not be counted, however long that took: the log may be back


class Cached:
    """Values by name. A value that is there is answered at once and renewed in the background."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "tierwise-pages")
        self._lock = threading.Lock()
        self._found: dict[str, tuple[Future[Any], float]] = {}  # and when it is to be counted anew
        self._running: dict[str, Future[Any]] = {}

    def get(self, name: str, count: Callable[[], Any]) -> Any:
        """None while it is being counted for the first time; raises what the last counting raised."""
        with self._lock:
            found = self._found.get(name)
            running = self._running.get(name)
            if running is None and (found is None or time.monotonic() > found[1]):
                running = self._running[name] = self._pool.submit(self._count, name, count)
        if found is not None:
            return found[0].result()
        assert running is not None
        try:
            return running.result(WAIT_S)
        except TimeoutError:
            return None

    def forget(self, name: str) -> None:
        """Count it anew when it is next asked for."""
        with self._lock:
            self._found.pop(name, None)

    def _count(self, name: str, count: Callable[[], Any]) -> Any:
        started, done, failed = time.monotonic(), Future[Any](), False
        try:
            done.set_result(count())
        except BaseException as error:
            done.set_exception(error)
            failed = True
            raise
        finally:
            now = time.monotonic()
            rest_s = max(KEEP_S, _REST * (now - started))
            with self._lock:
                self._found[name] = done, now + (_RETRY_S if failed else rest_s)
                del self._running[name]
        return done.result()

"""What is done once, a moment after it was first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

LINGER_S = 0.05  # long for a database, short beside a call to a model
_IDLE_S = 5.0  # then the thread ends; the next who asks starts another


class Linger:
    """A thread of its own, as long as somebody asks now and then."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._asked = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """What was there before this call is within what is done."""
        if self._asked.is_set():
            return
        with self._lock:
            self._asked.set()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="tierwise-log-linger", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Nothing is done any more when this returns."""
        self._closing.set()
        self._asked.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._is_asked():
            self._closing.wait(LINGER_S)
            if self._closing.is_set():
                return
            self._asked.clear()
            self._do()

    def _is_asked(self) -> bool:
        if self._asked.wait(_IDLE_S):
            return True
        with self._lock:
            if self._asked.is_set():
                return True
            self._thread = None
            return False

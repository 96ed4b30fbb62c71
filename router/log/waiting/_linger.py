"""What is done once, a moment after it was first asked for, by a thread that is there while it is needed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

LINGER_S = 0.05  # long for a database, short beside a call to a model
_IDLE_S = 5.0  # then the thread ends; the next who asks starts another
_AFTER_FAULT_S = 5.0
_log = logging.getLogger("tierwise")


class Linger:
    """do : called by the thread; answers after how many seconds it is to be done again, None for not at all.

    What it raises is logged, and it is tried again: nobody is there to be told.
    """

    def __init__(self, do: Callable[[], float | None]) -> None:
        self._do = do
        self._changed = threading.Condition()
        self._due: float | None = None  # when it is to be done; None where nobody has asked
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Have it done in a moment, or when it is to be done again, with what is there before this call."""
        if self._due is None:  # who asks next finds that it is asked for, without a lock
            self._ask(time.monotonic() + LINGER_S)

    def hurry(self) -> None:
        """The same at once."""
        self._ask(time.monotonic())

    def close(self) -> None:
        """Nothing is done any more when this returns."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _ask(self, due: float) -> None:
        with self._changed:
            if self._is_closed or (self._due is not None and self._due <= due):
                return
            if (self._thread is None or not self._thread.is_alive()) and not self._is_started():
                return  # who asks next tries again
            self._due = due
            self._changed.notify()

    def _is_started(self) -> bool:
        thread = threading.Thread(target=self._run, name="tierwise-log-linger", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread left, or the process ends
            _log.exception("No thread for the log could be started; what waits is written later.")
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while self._is_due():
            try:
                again_s = self._do()
            except Exception:
                _log.exception("A fault of tierwise's; it is tried again in %g s.", _AFTER_FAULT_S)
                again_s = _AFTER_FAULT_S
            if again_s is not None:
                self._again(again_s)

    def _is_due(self) -> bool:
        """Waits until it is; False for a thread that is to end."""
        with self._changed:
            idle_until = time.monotonic() + _IDLE_S
            while not self._is_closed:
                now = time.monotonic()
                if self._due is not None and now >= self._due:
                    self._due = None
                    return True
                until = idle_until if self._due is None else self._due
                if now >= until:
                    break
                self._changed.wait(until - now)
            self._thread = None
            return False

    def _again(self, in_s: float) -> None:
        """Who asked meanwhile waits as long; not so who is in a hurry."""
        now = time.monotonic()
        with self._changed:
            if self._due is None or self._due > now:
                self._due = now + in_s

"""Whether a log is left alone for a moment, because using it has just failed."""

from __future__ import annotations

import logging
import time

from ....classifier.errors import LogError, LogFull, LogLocked

PAUSE_S = 5.0  # after a failure no decision waits for the log again for so long,
PAUSE_PER_S = 10.0  # and for so many times what the failure took, so that waiting costs a tenth at most
_log = logging.getLogger("tierwise")


class Away:
    """until, unreadable_until : of `time.monotonic()`; who can't write may still be able to read."""

    def __init__(self) -> None:
        self.until = self.unreadable_until = 0.0
        self._is_said = False

    @property
    def is_now(self) -> bool:
        return time.monotonic() < self.until

    @property
    def is_unreadable(self) -> bool:
        return time.monotonic() < self.unreadable_until

    @property
    def rest_s(self) -> float:
        """For so long it is left alone yet."""
        return max(self.until - time.monotonic(), 0.0)

    def failed(self, error: LogError, started: float) -> None:
        """Longer where failing took long. Said once, until something is written."""
        if not self._is_said:
            _log.warning("The log can't be used; decisions go on and are written when it is back. %s", error)
            self._is_said = True
        now = time.monotonic()
        self.until = now + max(PAUSE_S, PAUSE_PER_S * (now - started))
        if not isinstance(error, (LogLocked, LogFull)):
            self.unreadable_until = self.until

    def read_overdue(self, waited_s: float) -> None:
        """Somebody waited so long for a read, and goes on without it. Who writes finds out for himself."""
        self.unreadable_until = time.monotonic() + max(PAUSE_S, PAUSE_PER_S * waited_s)

    def tried_again(self) -> None:
        """There is reason to believe that it is back."""
        self.until = self.unreadable_until = 0.0

    def written(self) -> None:
        if self._is_said:
            _log.info("The log can be used again; what waited for it is being written.")
            self._is_said = False

"""Models that were found retired, so that not every call asks them first."""

from __future__ import annotations

import time
from collections.abc import Callable

FORGOTTEN_AFTER_S = 300.0  # then it is asked again: a 404 may have been a mistake of the service's


class Retired:
    """Of one client. Threads may share it. A model is added once its successor has answered.

    Names are the model's, or those of a model and an account, which may be served what another is not.
    now_s : a clock that never goes back.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._until_s: dict[str | bytes, float] = {}

    def add(self, name: str | bytes) -> None:
        now_s = self._now_s()
        for known, until_s in list(self._until_s.items()):
            if until_s <= now_s:
                self._until_s.pop(known, None)
        self._until_s[name] = now_s + FORGOTTEN_AFTER_S

    def __contains__(self, name: str | bytes) -> bool:
        return self._until_s.get(name, 0.0) > self._now_s()

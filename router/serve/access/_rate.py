"""A token bucket per caller."""

from __future__ import annotations

from collections import OrderedDict

_MAX_CALLERS = 10_000


class Rate:
    """So many requests a second in the long run, so many at once. Times are given to it."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, as of when

    def wait_s(self, caller: str, now: float) -> float:
        """0 where the request may go on; else after how many seconds the next one may."""
        left, at = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        allowed = left >= 1.0
        self._left[caller] = left - 1.0 if allowed else left, now
        self._left.move_to_end(caller)
        if len(self._left) > _MAX_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_s

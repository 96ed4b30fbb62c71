"""What Prometheus is told. One registry per service, so that several may live in one process."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters and gauges by name."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter(
            "tierwise_requests", "Requests by route and status.", ["route", "status"], **to
        )
        self._seconds = Histogram(
            "tierwise_request_seconds", "Time to the last byte.", ["route"], buckets=_SECONDS, **to
        )
        self._decisions = Counter("tierwise_decisions", "Decisions.", ["tier", "reason"], **to)
        self._fallbacks = Counter(
            "tierwise_fallbacks", "Decisions that were the answer to not being sure.", **to
        )
        self._outcomes = Counter("tierwise_outcomes", "New outcomes.", ["verdict", "basis"], **to)
        self._refused = Counter("tierwise_outcomes_unavailable", "Outcomes answered 503.", **to)
        self._model = Gauge("tierwise_model_info", "1 for the version that serves.", ["version"], **to)
        self._swaps = Counter("tierwise_model_swaps", "Models that took over from another.", **to)
        self._trouble = Gauge("tierwise_model_trouble", "1 while a newer model can't be used.", **to)
        self._unlogged = Gauge("tierwise_unlogged", "Decisions that are not in the log (yet).", **to)
        self._log_away = Gauge("tierwise_log_away", "1 while the log can't be used.", **to)
        self._dropped = Gauge(
            "tierwise_unlogged_dropped",
            "Of these, given up since the start: too many waited, or the log can't take them.",
            **to,
        )
        ProcessCollector(registry=self.registry)  # memory, processor time, open files; on Linux
        self._routes: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}
        self._kinds: dict[tuple[str, str], Counter] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        counter = self._routes.get((route, status))
        if counter is None:
            counter = self._routes[route, status] = self._requests.labels(route, str(status))
            self._timers[route] = self._seconds.labels(route)
        counter.inc()
        self._timers[route].observe(seconds)

    def decision(self, tier: str, reason: str, *, fallback: bool, n: int = 1) -> None:
        counter = self._kinds.get((tier, reason))
        if counter is None:
            counter = self._kinds[tier, reason] = self._decisions.labels(tier, reason)
        counter.inc(n)
        if fallback:
            self._fallbacks.inc(n)

    def decisions(self, made: Iterable[tuple[str, str, bool]]) -> None:
        """(tier, reason, fallback) of each."""
        for (tier, reason, fallback), n in Count(made).items():
            self.decision(tier, reason, fallback=fallback, n=n)

    def outcome(self, verdict: str, basis: str) -> None:
        self._outcomes.labels(verdict, basis).inc()

    def outcome_unavailable(self) -> None:
        self._refused.inc()

    def serves(self, version: str, *, swapped: bool) -> None:
        self._model.clear()
        self._model.labels(version).set(1)
        if swapped:
            self._swaps.inc()

    def trouble(self, is_there: bool) -> None:
        self._trouble.set(int(is_there))

    def watch_log(
        self, unlogged: Callable[[], int], dropped: Callable[[], int], is_away: Callable[[], bool]
    ) -> None:
        self._unlogged.set_function(unlogged)
        self._dropped.set_function(dropped)
        self._log_away.set_function(lambda: int(is_away()))

    def text(self) -> bytes:
        return generate_latest(self.registry)

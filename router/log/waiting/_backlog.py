"""What waits for the log, in the order in which it came: the oldest is given up where too much does."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from itertools import islice

from .._add_decision import Prepared
from ._unwritten import Report, Unwritten

MAX_WAITING = 10_000  # decisions, and as many reports; some kilobytes each
_log = logging.getLogger("tierwise")


class Backlog:
    """Threads may share it.

    on_drop : told the id of a decision that is not to be written any more, under `lock`.
    n_dropped : decisions and reports that were given up.
    """

    def __init__(self, on_drop: Callable[[str], None]) -> None:
        self.decisions: OrderedDict[str, Unwritten] = OrderedDict()
        self.reports: deque[Report] = deque()
        self.n_dropped = self.n_taken = 0
        self._on_drop, self._is_said_full = on_drop, False
        self.make_lock()

    def make_lock(self) -> None:
        self.lock = threading.Lock()

    @property
    def n_waiting(self) -> int:
        return len(self.decisions) + len(self.reports)

    def add(self, several: Sequence[Unwritten]) -> None:
        with self.lock:
            for each in several:
                self.n_taken += 1
                self.decisions.setdefault(each.decision.decision_id, each._replace(number=self.n_taken))
            n_over = max(len(self.decisions) - MAX_WAITING, 0)
            for _ in range(n_over):
                self._drop(self.decisions.popitem(last=False)[0])
        self._say_full(n_over)

    def prepare(self, decision_id: str, rows: Callable[[Sequence[Unwritten]], list[Prepared]]) -> None:
        """Make the row of a decision that waits."""
        waiting = self.decisions.get(decision_id)
        if waiting is not None:
            [row] = rows([waiting])
            with self.lock:
                if decision_id in self.decisions:  # else it has been written meanwhile
                    self.decisions[decision_id] = waiting._replace(row=row)

    def report(self, report: Report) -> None:
        with self.lock:
            self.n_taken += 1
            self.reports.append(report._replace(number=self.n_taken))
            n_over = max(len(self.reports) - MAX_WAITING, 0)
            for _ in range(n_over):
                self.reports.popleft()
            self.n_dropped += n_over
        self._say_full(n_over)

    def holds_up_to(self, number: int) -> bool:
        """Whether something waits that came as this one or before it."""
        with self.lock:
            first = (next(iter(self.decisions.values()), None), self.reports[0] if self.reports else None)
        return any(each is not None and each.number <= number for each in first)

    def next_group(self, most: int, most_reports: int) -> tuple[list[Unwritten], list[Report]]:
        """The oldest; a report comes after its decision."""
        with self.lock:
            first = list(islice(self.decisions.values(), most + 1))
            reports = list(islice(self.reports, most_reports))
        if len(first) > most:
            reports = [each for each in reports if each.number < first[-1].number]
        return first[:most], reports

    def done(self, group: Sequence[Unwritten], reports: Sequence[Report]) -> None:
        """They wait no longer."""
        with self.lock:
            for each in group:
                self.decisions.pop(each.decision.decision_id, None)
            for report in reports:
                if self.reports and self.reports[0] is report:  # else too many have come since
                    self.reports.popleft()
        self._is_said_full = False

    def give_up(self, group: Sequence[Unwritten], reports: Sequence[Report]) -> None:
        """The log can't take them."""
        with self.lock:
            for each in group:
                self._drop(each.decision.decision_id)
            self.n_dropped += len(reports)

    def _drop(self, decision_id: str) -> None:
        self.n_dropped += 1
        self._on_drop(decision_id)

    def _say_full(self, n_over: int) -> None:
        if n_over and not self._is_said_full:
            self._is_said_full = True
            _log.warning("More than %d wait for the log; the oldest of them are given up.", MAX_WAITING)

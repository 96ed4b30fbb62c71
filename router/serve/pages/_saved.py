"""A count that outlives its process: as JSON in the log, under a name that says what it depends on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from .... import __version__
from ....classifier.errors import LogError
from ...log import OutcomeLog
from ...log._times import from_us, to_us
from ...log.figures._counts import Count, era, keep_count, kept_count

_log = logging.getLogger("tierwise")
T = TypeVar("T")


class Saved:
    """Where one value is cached. What makes no sense there, or can't be written, is no error.

    shape : of the value. name : with all that it depends on but the rows: tiers, model, policy.
    """

    def __init__(self, log: OutcomeLog, shape: TypeAdapter[Any], *name: str) -> None:
        self._database, self._shape = log._database, shape
        self._name = " ".join((__version__, *name))

    def load(self) -> tuple[Any, datetime] | None:
        """Raises LogError."""
        found = kept_count(self._database, self._name)
        if found is None:
            return None
        try:
            return self._shape.validate_json(found.body), from_us(found.at_us)
        except ValidationError as error:
            _log.debug("A count that is kept in the log is none: %s", error)
            return None

    def era(self) -> str | None:
        """To be asked before counting; None where the log doesn't say."""
        return self._tried(lambda: era(self._database))

    def save(self, value: Any, at: datetime, begun_in: str) -> None:
        def write() -> bool:
            body = self._shape.dump_json(value).decode()
            return keep_count(self._database, self._name, Count(body, to_us(at)), begun_in)

        self._tried(write)

    def _tried(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except LogError as error:
            _log.debug("A count of the log is not kept in it: %s", error)
            return None

"""Times in the log: whole microseconds since 1970, UTC. Naive, future and ancient times are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ...classifier.errors import InvalidOutcome

Clock = Callable[[], datetime]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SKEW = timedelta(minutes=2)  # clocks of several machines never agree to the second


def utc_now() -> datetime:
    return datetime.now(tz=UTC)


def to_us(moment: datetime) -> int:
    return int((moment - EPOCH) // MICROSECOND)


def from_us(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND


def checked_us(name: str, value: object, now: datetime) -> int:
    """Microseconds of a moment from 1970 to now. Raises InvalidOutcome for anything else."""
    moment = _as_moment(name, value)
    if moment.utcoffset() is None:
        raise InvalidOutcome(
            f"{name} must say its time zone; got {str(value)!r:.80}. Write 2026-03-01T09:30:00+00:00, "
            "or datetime.now(tz=datetime.UTC).",
            about=name,
        )
    if moment < EPOCH:  # near the year 1 no calendar can say it in every zone
        raise InvalidOutcome(
            f"{name} must not lie before 1970; got {moment.isoformat()}. Is its year the right one?",
            about=name,
        )
    if moment > now + SKEW:
        raise InvalidOutcome(
            f"{name} must not lie in the future; got {moment.isoformat()}, and it is {now.isoformat()}. "
            "Is its time zone the right one?",
            about=name,
        )
    return to_us(moment)


def _as_moment(name: str, value: object) -> datetime:
    if isinstance(value, datetime) and value == value:  # pandas' missing time equals nothing
        return value
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            pass
    raise InvalidOutcome(
        f"{name} must be a date and time with its time zone, such as 2026-03-01T09:30:00+00:00; "
        f"got {value!r:.80}.",
        about=name,
    )

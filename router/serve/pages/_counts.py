"""What the pages count of the whole log: each under its name, and what of it is kept between processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import PlainSerializer, PlainValidator, TypeAdapter
from sqlalchemy import Connection

from ....classifier.model import TierModel
from ...log import OutcomeLog, movements_of
from ...log._policy_body import policy_body
from ...log.figures._money import Spent, spending
from ...log.figures._promise import Bin, UnderTiering, reliability, under_tiering
from ...log.figures._stats import Stats, TierStats, collect
from ...log.figures._unjudged import Unjudged, unjudged
from ...movements import Movements
from ._cached import Cached
from ._saved import Saved
from ._state import State, ladder_of, policy_of

T = TypeVar("T")
MONEY, STATS, UNDER, WAITING = "money", "stats", "under", "waiting"


def prepare() -> None:
    """What the first page would wait for."""
    for kind in (list[Spent], _KeptStats, dict[date, UnderTiering], Unjudged, list[Bin], Movements):
        _shape(kind)


def money(state: State, cached: Cached) -> list[Spent] | None:
    """This one and the others: None while it is counted for the first time ever. Raise LogError."""
    names = ladder_of(state).names
    return _counted(state, cached, MONEY, list[Spent], lambda c: spending(c, names), *names)


def stats(state: State, cached: Cached) -> Stats | None:
    return _counted(state, cached, STATS, _KeptStats, collect)


def under(state: State, cached: Cached) -> dict[date, UnderTiering] | None:
    names = ladder_of(state).names
    return _counted(state, cached, UNDER, dict[date, UnderTiering], lambda c: under_tiering(c, names), *names)


def to_review(state: State, cached: Cached) -> Unjudged | None:
    return _counted(state, cached, WAITING, Unjudged, unjudged)


def bins(state: State, cached: Cached, model: TierModel) -> list[Bin] | None:
    """Of this model, by tier and by what was predicted."""
    names, version = ladder_of(state).names, model.version

    def count(connection: Connection) -> list[Bin]:
        found = reliability(connection, names, version)
        return sorted(found, key=lambda each: (names.index(each.tier), each.predicted))

    return _counted(state, cached, bins_name(model), list[Bin], count, *names)


def bins_name(model: TierModel) -> str:
    return f"reliability {model.version}"


def moves(state: State, cached: Cached) -> Movements | None:
    """Raises also ArtifactError, where no model says what should move."""
    log, model = _log_of(state), state.model()
    policy = policy_of(state)
    fingerprint, _ = policy_body(policy, ladder_of(state))
    saved = None if model is None else Saved(log, _shape(Movements), moves_name(model), fingerprint)
    found: Movements | None = cached.get(
        moves_name(model), lambda: movements_of(log, model=model, policy=state.policy), saved
    )
    return found


def moves_name(model: TierModel | None) -> str:
    return f"moves {'' if model is None else model.version}"


def _counted(
    state: State, cached: Cached, name: str, shape: Any, count: Callable[[Connection], T], *depends_on: str
) -> T | None:
    log = _log_of(state)

    def read() -> T:
        with log._database.read() as connection:
            return count(connection)

    found: T | None = cached.get(name, read, Saved(log, _shape(shape), name, *depends_on))
    return found


def _log_of(state: State) -> OutcomeLog:
    assert state.log is not None
    return state.log


class _Flat(NamedTuple):
    """Stats as JSON holds them: it has no key None, the type of no name."""

    n_decisions: int
    n_outcomes: int
    n_without_verdict: int
    texts: dict[str, int]
    types: list[tuple[str | None, dict[str, TierStats]]]


def _flat(found: Stats) -> _Flat:
    return _Flat(
        found.n_decisions, found.n_outcomes, found.n_without_verdict, found.texts, list(found.types.items())
    )


def _whole(value: Any) -> Stats:
    flat = _shape(_Flat).validate_python(value)
    return Stats(flat.n_decisions, flat.n_outcomes, flat.n_without_verdict, flat.texts, dict(flat.types))


_KeptStats = Annotated[Stats, PlainSerializer(_flat, return_type=_Flat), PlainValidator(_whole)]


@cache  # building one takes some milliseconds
def _shape(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)

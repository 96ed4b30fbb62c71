"""From the stage into the log, in one short transaction, as sets and not row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ....classifier.errors import BadRow
from .._schema import decisions, outcomes, policies
from .._states import drop_states, lock_types
from .._verdicts import standing_sql
from ._exported_attempts import add_tried
from ._stage import stage

_DECISION_COLUMNS = [column.name for column in decisions.columns]


def conflicts(connection: Connection, what: str) -> Iterator[BadRow]:
    """Rows that contradict the log, or an earlier row, about a decision; and verdicts about unknown ids.

    what : "line" or "row", for messages.
    """
    ids = select(stage.c.decision_id)
    connection.execute(
        select(decisions.c.decision_id)
        .where(decisions.c.decision_id.in_(ids))
        .order_by(decisions.c.decision_id)
        .with_for_update()
    )
    first = _first().subquery()
    earlier = stage.alias("earlier")
    in_file = (
        select(stage.c.number, stage.c.decision_id, earlier.c.number.label("other"))
        .join(first, first.c.decision_id == stage.c.decision_id)
        .join(earlier, earlier.c.number == first.c.number)
        .where(stage.c.number > earlier.c.number, _differs(earlier))
    )
    for number, decision_id, other in connection.execute(in_file):
        yield BadRow(
            number,
            f"decision_id {decision_id!r} is another decision in {what} {other}: use ids of their own.",
        )
    in_log = (
        select(stage.c.number, stage.c.decision_id)
        .join(decisions, decisions.c.decision_id == stage.c.decision_id)
        .where(_differs(decisions))
    )
    for number, decision_id in connection.execute(in_log):
        yield BadRow(
            number, f"decision_id {decision_id!r} is another decision in the log: use ids of their own."
        )
    unknown = (
        select(stage.c.number, stage.c.decision_id)
        .outerjoin(decisions, decisions.c.decision_id == stage.c.decision_id)
        .outerjoin(first, first.c.decision_id == stage.c.decision_id)
        .where(decisions.c.decision_id.is_(None), first.c.number.is_(None))
    )
    for number, decision_id in connection.execute(unknown):
        yield BadRow(
            number, f"decision_id {decision_id!r} is not in the log, and the row has no tier: unknown id."
        )


def move(connection: Connection, bodies: Mapping[str, dict[str, Any]]) -> tuple[int, int, int]:
    """(new decisions, new outcomes, rows that brought nothing new)."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    for fingerprint, body in bodies.items():
        add = dialect.insert(policies).on_conflict_do_nothing()
        connection.execute(add, {"fingerprint": fingerprint, "body": body})
    n_before = _count(connection, decisions), _count(connection, outcomes)
    first = _first().subquery()
    new = (
        select(*(stage.c[name] for name in _DECISION_COLUMNS))
        .where(stage.c.number.in_(select(first.c.number)))
        .order_by(stage.c.decision_id)  # two imports at once wait for each other in one direction only
    )
    add_all = dialect.insert(decisions).from_select(_DECISION_COLUMNS, new.where(true()))
    connection.execute(add_all.on_conflict_do_nothing())
    add_tried(connection)
    _add_outcomes(connection)
    _settle(connection)
    touched = select(outcomes.c.task_type).where(outcomes.c.decision_id.in_(select(stage.c.decision_id)))
    types = [found for found in connection.execute(touched.distinct()).scalars() if found is not None]
    lock_types(connection, types)
    drop_states(connection, types)
    if connection.dialect.name == "postgresql":  # its planner would know of the new rows minutes later
        connection.execute(text(f"ANALYZE {decisions.name}, {outcomes.name}"))
    n_decisions = _count(connection, decisions) - n_before[0]
    n_outcomes = _count(connection, outcomes) - n_before[1]
    with_verdict = select(func.count()).select_from(stage).where(stage.c.verdict.is_not(None))
    n_known = connection.execute(with_verdict).scalar_one() - n_outcomes
    return n_decisions, n_outcomes, n_known


def _first() -> Any:
    """Per decision the first row that says what was decided."""
    return (
        select(stage.c.decision_id, func.min(stage.c.number).label("number"))
        .where(stage.c.tier.is_not(None))
        .group_by(stage.c.decision_id)
    )


def _differs(other: Any) -> Any:
    """A staged row says something else of the decision; what it leaves out contradicts nothing."""
    facts = cast(stage.c.facts, Text)
    return or_(
        and_(stage.c.tier.is_not(None), stage.c.tier != other.c.tier),
        and_(stage.c.task_type.is_not(None), stage.c.task_type.is_distinct_from(other.c.task_type)),
        and_(facts != "{}", facts != cast(other.c.facts, Text)),
        and_(
            stage.c.specification.is_not(None),
            other.c.specification.is_not(None),
            stage.c.specification != other.c.specification,
        ),
    )


def _add_outcomes(connection: Connection) -> None:
    """Verdicts that the log doesn't hold yet; one that stands alone counts at once."""
    known = outcomes.alias("known")
    same = and_(
        known.c.decision_id == stage.c.decision_id,
        known.c.basis == stage.c.basis,
        known.c.verdict == stage.c.verdict,
        known.c.at_us == stage.c.at_us,
    )
    key = (stage.c.decision_id, stage.c.basis, stage.c.verdict, stage.c.at_us)
    distinct = select(func.min(stage.c.number)).where(stage.c.verdict.is_not(None)).group_by(*key)
    alone = func.count().over(partition_by=stage.c.decision_id) == 1
    no_other = ~exists().where(known.c.decision_id == stage.c.decision_id)
    rows = (
        select(
            stage.c.decision_id,
            decisions.c.task_type,
            case((decisions.c.mode == "none", None), else_=decisions.c.tier),
            stage.c.verdict,
            stage.c.basis,
            stage.c.at_us,
            stage.c.known_at_us,
            stage.c.note,
            and_(alone, no_other),
        )
        .join(decisions, decisions.c.decision_id == stage.c.decision_id)
        .where(stage.c.number.in_(distinct), ~exists().where(same))
        .order_by(stage.c.number)
    )
    names = [
        "decision_id",
        "task_type",
        "tier",
        "verdict",
        "basis",
        "at_us",
        "recorded_at_us",
        "note",
        "is_effective",
    ]
    connection.execute(insert(outcomes).from_select(names, rows))


def _settle(connection: Connection) -> None:
    """Which verdict counts, of decisions that have several."""
    several = (
        select(outcomes.c.decision_id)
        .where(outcomes.c.decision_id.in_(select(stage.c.decision_id)))
        .group_by(outcomes.c.decision_id)
        .having(func.count() > 1)
    )
    of_several = outcomes.c.decision_id.in_(several)
    connection.execute(update(outcomes).where(of_several, outcomes.c.is_effective).values(is_effective=False))
    place = func.row_number().over(partition_by=outcomes.c.decision_id, order_by=standing_sql())
    ranked = select(outcomes.c.outcome_id, place.label("place")).where(of_several).subquery()
    counting = select(ranked.c.outcome_id).where(ranked.c.place == 1)
    connection.execute(update(outcomes).where(outcomes.c.outcome_id.in_(counting)).values(is_effective=True))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()

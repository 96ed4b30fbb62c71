"""One decision, one outcome: written in a transaction that the caller holds. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ...classifier.errors import DecisionConflict, NotInLog
from ._decision_row import DecisionRow
from ._outcome import Outcome
from ._schema import decisions, outcomes, policies
from ._states import lock_decision
from ._times import from_us
from ._verdicts import standing

# built once: SQLAlchemy then finds them compiled
_ADD_POLICY = {
    "sqlite": sqlite.insert(policies).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(policies).on_conflict_do_nothing(),
}
_ADD_DECISION = {
    kind: dialect.insert(decisions).on_conflict_do_nothing().returning(decisions.c.decision_id)
    for kind, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_ADD_MANY = {
    kind: dialect.insert(decisions).on_conflict_do_nothing()
    for kind, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_FIND = (
    select(
        decisions.c.task_type,
        decisions.c.tier,
        decisions.c.mode,
        outcomes.c.outcome_id,
        outcomes.c.verdict,
        outcomes.c.basis,
        outcomes.c.at_us,
        outcomes.c.recorded_at_us,
        outcomes.c.note,
        outcomes.c.is_effective,
    )
    .select_from(decisions.outerjoin(outcomes))
    .where(decisions.c.decision_id == bindparam("id"))
    .order_by(outcomes.c.outcome_id)
)
_ADD_OUTCOME = insert(outcomes).returning(outcomes.c.outcome_id)
_STAND_DOWN = update(outcomes).where(outcomes.c.outcome_id == bindparam("id")).values(is_effective=False)


class Verdict(NamedTuple):
    """What is to be recorded; `at_us` None means now, and then a repetition is known by its words."""

    verdict: str
    basis: str
    at_us: int | None
    note: str | None


def add_decision(connection: Connection, row: DecisionRow, known_policies: set[str]) -> bool:
    """True where it was new. Raises DecisionConflict where the id belongs to another decision."""
    kind = connection.dialect.name
    fingerprint = row.values["policy_fingerprint"]
    if fingerprint not in known_policies:
        connection.execute(_ADD_POLICY[kind], {"fingerprint": fingerprint, "body": row.policy})
    if connection.execute(_ADD_DECISION[kind], row.values).first() is not None:
        return True
    check_same(connection, row.values)
    return False


def add_decisions(connection: Connection, rows: Sequence[DecisionRow], known_policies: set[str]) -> None:
    """The same for many, in one statement. Raises DecisionConflict."""
    kind = connection.dialect.name
    policies_of = {row.values["policy_fingerprint"]: row.policy for row in rows}
    for fingerprint in policies_of.keys() - known_policies:
        values = {"fingerprint": fingerprint, "body": policies_of[fingerprint]}
        connection.execute(_ADD_POLICY[kind], values)
    added = connection.execute(_ADD_MANY[kind], [row.values for row in rows]).rowcount
    if added != len(rows):
        for row in rows:
            check_same(connection, row.values)


def check_same(connection: Connection, values: Mapping[str, Any]) -> None:
    names = ("task_type", "tier", "mode", "facts")
    wanted = select(*(decisions.c[name] for name in names))
    found = connection.execute(wanted.where(decisions.c.decision_id == values["decision_id"])).one()
    differing = [name for name in names if getattr(found, name) != values[name]]
    if differing:
        name = differing[0]
        raise DecisionConflict(
            f"The log holds another decision with the id {values['decision_id']!r}: its {name} is "
            f"{getattr(found, name)!r}, not {values[name]!r}. Give each decision an id of its own.",
            about=values["decision_id"],
        )


def add_outcome(connection: Connection, decision_id: str, new: Verdict, now_us: int) -> Outcome:
    """Record a verdict and settle which one counts. Raises NotInLog for an unknown id."""
    lock_decision(connection, decision_id)
    found = connection.execute(_FIND, {"id": decision_id}).all()
    if not found:
        raise NotInLog(
            f"The log holds no decision with the id {decision_id!r}. Log the decision first, or give the "
            "decision itself in place of its id. (Was it forgotten, or is this another log?)",
            about=decision_id,
        )
    known = [row for row in found if row.outcome_id is not None]
    repeated = _repeated(known, new)
    if repeated is not None:
        return _outcome(decision_id, repeated, repeated, is_new=False)
    at_us = now_us if new.at_us is None else new.at_us
    before = next((row for row in known if row.is_effective), None)
    counts = before is None or (
        # an id that is greater than all before it
        standing(new.basis, at_us, before.outcome_id + 1)
        > standing(before.basis, before.at_us, before.outcome_id)
    )
    if counts and before is not None:
        connection.execute(_STAND_DOWN, {"id": before.outcome_id})
    decision = found[0]
    connection.execute(
        _ADD_OUTCOME,
        {
            "decision_id": decision_id,
            "task_type": decision.task_type,
            "tier": tier_that_worked(decision.tier, decision.mode),
            "verdict": new.verdict,
            "basis": new.basis,
            "at_us": at_us,
            "recorded_at_us": now_us,
            "note": new.note,
            "is_effective": counts,
        },
    )
    return Outcome(
        decision_id,
        decision.task_type,
        tier_that_worked(decision.tier, decision.mode),
        new.verdict,
        new.basis,
        from_us(at_us),
        from_us(now_us),
        new.note,
        is_effective=counts,
        is_new=True,
        replaced=before.verdict if counts and before is not None else None,
        replaced_at=from_us(before.at_us) if counts and before is not None else None,
    )


def tier_that_worked(tier: str, mode: str | None) -> str | None:
    """None where a plain program did the step: its outcomes say nothing about a tier."""
    return None if mode == "none" else tier


def _repeated(known: list[Any], new: Verdict) -> Any:
    """The verdict in the log that this one repeats.

    With a time: the same words at the same time. Without: the same words as the latest of its basis,
    so that a call repeated after a lost connection writes nothing.
    """
    same_basis = [row for row in known if row.basis == new.basis]
    if new.at_us is None:
        same_basis = sorted(same_basis, key=lambda row: (row.at_us, row.outcome_id))[-1:]
    for row in same_basis:
        if row.verdict == new.verdict and new.at_us in (None, row.at_us):
            return row
    return None


def _outcome(decision_id: str, decision: Any, row: Any, *, is_new: bool) -> Outcome:
    return Outcome(
        decision_id,
        decision.task_type,
        tier_that_worked(decision.tier, decision.mode),
        row.verdict,
        row.basis,
        from_us(row.at_us),
        from_us(row.recorded_at_us),
        row.note,
        is_effective=row.is_effective,
        is_new=is_new,
    )

"""Many decisions in one transaction, and what became of them: what is written while others are being made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....classifier.belief.posterior import Posterior
from ....classifier.model import TierModel
from .._add_decision import Prepared, add_decisions, prepared
from .._add_outcome import known_of_new
from .._decision_row import decision_row
from .._opened import OpenedLog
from .._record import record_within
from .._times import to_us
from ..database._statement import to_json
from ._unwritten import Report, Unwritten


def record_group(
    log: OpenedLog, rows: Sequence[Prepared], reports: Sequence[Report] = (), *, wait_s: float
) -> None:
    """All of them or none, in their order. Those that are there already change nothing.

    Raises DecisionConflict where an id belongs to another decision, NotInLog for a report of none,
    LogUnavailable and its kinds.
    """
    with log._database.transaction(wait_s=wait_s) as transaction:
        are_new = bool(rows) and add_decisions(transaction, rows, log._policies)
        given = {each.row.values["decision_id"]: each.row.values for each in rows} if reports else {}
        unread = dict(given) if are_new and transaction.is_sqlite else {}  # which has one writer at a time
        for report in reports:
            new = unread.pop(report.decision_id, None)
            record_within(
                transaction,
                log,
                report.decision_id,
                report.said,
                is_known=report.decision_id in given,
                known=None if new is None else known_of_new(new),
                attempt=report.attempt,
                attempted_at_us=report.at_us,
                learn=report.learn,
            )
    log._policies.update(each.row.values["policy_fingerprint"] for each in rows)


def rows_of(
    log: OpenedLog, group: Sequence[Unwritten], dumps: Callable[[Any], str] = to_json
) -> list[Prepared]:
    """What takes most of the time, and asks no database.

    dumps : writes JSON, compact and not only in ASCII.
    """
    new = [each for each in group if each.row is None]
    if len(new) > 1:  # one works itself out as quickly
        work_out(new)
    at_us = to_us(log._now())
    return [each.row.recorded(at_us) if each.row else _made(log, each, at_us, dumps) for each in group]


def _made(log: OpenedLog, each: Unwritten, recorded_at_us: int, dumps: Callable[[Any], str]) -> Prepared:
    row = decision_row(
        each.decision,
        store_text=log.store_text,
        decided_at_us=to_us(each.at),
        recorded_at_us=recorded_at_us,
        follows=each.follows,
    )
    return prepared(row, dumps, is_sqlite=log._database.is_sqlite)


def work_out(group: Sequence[Unwritten]) -> None:
    """What the rows say beyond the decisions, for all of a model at once."""
    by_model: dict[str, tuple[TierModel, list[Posterior]]] = {}
    for each in group:
        model, posterior = each.decision.evidence.model, each.decision.evidence.posterior
        if model is not None and posterior is not None:
            by_model.setdefault(model.fingerprint, (model, []))[1].append(posterior)
    for model, posteriors in by_model.values():
        model.work_out(posteriors)

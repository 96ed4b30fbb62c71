"""Everything in the log as rows: one per verdict, and one per decision that has none. Nothing is lost.

Read back by an import, they give the same decisions, attempts, verdicts and times. A policy stands in the
first row that refers to it, attempts in the first row of their decision.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, select

from .._schema import decisions, outcomes, policies
from .._times import from_us
from ._columns import FACT_KINDS
from ._exported_attempts import tried_of

_CHUNK = 2_000
_VERDICT = ("verdict", "basis", "at_us", "note")
_PASSED_ON = (
    "decision_id",
    "specification",
    "task_type",
    "tier",
    "propensity",
    "mode",
    "model",
    "model_version",
    "reason",
    "fallback",
    "confidence",
    "follows",
    "text_stored",
    "features",
    "details",
    "policy_fingerprint",
)


def exported_rows(connection: Connection) -> Generator[dict[str, Any]]:
    """Streamed: the log may be larger than memory."""
    bodies = dict(connection.execute(select(policies.c.fingerprint, policies.c.body)).all())
    query = (
        select(
            decisions,
            *(outcomes.c[name] for name in _VERDICT),
            outcomes.c.recorded_at_us.label("known_at_us"),
        )
        .outerjoin(outcomes, outcomes.c.decision_id == decisions.c.decision_id)
        .order_by(decisions.c.decision_id, outcomes.c.outcome_id)
    )
    with closing(connection.execution_options(yield_per=_CHUNK).execute(query)) as result:
        before = None
        for chunk in result.mappings().partitions(_CHUNK):
            tried = tried_of(connection, list({found["decision_id"] for found in chunk}))
            for found in chunk:
                is_first, before = found["decision_id"] != before, found["decision_id"]
                yield {**_row(found, bodies), "tried": tried.get(before) if is_first else None}


def _row(found: Any, bodies: dict[str, Any]) -> dict[str, Any]:
    row = {name: found[name] for name in _PASSED_ON}
    row.update(dict.fromkeys(FACT_KINDS))
    row.update(found["facts"])
    row["decided_at"] = from_us(found["decided_at_us"])
    if found["verdict"] is not None:
        row.update({name: found[name] for name in ("verdict", "basis", "note")})
        row["at"] = from_us(found["at_us"])
        row["recorded_at"] = from_us(found["known_at_us"])
    row["policy"] = bodies.pop(found["policy_fingerprint"], None)
    return row

"""What a router asks of earlier decisions: how many were tried out, and which tiers had failed."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ...classifier.errors import NotInLog
from ._schema import EXPLORED, decisions
from ._write import tier_that_worked


def count_explored(
    connection: Connection, reason: str, model_version: str | None, since_us: int | None
) -> int:
    """Decisions with this decisive reason. The index holds those of probes and canaries only."""
    # the index's own words: SQLite then knows that it may use it
    wanted = select(func.count()).select_from(decisions).where(decisions.c.reason == reason, EXPLORED)
    if model_version is not None:
        wanted = wanted.where(decisions.c.model_version == model_version)
    if since_us is not None:
        wanted = wanted.where(decisions.c.decided_at_us >= since_us)
    return connection.execute(wanted).scalar_one()


def attempts_up_to(connection: Connection, decision_id: str) -> tuple[str, ...]:
    """Raises NotInLog."""
    wanted = select(decisions.c.tier, decisions.c.mode, decisions.c.facts)
    found = connection.execute(wanted.where(decisions.c.decision_id == decision_id)).first()
    if found is None:
        raise NotInLog(
            f"follows names the decision {decision_id!r}, which the log doesn't hold. Give the decision "
            "itself, or attempts= instead.",
            about=decision_id,
        )
    own = tier_that_worked(found.tier, found.mode)
    return (*found.facts.get("attempts", ()), *([] if own is None else [own]))

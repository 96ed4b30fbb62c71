"""What a router asks of earlier decisions: how many were tried out, and what became of a task's attempts."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from ...classifier.errors import NotInLog
from ._add_outcome import tier_that_worked
from ._schema import EXPLORED, decisions, outcomes
from ._times import from_us
from ._verdicts import CUT_OFF, REFUSED


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


class Explored(NamedTuple):
    """How many decisions were tried out, and when the last one was made; None where there was none."""

    decisions: int
    last: datetime | None


def explored(connection: Connection, reason: str, model_version: str) -> Explored:
    wanted = select(func.count(), func.max(decisions.c.decided_at_us)).where(
        decisions.c.reason == reason, decisions.c.model_version == model_version, EXPLORED
    )
    count, last_us = connection.execute(wanted).one()
    return Explored(count, None if last_us is None else from_us(last_us))


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
    own = None if is_no_failure(connection, decision_id) else tier_that_worked(found.tier, found.mode)
    return (*found.facts.get("attempts", ()), *([] if own is None else [own]))


class Judged(NamedTuple):
    """The verdict that counts on an earlier attempt; at: seconds since 1970."""

    tier: str
    verdict: str
    at: float


_LINK = (
    select(decisions.c.follows, outcomes.c.tier, outcomes.c.verdict, outcomes.c.at_us)
    .select_from(
        decisions.outerjoin(
            outcomes, and_(outcomes.c.decision_id == decisions.c.decision_id, outcomes.c.is_effective)
        )
    )
    .where(decisions.c.decision_id == bindparam("id"))
)


def is_no_failure(connection: Connection, decision_id: str) -> bool:
    """Whether it was refused or cut off. Where nothing was said of it, who follows it says that it failed."""
    link = connection.execute(_LINK, {"id": decision_id}).first()
    return link is not None and link.verdict in (REFUSED, CUT_OFF)


_MAX_LINKS = 32  # tiers on a ladder, and some; a circle of ids ends too


def judged_attempts(connection: Connection, decision_id: str) -> list[Judged]:
    """This decision's and those that it follows, as far as the log knows what became of them."""
    found: list[Judged] = []
    following: str | None = decision_id
    for _ in range(_MAX_LINKS):
        link = None if following is None else connection.execute(_LINK, {"id": following}).first()
        if link is None:
            break
        if link.tier is not None:
            found.append(Judged(link.tier, link.verdict, from_us(link.at_us).timestamp()))
        following = link.follows
    return found

"""A decision made again from its row alone: same task, beliefs, policy and ladder, same pure function.

What was drawn by chance is known by its reason: a probe or a canary is followed, not drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from ...classifier.errors import NotInLog
from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import Policy
from ..rules._beliefs import Beliefs
from ..rules._decide import Choice, decide
from ..rules._probe import probe_of
from ._policy_body import policy_from
from ._schema import decisions, policies


class Replay(NamedTuple):
    """What the row's inputs lead to now; `same` where that is what was decided then."""

    tier: str
    mode: str
    plan: tuple[str, ...]
    reasons: tuple[str, ...]
    same: bool


def replay_of(connection: Connection, decision_id: str) -> Replay:
    """Raises NotInLog for an unknown id, and for a row that came from a file."""
    row = connection.execute(select(decisions).where(decisions.c.decision_id == decision_id)).first()
    if row is None:
        raise NotInLog(f"The log holds no decision with the id {decision_id!r}.", about=decision_id)
    wanted = select(policies.c.body).where(policies.c.fingerprint == row.policy_fingerprint)
    return replayed(row._asdict(), connection.execute(wanted).scalar())


def replayed(row: Mapping[str, Any], body: Mapping[str, Any] | None) -> Replay:
    """Raises NotInLog for a row that came from a file and says only what was done."""
    details = row["details"]
    if details is None or body is None:
        raise NotInLog(
            f"Decision {row['decision_id']!r} was imported without what led to it, so it can't be replayed.",
            about=row["decision_id"],
        )
    policy, ladder = policy_from(body)
    choice = choice_of(row, policy, ladder)
    now = _in_words(choice, ladder)
    then = (row["tier"], row["mode"], tuple(details["plan"]), tuple(details["reasons"]))
    return Replay(*now, same=now == then)


def choice_of(row: Mapping[str, Any], policy: Policy, ladder: Ladder) -> Choice:
    """What the inputs in a row with details lead to."""
    details = row["details"]
    task, beliefs = task_of(row, details), beliefs_of(details, ladder)
    choice = decide(task, beliefs, policy, ladder, unavailable=details["unavailable"])
    if row["reason"] == reasons.PROBE:
        return probe_of(choice, task, beliefs, policy, ladder) or choice
    if row["reason"] == reasons.CANARY:  # the row holds what the challenger believed
        return choice._replace(codes=(reasons.CANARY, *choice.codes))
    return choice


def task_of(row: Mapping[str, Any], details: Mapping[str, Any]) -> Task:
    """The task of a row; a text that was not kept stands as dots of its length."""
    facts = {**row["facts"], "task_type": row["task_type"]}
    text = row["specification"]
    if text is None:
        # rules ask a text for its length, and whether it is a plain request to run
        text = "." * details.get("n_chars", 0)
        facts.setdefault("deterministic", row["mode"] == "none")
    return Task(text, **facts)


def beliefs_of(details: Mapping[str, Any], ladder: Ladder) -> Beliefs | None:
    stored = details["beliefs"]
    if stored is None:
        return None
    known = stored["all_fail"]
    return Beliefs(
        tuple(details["probabilities"][name] for name in ladder.names),
        tuple(details["pass_probabilities"][name] for name in ladder.names),
        stored["guard"],
        stored["history"],
        stored["lambda_down"],
        stored["lambda_up"],
        stored["min_pass"],
        None if known is None else lambda rungs: known[",".join(map(str, rungs))],
    )


def _in_words(choice: Choice, ladder: Ladder) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    names = ladder.names
    return names[choice.rung], choice.mode, tuple(names[rung] for rung in choice.plan), choice.codes

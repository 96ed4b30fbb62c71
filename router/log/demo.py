"""A log of some months for demonstration. Every verdict in it is simulated, and says so in its note.

Tasks are our own seed tasks, decided by the model in use from their texts alone (no history), so that the
log shows what outcomes then change. Some work is given to the tier below, with its propensity logged;
what fails is often tried again higher up; verdicts go missing, clean ones more often than corrections.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ...classifier.task import Task
from ..decision import Decision
from ..predict import predict_tiers
from ._decision_row import decision_row
from ._demo_world import TASK_SD, TIERS, DemoType, demo_types
from ._times import to_us
from ._verdicts import CLEAN, CORRECTED, CUT_OFF, FAILED, REFUSED
from .files._import import ImportReport
from .outcome_log import OutcomeLog

N_DECISIONS = 3_000
UNTIL = datetime(2026, 2, 27, 18, tzinfo=UTC)
DAYS = 120
NOTE = "simulated"
_PROBED = 0.2  # of checked work above the lowest tier
_HEARD_CLEAN, _HEARD_UNCLEAN = 0.5, 0.8
_CHECK_MISSES = 0.04  # of bad results; a person finds them later
_RETRIED = 0.6
_NO_EVIDENCE = 0.01
_MOST_OUTPUT = 120_000  # tokens; of many tasks some would exceed what any tier can write


@dataclass(frozen=True)
class _Draft:
    """A task on its way: `when` runs from 0 to 1 over the months."""

    kind: DemoType
    task: Task
    needed: int
    special: float
    decided_at: datetime
    when: float
    follows: str | None = None


def demo_rows(
    n_decisions: int = N_DECISIONS, seed: int = 0, *, until: datetime = UNTIL
) -> list[dict[str, Any]]:
    """Rows as an import takes them: one per decision, oldest first, and one for each further verdict.

    The same arguments and model give the same rows.
    """
    rng = np.random.default_rng(seed)
    drafts = list(_first_attempts(rng, n_decisions, until))
    found: list[list[dict[str, Any]]] = []
    policies: set[str] = set()
    while drafts:
        decisions = predict_tiers([draft.task for draft in drafts])
        retries = []
        for draft, decision in zip(drafts, decisions, strict=True):
            decision_id = f"demo-{seed}-{len(found):05d}"
            rows, tier, failed_at = _rows(rng, decision_id, draft, decision, policies, until)
            found.append(rows)
            if failed_at is not None and tier != TIERS[-1] and rng.random() < _RETRIED:
                retries.append(_again(draft, decision_id, tier, failed_at))
        drafts = [draft for draft in retries if draft.decided_at < until]
    kept = _thinned(found, n_decisions, rng)
    kept.sort(key=lambda rows: rows[0]["decided_at"])
    return [row for rows in kept for row in rows]


def _thinned(
    found: list[list[dict[str, Any]]], n: int, rng: np.random.Generator
) -> list[list[dict[str, Any]]]:
    """So many of these decisions, from the first day to the last: work is left out with all its retries.

    The first one stays: the policy of all of them stands there.
    """
    roots: dict[str, str] = {}
    works: dict[str, list[list[dict[str, Any]]]] = {}
    for rows in found:  # a retry comes after what it follows
        own, before = rows[0]["decision_id"], rows[0]["follows"]
        roots[own] = own if before is None else roots[before]
        works.setdefault(roots[own], []).append(rows)
    first, *others = works.values()
    kept, too_many = first, len(found) - n
    for place in rng.permutation(len(others)):
        if len(others[place]) <= too_many:
            too_many -= len(others[place])
        else:
            kept += others[place]
    return kept


def last_evening(now: datetime) -> datetime:
    """The newest end of work that is over: months that end then have nothing in the future."""
    evening = now.replace(hour=UNTIL.hour, minute=0, second=0, microsecond=0)
    return evening if evening <= now else evening - timedelta(days=1)


def fill(
    log: OutcomeLog, n_decisions: int = N_DECISIONS, seed: int = 0, *, until: datetime = UNTIL
) -> ImportReport:
    """Import the demonstration into a log; twice adds nothing."""
    return log._import(enumerate(demo_rows(n_decisions, seed, until=until)), "row", partial=False)


def log_or_demo(where: str) -> OutcomeLog:
    """The log at this path or url; for "demo" a demonstration log in a new temporary folder."""
    if where != "demo":
        return OutcomeLog(where, create=False)
    log = OutcomeLog(Path(tempfile.mkdtemp(prefix="tierwise-demo-")) / "demo.db")
    fill(log)
    return log


def _first_attempts(rng: np.random.Generator, n: int, until: datetime) -> Iterator[_Draft]:
    kinds = demo_types(rng)
    moments = np.sort(rng.random(n))
    for which, when in zip(rng.choice(len(kinds), n, p=[k.share for k in kinds]), moments, strict=True):
        kind = kinds[which]
        text, needed = kind.texts[rng.integers(len(kind.texts))]
        spread = rng.lognormal(0.0, 0.3, 2)
        task = Task(
            text,
            task_type=kind.name,
            items=kind.items,
            verifiable=kind.checked or None,
            pin=kind.pin,
            input_tokens=int(kind.tokens[0] * spread[0]) + len(text) // 4,
            output_tokens=min(int(kind.tokens[1] * spread[1]) * (kind.items or 1), _MOST_OUTPUT),
        )
        decided_at = _at_work(until - timedelta(days=DAYS * (1.0 - float(when))))
        yield _Draft(kind, task, needed, float(rng.normal(0.0, TASK_SD)), decided_at, float(when))


def _at_work(moment: datetime) -> datetime:
    """The same moment, moved to a working day between 8 and 18."""
    moment -= timedelta(days=max(moment.weekday() - 4, 0))
    return moment.replace(hour=8 + moment.hour * 10 // 24)


def _again(draft: _Draft, decision_id: str, tier: str, failed_at: datetime) -> _Draft:
    task = replace(draft.task, attempts=(*draft.task.attempts, tier), pin=None)
    return replace(draft, task=task, decided_at=failed_at + timedelta(minutes=2), follows=decision_id)


def _rows(
    rng: np.random.Generator,
    decision_id: str,
    draft: _Draft,
    decision: Decision,
    policies: set[str],
    until: datetime,
) -> tuple[list[dict[str, Any]], str, datetime | None]:
    """The decision with its verdicts, the tier that worked, and when it was known to have failed."""
    tier, propensity, reason = _explored(rng, draft, decision)
    row = _decision_values(decision_id, draft, decision, policies)
    row.update(tier=tier, propensity=propensity, reason=reason)
    if tier != decision.tier:
        del row["details"]  # they would say why another tier was chosen
        row["model"] = decision.evidence.ladder.rungs[decision.evidence.ladder.index(tier)].model
    verdicts = [each for each in _verdicts(rng, draft, tier) if each["at"] < until]
    if verdicts:
        row.update(verdicts[0])
    later = [{"decision_id": decision_id, **verdict} for verdict in verdicts[1:]]
    failed = bool(verdicts) and verdicts[-1]["verdict"] in (CORRECTED, FAILED)
    return [row, *later], tier, verdicts[-1]["at"] if failed else None


def _explored(rng: np.random.Generator, draft: _Draft, decision: Decision) -> tuple[str, float, str]:
    """Tier, propensity and reason: checked work is sometimes given to the tier below."""
    tier = str(decision.tier)
    names = decision.evidence.ladder.names
    below = names.index(tier) - 1
    if (
        below < 0
        or not draft.kind.checked
        or draft.kind.pin
        or draft.task.attempts
        or decision.mode == "none"
    ):
        return tier, 1.0, decision.reason
    if rng.random() < _PROBED:
        return names[below], _PROBED, "probe"
    return tier, 1.0 - _PROBED, decision.reason


def _decision_values(
    decision_id: str, draft: _Draft, decision: Decision, policies: set[str]
) -> dict[str, Any]:
    at_us = to_us(draft.decided_at)
    found = decision_row(
        decision, store_text="full", decided_at_us=at_us, recorded_at_us=at_us, follows=draft.follows
    )
    values = dict(found.values)
    row = {**values.pop("facts"), **values, "decision_id": decision_id, "decided_at": draft.decided_at}
    for name in ("decided_at_us", "recorded_at_us"):
        del row[name]
    if row["policy_fingerprint"] not in policies:
        policies.add(row["policy_fingerprint"])
        row["policy"] = found.policy
    return row


def _verdicts(rng: np.random.Generator, draft: _Draft, tier: str) -> list[dict[str, Any]]:
    """What is said of the result, if anything: by a check at once, by a person after hours or days."""
    index = TIERS.index(tier) if tier in TIERS else len(TIERS) - 1
    passes = draft.kind.pass_probability(draft.needed, index, draft.special, draft.when)
    at_once = draft.decided_at + timedelta(seconds=float(rng.uniform(5, 60)))
    by_person = draft.decided_at + timedelta(hours=float(rng.exponential(20.0)))
    if rng.random() < _NO_EVIDENCE:
        return [_said(REFUSED if rng.random() < 0.5 else CUT_OFF, "check", at_once)]
    clean = rng.random() < passes
    bad = FAILED if rng.random() < 0.3 else CORRECTED
    if draft.kind.checked:
        if clean or rng.random() >= _CHECK_MISSES:
            return [_said(CLEAN if clean else FAILED, "check", at_once)]
        return [_said(CLEAN, "check", at_once), _said(bad, "person", by_person)]
    if rng.random() < (_HEARD_CLEAN if clean else _HEARD_UNCLEAN):
        return [_said(CLEAN if clean else bad, "person", by_person)]
    return []


def _said(verdict: str, basis: str, at: datetime) -> dict[str, Any]:
    return {"verdict": verdict, "basis": basis, "at": at, "recorded_at": at, "note": NOTE}

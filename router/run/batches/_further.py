"""How an item goes on whose answer in a batch failed its check or was cut off, as a run would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ....classifier.errors import InvalidTask
from ....classifier.task import Task
from ...decision import Decision
from ...ladder import Ladder
from .._bounds import Before
from .._call import COMPLETED, CUT_OFF
from .._check import FAILED, CheckResult, Surroundings
from .._next import Next, next_try
from .._request import Options
from .._result import Attempt
from .._usage import Usage
from ._journal import Line

NO_GOOD = ("failed", CUT_OFF)  # verdicts after which there is more to try


def further(
    last: Line, task: Task, options: Options, redecide: Callable[[Task], Decision], around: Surroundings
) -> Next | str:
    """What to try after this attempt (as of `Attempt.to_dict`) at the task, or why there is nothing to try.

    After a cut-off the decision is that of the attempt, where its tier has more room.
    """
    attempt = _attempt_of(last, around.ladder)
    cut_off = last["verdict"] == "cut_off"
    try:
        again = redecide(replace(task, floor=attempt.tier) if cut_off else task)
    except InvalidTask:  # the ladder or the policy isn't what it was
        return "exhausted"
    if cut_off and again.tier == attempt.tier:
        again = Decision(again.task, again.evidence, attempt.decision_id)
    found = next_try(attempt, Next(again, options), redecide, around)
    assert found is not None, "an attempt that is no good has something after it, or a reason"
    return found


def behind(last: Line, found: Next, n_attempts: int, spent_usd: float) -> Before:
    """What the next attempt has behind it: it follows a decision only where it has another one."""
    follows = None if found.decision.decision_id == last["decision_id"] else last["decision_id"]
    return Before(follows, n_attempts, spent_usd, _attempt_of(last, found.decision.evidence.ladder))


def _attempt_of(line: Line, ladder: Ladder) -> Attempt:
    """As far as it matters here; older journals have no more of it."""
    cut_off = line["verdict"] == "cut_off"
    return Attempt(
        1,
        line["decision_id"],
        ladder.tiers[ladder.index(line["tier"])],
        line.get("model", ""),
        CUT_OFF if cut_off else COMPLETED,
        line.get("max_tokens", 0),
        Usage(**line.get("usage", {})),
        stop_reason=line.get("stop_reason"),
        check=None if cut_off else CheckResult("", FAILED),
    )

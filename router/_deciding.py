"""How a router decides: states of its log, canary, probe; and again after an attempt that failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ..classifier.belief.history import Counts
from ..classifier.belief.state import TypeState
from ..classifier.task import Task
from . import reasons
from ._engine import Engine, Weighed
from ._explore import with_canary, with_probe
from ._tasks import after_attempts
from .decision import Decision

if TYPE_CHECKING:
    from .router import Router

_DAY = timedelta(days=1)
History = Counts | TypeState | None


class Decided(NamedTuple):
    """A decision, what its model was told of the task's type, and the id of the decision it follows."""

    decision: Decision
    history: History
    follows: str | None


def decided(router: Router, task: Task, history: History, follows: Decision | str | None) -> Decided:
    """Decide and log it. Raises InvalidTask, NotInLog."""
    found = unlogged(router, task, history, follows)
    if router._logged is not None:
        router._logged.add(found.decision, found.follows)
        router._logged.settle()
    return found


def unlogged(router: Router, task: Task, history: History, follows: Decision | str | None) -> Decided:
    """Decide. Raises InvalidTask, NotInLog."""
    followed = follows.decision_id if isinstance(follows, Decision) else follows
    if followed is not None and router._logged is not None:
        router._logged.check_followed(followed)
    if follows is not None and not task.attempts:
        task = after_attempts(task, _attempts_up_to(router, follows))
    engine = Engine.of(router.model, router.policy)
    known = _history(router, history, task, engine, followed)
    champion = engine.weigh(task, known)
    found = _canary(router, champion, history, engine, known, followed)
    if found is None:
        weighed = with_probe(
            champion, engine.policy, engine.ladder, router._chance, has_room=lambda: _probe_room(router)
        )
        found = Decided(engine.built(*weighed), known, followed)
    return found


def reads_log(router: Router, task: Task, follows: Decision | str | None) -> bool:
    """Whether deciding about this task asks the log."""
    return router._logged is not None and (
        task.task_type is not None or follows is not None or _explores(router)
    )


def waits_for_log(router: Router, task: Task, follows: Decision | str | None) -> bool:
    """Whether it may ask the log for more than whether the type's state is still the one in memory."""
    logged = router._logged
    if logged is None or follows is not None or _explores(router):
        return logged is not None
    return task.task_type is not None and not logged.has_at_hand(task.task_type)


def _explores(router: Router) -> bool:
    return router.challenger is not None or (router.policy is not None and router.policy.probe_budget > 0)


def redecided(router: Router, first: Decided) -> Callable[[Task], Decision]:
    """Decides about the same task again, whose `attempts` now say what has failed.

    By the model that decided first, with what was known of the type then: the log learns each failure at
    once, and a state that holds it would count it a second time beside `attempts`.
    """
    engine = Engine.of(first.decision.evidence.model or router.model, router.policy)
    return lambda task: engine.decide(task, first.history)


def redecided_after(router: Router, task: Task, failed_id: str) -> Callable[[Task], Decision]:
    """The same, of a task whose decision another process may have made."""
    engine = Engine.of(router.model, router.policy)
    known = _history(router, None, task, engine, failed_id)
    return lambda again: engine.decide(again, known)


def _history(router: Router, given: History, task: Task, engine: Engine, followed: str | None) -> History:
    """What the log knows of the type; without the attempts at this very task, which speak for themselves."""
    if given is not None or router._logged is None or engine.model is None or task.task_type is None:
        return given
    if followed is None:
        return router._logged.state(engine.model, task.task_type)
    return router._logged.state_before(engine.model, task.task_type, followed)


def _canary(
    router: Router,
    champion: Weighed,
    given: History,
    engine: Engine,
    known: History,
    followed: str | None,
) -> Decided | None:
    """None without a challenger, where both choose the same tier, and where its decisions are used up."""
    if router.challenger is None or engine.model is None:
        return None
    other = Engine.of(router.challenger, router.policy)
    if other.model is None:  # of other tiers than the ladder in use
        return None
    if isinstance(given, TypeState):  # of the champion; what it counted holds for both
        given = {engine.model.tiers[tier]: pair for tier, pair in given.counts.items()}
    task, versions = champion[1], (engine.model.version, other.model.version)
    others = _history(router, given, task, other, followed)
    served = with_canary(
        champion,
        other.weigh(task, others),
        router.canary,
        router._chance,
        has_room=lambda: _has_room(
            router, router.canary.max_decisions, reasons.CANARY, model_version=versions[1]
        ),
        versions=versions,
    )
    if served is None:
        return None
    decision = (other if served.by_challenger else engine).built(*served.weighed)
    evidence = decision.evidence
    evidence = evidence._replace(versions={**evidence.versions, **served.versions})
    told = others if served.by_challenger else known
    return Decided(Decision(task, evidence, decision.decision_id), told, followed)


def _probe_room(router: Router) -> bool:
    limit = None if router.policy is None else router.policy.probe_max_per_day
    return _has_room(router, limit, reasons.PROBE, within=_DAY)


def _has_room(router: Router, limit: float | None, reason: str, **which: Any) -> bool:
    """No exploring where it could not be logged: nothing would be learned from it."""
    return router._logged is not None and router._logged.has_room(limit, reason, **which)


def _attempts_up_to(router: Router, follows: Decision | str) -> tuple[str, ...]:
    """Tiers that failed; refused or cut off, as the log knows it, is no failure, as in a run."""
    logged = router._logged
    if logged is not None:
        logged.settle()  # what has just been said of it
    if not isinstance(follows, Decision):
        return () if logged is None else logged.attempts_up_to(follows)
    if follows.mode == "none" or (logged is not None and logged.is_no_failure(follows.decision_id)):
        return follows.task.attempts
    return (*follows.task.attempts, str(follows.tier))

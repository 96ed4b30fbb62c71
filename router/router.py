"""Router: decides, logs, and lets each outcome be felt in the next decision."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..classifier.errors import InvalidPolicy, LogError
from ..classifier.history import Counts
from ..classifier.model import TierModel
from ..classifier.state import TypeState
from ..classifier.task import Task
from . import reasons
from ._explore import Chance, Weighed, with_canary, with_probe
from ._tasks import after_attempts, task_of
from .canary import Canary
from .decision import Decision
from .policy import Policy
from .predict import _Engine

if TYPE_CHECKING:
    from .log import Outcome, OutcomeLog
    from .log._logged import Logged
    from .pipeline import Pipeline, PipelinePlan

_DAY = timedelta(days=1)
_CANARY = Canary()


class Router:
    """A pipeline's own `predict_tier`: it logs what it decides, and learns from what became of it.

        with Router(log="outcomes.db") as router:
            decision = router.decide("Write the meta description", task_type="meta-description")
            router.record_outcome(decision, "corrected")      # felt in the next decision, of any process

    Parameters
    ----------
    model : a `TierModel` or its folder (default: the champion, as for `predict_tier`).
    policy : what the operator decides; `Policy(probe_budget=…)` is heeded here only.
    log : an `OutcomeLog`, a path, or a url. Without one it only decides.
    client : of Anthropic, to run tasks with.
    challenger, canary : another model, and how much of the work it may decide where the two differ.
    rng : draws probes and canaries; `random.Random(seed)` or a NumPy generator to repeat a run.
    log_wait_s : how long a decision waits for other writers of the log.

    A log that is locked, full or away when a decision is made doesn't stop it: a warning is logged, the
    decision is returned, waits in `unlogged`, and is written when the log is back, at the latest with its
    outcome. An outcome that can't be recorded is an error. Threads may share a router.

    Raises ArtifactError for a model that can't be loaded, LogError for a log that can't be opened.
    """

    def __init__(
        self,
        model: TierModel | str | os.PathLike[str] | None = None,
        policy: Policy | None = None,
        log: OutcomeLog | str | os.PathLike[str] | None = None,
        client: Any = None,
        *,
        challenger: TierModel | str | os.PathLike[str] | None = None,
        canary: Canary | None = None,
        rng: Chance | None = None,
        log_wait_s: float = 1.0,
    ) -> None:
        self.model, self.policy, self.client = _loaded(model), policy, client
        self.challenger, self.canary = _loaded(challenger), canary or _CANARY
        if self.challenger is not None and log is None:
            raise InvalidPolicy(
                "A challenger needs a log: its decisions are counted there. Give log=.", about="challenger"
            )
        if canary is not None and self.challenger is None:
            raise InvalidPolicy("canary says how a challenger is tried; give challenger=.", about="canary")
        self._chance: Chance = rng or random.SystemRandom()  # of the system: no two processes draw alike
        self._logged: Logged | None = None
        if log is not None:
            from .log._logged import opened  # brings SQLAlchemy, which a router without a log needs not

            self._logged = opened(log, wait_s=log_wait_s)

    @property
    def log(self) -> OutcomeLog | None:
        return None if self._logged is None else self._logged.log

    @property
    def unlogged(self) -> int:
        """Decisions that are not in the log, because it could not be written."""
        return 0 if self._logged is None else self._logged.n_unlogged

    def decide(
        self,
        specification: str | Task | Mapping[str, Any],
        *,
        task_type: str | None = None,
        history: Counts | TypeState | None = None,
        follows: Decision | str | None = None,
        **facts: Any,
    ) -> Decision:
        """Decide, as `predict_tier` does, and log it.

        specification : the text, or a `Task` with its facts.
        history : replaces what the log knows of the type.
        follows : the decision, or its id, whose attempt at this very task failed. Its tier and what had
            failed before it are the task's `attempts`, unless these are given.

        Raises InvalidTask for bad input, NotInLog where `follows` is an unknown id.
        """
        task = task_of(specification, task_type, facts)
        if follows is not None and not task.attempts:
            task = after_attempts(task, self._attempts_up_to(follows))
        engine = _Engine.of(self.model, self.policy)
        champion = engine.weigh(task, self._history(history, task, engine))
        decision = self._canary(champion, history, engine)
        if decision is None:
            room = self._has_room_for_a_probe
            weighed = with_probe(champion, engine.policy, engine.ladder, self._chance, has_room=room)
            decision = engine.built(*weighed)
        if self._logged is not None:
            self._logged.add(decision, None if follows is None else _id_of(follows))
        return decision

    def record_outcome(
        self,
        decision_or_id: Decision | str,
        verdict: str,
        *,
        basis: str = "person",
        at: datetime | str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Record what was said of a finished task; see `OutcomeLog.record_outcome`.

        What it teaches is written in the same transaction, so the next decision of any process knows it.

        Raises NotInLog for an unknown id, InvalidOutcome for what can't be recorded, LogUnavailable where
        the log can't be written: nothing is recorded then, and the call may be repeated.
        """
        if self._logged is None:
            raise LogError("This router has no log to record outcomes in. Give it one: Router(log=…).")
        models = [_Engine.of(self.model, self.policy).model, self.challenger]
        teach = [model for model in models if model is not None]
        return self._logged.record_outcome(
            decision_or_id, verdict, basis=basis, at=at, note=note, models=teach
        )

    async def adecide(self, specification: str | Task | Mapping[str, Any], **options: Any) -> Decision:
        """`decide` beside the event loop."""
        return await asyncio.to_thread(self.decide, specification, **options)

    async def arecord_outcome(self, decision_or_id: Decision | str, verdict: str, **options: Any) -> Outcome:
        """`record_outcome` beside the event loop."""
        return await asyncio.to_thread(self.record_outcome, decision_or_id, verdict, **options)

    def plan(self, pipeline: Pipeline, articles: int | Sequence[Mapping[str, Any]] = 1) -> PipelinePlan:
        """What each step of the pipeline would run on, and cost, for so many articles or for these.

        Needs no network, logs nothing. Raises InvalidPipeline, InvalidTask; LogError for a log that is away.
        """
        from .pipeline._plan import planned

        return planned(self, pipeline, articles)

    def close(self) -> None:
        """Write what waits for the log, and close it where the router opened it."""
        if self._logged is not None:
            self._logged.close()

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _history(
        self, given: Counts | TypeState | None, task: Task, engine: _Engine
    ) -> Counts | TypeState | None:
        if given is not None or self._logged is None or engine.model is None or task.task_type is None:
            return given
        return self._logged.state(engine.model, task.task_type)

    def _canary(
        self, champion: Weighed, history: Counts | TypeState | None, engine: _Engine
    ) -> Decision | None:
        """None without a challenger, where both choose the same tier, and where its decisions are used up."""
        if self.challenger is None or engine.model is None:
            return None
        other = _Engine.of(self.challenger, self.policy)
        if other.model is None:  # of other tiers than the ladder in use
            return None
        if isinstance(history, TypeState):  # of the champion; what it counted holds for both
            history = {engine.model.tiers[tier]: pair for tier, pair in history.counts.items()}
        task, versions = champion[1], (engine.model.version, other.model.version)
        served = with_canary(
            champion,
            other.weigh(task, self._history(history, task, other)),
            self.canary,
            self._chance,
            has_room=lambda: self._has_room(
                self.canary.max_decisions, reasons.CANARY, model_version=versions[1]
            ),
            versions=versions,
        )
        if served is None:
            return None
        decision = (other if served.by_challenger else engine).built(*served.weighed)
        evidence = decision.evidence
        evidence = evidence._replace(versions={**evidence.versions, **served.versions})
        return Decision(task, evidence, decision.decision_id)

    def _has_room_for_a_probe(self) -> bool:
        limit = None if self.policy is None else self.policy.probe_max_per_day
        return self._has_room(limit, reasons.PROBE, within=_DAY)

    def _has_room(self, limit: float | None, reason: str, **which: Any) -> bool:
        """No exploring where it could not be logged: nothing would be learned from it."""
        return self._logged is not None and self._logged.has_room(limit, reason, **which)

    def _attempts_up_to(self, follows: Decision | str) -> tuple[str, ...]:
        if isinstance(follows, Decision):
            own = () if follows.mode == "none" else (str(follows.tier),)
            return (*follows.task.attempts, *own)
        return () if self._logged is None else self._logged.attempts_up_to(follows)


def _loaded(model: TierModel | str | os.PathLike[str] | None) -> TierModel | None:
    return model if model is None or isinstance(model, TierModel) else TierModel.load(model)


def _id_of(follows: Decision | str) -> str:
    return follows.decision_id if isinstance(follows, Decision) else follows

"""Router: decides, logs, and lets each outcome be felt in the next decision."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..classifier.belief.history import Counts
from ..classifier.belief.state import TypeState
from ..classifier.errors import InvalidPolicy, LogError
from ..classifier.model import TierModel
from ..classifier.task import Task
from ._batches import BatchMethods
from ._deciding import decided
from ._engine import Engine
from ._explore import Chance
from ._pipelines import PipelineMethods
from ._tasks import task_of
from .canary import Canary
from .decision import Decision
from .policy import Policy

if TYPE_CHECKING:
    from .log import Outcome, OutcomeLog
    from .log.waiting._logged import Logged
    from .run import Check, Limits, Options, RunResult
    from .run._routed import Runner

_CANARY = Canary()


class Router(BatchMethods, PipelineMethods):
    """A pipeline's own `predict_tier`: it logs what it decides, and learns from what became of it.

        with Router(log="outcomes.db") as router:
            decision = router.decide("Write the meta description", task_type="meta-description")
            router.record_outcome(decision, "corrected")      # felt in the next decision, of any process

    Parameters
    ----------
    model : a `TierModel` or its folder (default: the champion, as for `predict_tier`).
    policy : what the operator decides; `Policy(probe_budget=…)` is heeded here only.
    log : an `OutcomeLog`, a path, or a url. Without one it only decides.
    client : an `anthropic.Anthropic` for `run`, an `AsyncAnthropic` for `arun` (default: made when needed).
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
        self._runner: Runner | None = None
        self._logged: Logged | None = None
        if log is not None:
            from .log.waiting._logged import (
                opened,  # brings SQLAlchemy, which a router without a log needs not
            )

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
            failed before it are the task's `attempts`, unless these are given. One that was refused or cut
            off, as the log knows, has not failed: its tier may be chosen again.

        Raises InvalidTask for bad input, NotInLog where `follows` is an unknown id.
        """
        return decided(self, task_of(specification, task_type, facts), history, follows).decision

    def run(
        self,
        specification: str | Task | Mapping[str, Any],
        *,
        task_type: str | None = None,
        check: Check | Callable[[str], Any] | None = None,
        options: Options | None = None,
        limits: Limits | None = None,
        history: Counts | TypeState | None = None,
        follows: Decision | str | None = None,
        **facts: Any,
    ) -> RunResult:
        """Decide, call Claude, check the answer, go up where it failed, log all of it.

        check : of the answer's text, see `tierwise.router.run.checks`; options : of the request;
        limits : of time, attempts and money. The other arguments are those of `decide`.

        Each decision is logged with the one it follows, each attempt with what the check said of it (basis
        "check"). A decision for batch is run now, at the full price: see `submit_batch`. A task that a
        program does asks nobody: its result has the status "no_model".

        Raises CallError where no answer came, BudgetExceeded, InvalidTask, InvalidRequest, also for a client
        of asyncio.
        """
        from .run._routed import Job

        task = task_of(specification, task_type, facts)
        return self._running().run(Job(task, history, follows, check, options, limits))

    async def arun(
        self,
        specification: str | Task | Mapping[str, Any],
        *,
        task_type: str | None = None,
        check: Check | Callable[[str], Any] | None = None,
        options: Options | None = None,
        limits: Limits | None = None,
        history: Counts | TypeState | None = None,
        follows: Decision | str | None = None,
        **facts: Any,
    ) -> RunResult:
        """`run` in asyncio, with an `anthropic.AsyncAnthropic`; the check may be async.

        Where it is cancelled, what was in flight is an attempt in the log, a moment later.
        """
        from .run._routed import Job

        task = task_of(specification, task_type, facts)
        return await self._running().arun(Job(task, history, follows, check, options, limits))

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
        return self._logged.record_outcome(
            decision_or_id, verdict, basis=basis, at=at, note=note, models=self._learners()
        )

    async def adecide(self, specification: str | Task | Mapping[str, Any], **options: Any) -> Decision:
        """`decide` beside the event loop."""
        return await asyncio.to_thread(self.decide, specification, **options)

    async def arecord_outcome(self, decision_or_id: Decision | str, verdict: str, **options: Any) -> Outcome:
        """`record_outcome` beside the event loop."""
        return await asyncio.to_thread(self.record_outcome, decision_or_id, verdict, **options)

    def close(self) -> None:
        """Write what waits for the log, close it and the default client where the router opened them."""
        if self._runner is not None:
            self._runner.close()
        if self._logged is not None:
            self._logged.close()

    async def aclose(self) -> None:
        """`close` for those who used `arun`."""
        if self._runner is not None:
            await self._runner.aclose()
        self.close()

    async def __aenter__(self) -> Router:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _learners(self) -> list[TierModel]:
        """Models that outcomes are taught to."""
        models = [Engine.of(self.model, self.policy).model, self.challenger]
        return [model for model in models if model is not None]

    def _running(self) -> Runner:
        if self._runner is None:
            from .run._routed import Runner  # who only decides needs no client

            self._runner = Runner(self)
        return self._runner


def _loaded(model: TierModel | str | os.PathLike[str] | None) -> TierModel | None:
    return model if model is None or isinstance(model, TierModel) else TierModel.load(model)

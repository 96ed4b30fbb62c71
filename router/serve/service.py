"""Service: the live object behind the routes. It holds what serves, and swaps it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from ...classifier.belief.state import TypeState
from ...classifier.errors import ArtifactError, LogUnavailable, MissingExtra, StoreError
from ...classifier.model import TierModel
from ...classifier.task import Task
from ..decision import Decision
from ..log import Outcome, OutcomeLog
from ..policy import Policy
from ._metrics import Metrics
from ._served_log import ServedLog
from ._served_router import ServedRouter, count
from ._source import Source
from .access._tokens import TokenFile
from .settings import Settings

READ_WAIT_S = 0.5  # that a decision waits for what was learned of its type
_REMOTE_WATCH_S = 15.0  # a registry is asked less often than a disk
_N_READERS, _N_WRITERS, _N_WORKERS = 4, 4, 2
_log = logging.getLogger("tierwise")
T = TypeVar("T")


class Service:
    """What serves, and what it writes to.

    router, model, log : as they are now; a swap replaces them between two requests.
    trouble : why what the model's source names now can't be used; None where it can.

    Raises ArtifactError, StoreError or LogError where it can't begin.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.tokens = None if settings.tokens is None else TokenFile(settings.tokens)
        self._source = Source(settings.model_source)
        self._signature: Hashable = self._source.signature()
        found = self._source.load()
        self._logged = _opened(settings, self.metrics)
        self.router = ServedRouter(found, settings.policy, self._logged, self.metrics)
        self.trouble = self._lasting = found.trouble  # the latter as long as this serves
        self.is_closed = False
        self.n_swaps, self.loaded_at = 0, datetime.now(tz=UTC)
        self._pools = {
            name: ThreadPoolExecutor(n, f"tierwise-{name}")
            for name, n in (("readers", _N_READERS), ("writers", _N_WRITERS), ("workers", _N_WORKERS))
        }
        self.metrics.serves(found.model.version, swapped=False)
        self._tell_trouble()
        if (told := self.trouble or self.router.engine.trouble) is not None:
            _log.warning("The service begins in trouble. %s", told)
        if self._logged is not None:
            logged = self._logged
            self.metrics.watch_log(
                lambda: logged.n_unlogged, lambda: logged.recorder.backlog.n_dropped, lambda: logged.is_away
            )

    @property
    def model(self) -> TierModel:
        return self.router.found.model

    @property
    def log(self) -> OutcomeLog | None:
        return None if self._logged is None else self._logged.log

    @property
    def served_log(self) -> ServedLog | None:
        return self._logged

    @property
    def policy(self) -> Policy | None:
        return self.settings.policy

    @property
    def source(self) -> str:
        return self._source.name

    async def decide(self, task: Task, *, history: Any = None, follows: str | None = None) -> Decision:
        """Decided without waiting for the disk; logged in a moment. Raises InvalidTask, NotInLog."""
        router, known = self.router, history
        if known is None and task.task_type is not None and self._logged is not None:
            known = (await self.states_at_hand([task.task_type], router)).get(task.task_type)
        if follows is None and not router.explores:
            return router.decide_plainly(task, known)
        return await self.beside("readers", lambda: router.decide(task, history=history, follows=follows))

    async def states_at_hand(self, task_types: Iterable[str], router: ServedRouter) -> dict[str, TypeState]:
        """What was learned of these types; without what a log that is away doesn't tell in time."""
        logged, model = router.served_log, router.engine.model
        if logged is None or model is None:
            return {}
        kinds = set(task_types)
        missing = [kind for kind in kinds if not logged.is_at_hand(model, kind)]
        if missing:
            try:
                read = self.beside("readers", lambda: [logged.refreshed(model, kind) for kind in missing])
                await asyncio.wait_for(read, READ_WAIT_S + 0.001 * len(missing))
            except TimeoutError:
                logged.recorder.away.read_overdue(READ_WAIT_S)
        return {kind: state for kind in kinds if (state := logged.state(model, kind)) is not None}

    async def room_in_queue(self) -> None:
        """Who asks faster than the log writes waits here, so that no decision is dropped from the log."""
        if self._logged is not None:
            await self._logged.until_room()

    async def until_logged(self, decision_ids: Iterable[str]) -> bool:
        """Whether they are in the log; waits as long as an outcome would."""
        logged = self._logged
        if logged is None:
            return False
        wait_s = self.settings.log_timeout_s
        return await self.beside("writers", lambda: logged.recorder.until_written(decision_ids, wait_s))

    async def record_outcome(self, decision_id: str, verdict: str, **said: Any) -> Outcome:
        """In the log when this returns. Raises what `Router.record_outcome` raises."""
        wait_s = 2 * self.settings.log_timeout_s
        record = self.beside("writers", lambda: self.record_outcome_now(decision_id, verdict, **said))
        try:
            return await asyncio.wait_for(record, wait_s)
        except TimeoutError:
            raise LogUnavailable(
                f"The log did not answer within {wait_s:g} s; the outcome may be in it. Send it again: the "
                "same outcome is recorded once."
            ) from None

    def record_outcome_now(self, decision_id: str, verdict: str, **said: Any) -> Outcome:
        """The same, in a thread that may wait."""
        outcome = self.router.record_outcome(decision_id, verdict, **said)
        if outcome.is_new:
            self.metrics.outcome(outcome.verdict, outcome.basis)
        return outcome

    async def beside(self, pool: str, work: Callable[[], T]) -> T:
        """In one of these threads, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[pool], work)

    async def watch(self) -> None:
        """Look at the model's source and at the tokens, for ever."""
        while True:
            remote = _REMOTE_WATCH_S if self._source.is_remote else 0.0
            await asyncio.sleep(max(self.settings.watch_s, remote))
            try:
                await self.beside("workers", self.look)
            except Exception as error:  # a defect, of ours or of a library: it must not end the watch
                if self.trouble is None:
                    _log.exception("The look at %s failed; it goes on.", self.source)
                self._in_trouble(
                    f"The look at {self.source} failed: {type(error).__name__}. See the service's log."
                )

    def look(self) -> None:
        """Swap the model if its source names another, and read the tokens if their file has changed.

        A model that can't be used changes nothing; `trouble` says why.
        """
        if self.tokens is not None:
            self.tokens.look()
        try:
            signature = self._source.signature()
            as_named = signature == self._signature
            if as_named and self._lasting is None:
                self._in_trouble(None)  # what named another, or nothing, is over
                return
            found = self._source.load()  # also where nothing changed but a challenger could not be loaded
            if as_named and found.trouble == self._lasting:
                self._in_trouble(found.trouble)
                return
            router = ServedRouter(found, self.policy, self._logged, self.metrics)
            if router.engine.model is None and self.router.engine.model is not None:
                raise ArtifactError(router.engine.trouble or f"{self.source} is of another ladder.")
        except (ArtifactError, StoreError, MissingExtra) as error:
            self._in_trouble(str(error))
            return
        swapped = found.model.manifest.get("seal") != self.model.manifest.get("seal")
        self.router, self._signature, self._lasting = router, signature, found.trouble
        self._in_trouble(found.trouble)
        if swapped:
            self.n_swaps, self.loaded_at = self.n_swaps + 1, datetime.now(tz=UTC)
            _log.info("The model %s serves now.", found.model.version)
        self.metrics.serves(found.model.version, swapped=swapped)

    def _in_trouble(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self.trouble:
            _log.warning("The model %s goes on serving. %s", self.model.version, trouble)
        self.trouble = trouble
        self._tell_trouble()

    def _tell_trouble(self) -> None:
        self.metrics.trouble(self.trouble is not None or self.router.engine.trouble is not None)

    def close(self, *, within_s: float = 30.0) -> bool:
        """Write what waits for the log, and close it. False where a database hangs."""
        closing = threading.Thread(target=self._close, name="tierwise-close", daemon=True)
        closing.start()
        closing.join(within_s)
        n_unlogged = 0 if self._logged is None else self._logged.n_unlogged
        if n_unlogged:
            _log.error("%d decisions are not in the log.", n_unlogged)
        return not closing.is_alive()

    def _close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        self.router.close()


def _opened(settings: Settings, metrics: Metrics) -> ServedLog | None:
    if settings.log is None:
        return None
    log = OutcomeLog(settings.log, timeout_s=settings.log_timeout_s)
    return ServedLog(
        log,
        wait_s=settings.log_timeout_s,
        max_age_s=settings.history_max_age_s,
        added=lambda decision: count(metrics, decision),
    )

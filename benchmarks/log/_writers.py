"""Many processes that write at once: is all of it there, and are the states what the rows build?"""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

from tierwise import OutcomeLog, Router, TierModel
from tierwise.classifier.belief._stored_state import to_bytes
from tierwise.data import CHAMPION
from tierwise.router.log._keeper import StateKeeper

from ._rows import VERDICTS, frame

WRITERS = 8


def writers(url: str, each: int) -> dict[str, Any]:
    """Eight processes, each with its own decisions and verdicts; what they learned is checked."""
    model = TierModel.load(CHAMPION)
    with OutcomeLog(url) as log:
        ids = [f"{writer}-{number}" for writer in range(WRITERS) for number in range(each)]
        log.import_frame(frame(len(ids)).assign(decision_id=ids).drop(columns=["verdict", "at"]))
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=_writer, args=(url, writer, each)) for writer in range(WRITERS)]
        started = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - started
        stats = log.stats()
        kinds = [kind for kind in stats.types if kind is not None]
        unequal = sum(_is_unlike_a_rebuild(log, kind, model) for kind in kinds)
    return {
        "processes": WRITERS,
        "outcomes_each": each,
        "failed_processes": sum(worker.exitcode != 0 for worker in workers),
        "outcomes_in_the_log": stats.n_outcomes,
        "missing": WRITERS * each - stats.n_outcomes,
        "types": len(kinds),
        "states_unlike_a_rebuild": unequal,
        "seconds": round(seconds, 1),
        "outcomes_per_s": round(stats.n_outcomes / seconds),
    }


def _writer(url: str, writer: int, each: int) -> None:
    with OutcomeLog(url, timeout_s=120.0) as log, Router(log=log) as router:
        for number in range(each):
            router.record_outcome(f"{writer}-{number}", VERDICTS[number % len(VERDICTS)])


def _is_unlike_a_rebuild(log: OutcomeLog, kind: str, model: TierModel) -> bool:
    keeper = StateKeeper(model)
    with log.reading_states(kind) as states:
        kept, built = keeper.kept(states), keeper.built(states, newest=10**9)
    return kept is None or to_bytes(kept) != to_bytes(built)

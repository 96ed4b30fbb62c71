"""The service under load, on loopback, against a bare FastAPI endpoint in the same run.

    python -m benchmarks.serve [--only bare batch swap pages cold memory] [--minutes 10]

bare    requests per second and p99 of /v1/predict, as ratios to the bare endpoint, rounds alternating;
        without a log and with one; processor time per request likewise, which neighbours disturb less
batch   tasks per second at 1,000 tasks a request
swap    promotions under load: failed requests, and how many models served
pages   the slowest of the pages with 100,000 decisions in SQLite
cold    a serverless handler's first answer, in a fresh process
memory  growth of resident memory under load (runs for --minutes)
Needs the extra `dev`; wrk where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tierwise.data import CHAMPION, SEED_TASKS

from ._load import load, tool
from ._machine import write

CONNECTIONS, MANY = 8, 1_000
PARTS = ("bare", "batch", "swap", "pages", "cold", "memory")
ROOT = Path(__file__).resolve().parent.parent


class Running(NamedTuple):
    """A server in a process of its own."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Of processor time, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Of memory, now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS[:-1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each load")
    parser.add_argument("--minutes", type=float, default=10, help="of the part memory")
    chosen = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "bare": _bare,
        "batch": _batch,
        "swap": _swap,
        "pages": _pages,
        "cold": _cold,
        "memory": _memory,
    }
    for name in chosen.only:
        found = {"tool": tool(), **parts[name](chosen), "load_average": round(os.getloadavg()[0], 1)}
        print(f"{name}: {json.dumps(found)}", flush=True)
        print(f"written to {write(f'serve_{name}', found).name}")


def _bare(chosen: argparse.Namespace) -> dict[str, Any]:
    bodies = [json.dumps({"specification": text}).encode() for text in _texts(2_000)]
    typed = [
        json.dumps({"specification": text, "task_type": f"kind {i % 50}"}).encode()
        for i, text in enumerate(_texts(2_000))
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "log.db")
        with (
            _running("-m", "benchmarks._bare") as bare,
            _service() as plain,
            _service("--log", log) as logged,
        ):
            found: dict[str, list[Any]] = {}
            for url, sent in (
                (bare.url + "/bare", bodies),
                *((s.url + "/v1/predict", typed) for s in (plain, logged)),
            ):
                load(url, sent, seconds=1, connections=CONNECTIONS)  # warm
            for _ in range(chosen.rounds):
                for name, server, path, sent in (
                    ("bare", bare, "/bare", bodies),
                    ("plain", plain, "/v1/predict", bodies),
                    ("logged", logged, "/v1/predict", typed),
                ):
                    before = server.cpu_s()
                    done = load(server.url + path, sent, seconds=chosen.seconds, connections=CONNECTIONS)
                    cpu_us = 1e6 * (server.cpu_s() - before) / done.n
                    assert done.failed == 0, done
                    found.setdefault(name, []).append((done.per_s, done.p99_ms, cpu_us))
    return {
        "rounds": chosen.rounds,
        **{f"{name}_per_s": _median(row[0] for row in rows) for name, rows in found.items()},
        **{f"{name}_p99_ms": _median(row[1] for row in rows) for name, rows in found.items()},
        **{f"{name}_cpu_us": _median(row[2] for row in rows) for name, rows in found.items()},
        **{
            f"{name}_{what}_ratio": _ratio(found[name], found["bare"], at)
            for name in ("plain", "logged")
            for at, what in enumerate(("per_s", "p99", "cpu"))
        },
    }


def _batch(chosen: argparse.Namespace) -> dict[str, Any]:
    texts = _texts(4 * MANY)
    bodies = [json.dumps({"tasks": texts[i : i + MANY]}).encode() for i in range(0, len(texts), MANY)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in (("plain", ()), ("logged", ("--log", str(Path(folder) / "log.db")))):
            with _service(*options) as server:
                load(server.url + "/v1/predict", bodies, seconds=3, connections=1)
                rates, cpu = [], []
                for _ in range(chosen.rounds):
                    before = server.cpu_s()
                    done = load(server.url + "/v1/predict", bodies, seconds=chosen.seconds, connections=2)
                    assert done.failed == 0, done
                    rates.append(done.per_s * MANY)
                    cpu.append(done.n * MANY / (server.cpu_s() - before))
                found[f"{name}_tasks_per_s"] = [round(min(rates)), round(_median(rates)), round(max(rates))]
                found[f"{name}_tasks_per_cpu_s"] = round(_median(cpu))
    return found


def _swap(chosen: argparse.Namespace) -> dict[str, Any]:
    """The shipped champion and one that differs in its thresholds take turns."""
    from concurrent.futures import ThreadPoolExecutor

    import tierwise
    from tierwise import ModelStore, TierModel

    bodies = [json.dumps({"specification": text}).encode() for text in _texts(500)]
    with tempfile.TemporaryDirectory() as folder:
        other = TierModel.load(CHAMPION)
        other.manifest["thresholds"] = other.manifest["thresholds"][:1]
        other.save(Path(folder) / "other")
        store = Path(folder) / "models"
        tierwise.promote(CHAMPION, to=store, why="benchmark", force=True)
        with _service("--model", str(store)) as server, ThreadPoolExecutor(1) as pool:
            loading = pool.submit(
                load, server.url + "/v1/predict", bodies, seconds=12, connections=CONNECTIONS
            )
            for model in (Path(folder) / "other", CHAMPION, Path(folder) / "other"):
                time.sleep(3)
                tierwise.promote(model, to=store, why="benchmark", force=True)
            done = loading.result()
            time.sleep(2.5)
            served = json.loads(_get(server.url + "/v1/model"))
            metrics = _get(server.url + "/metrics").decode()
        assert len(ModelStore(store).history()) == 4
    n_bad = len(re.findall(r'status="[45]\d\d"', metrics))
    return {"n": done.n, "failed": done.failed, "not_2xx": n_bad, "n_swaps": served["n_swaps"]}


def _pages(_: argparse.Namespace) -> dict[str, Any]:
    from tierwise import OutcomeLog
    from tierwise.router.log.demo import fill

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        with OutcomeLog(path) as log:
            fill(log, 100_000)
        with _service("--log", str(path)) as server:
            paths = ("/", "/types", "/review", "/model")
            until = time.monotonic() + 120
            first = {each: [_ms(server.url + each)] for each in paths}  # a fresh process, nothing counted
            while time.monotonic() < until and any(_is_counting(server.url + each) for each in paths):
                time.sleep(0.5)
            found = {each: sorted(_ms(server.url + each) for _ in range(20)) for each in paths}
    return {
        each: {
            "first_ms": round(first[each][0], 1),
            "median_ms": round(ms[10], 1),
            "max_ms": round(ms[-1], 1),
        }
        for each, ms in found.items()
    }


def _is_counting(url: str) -> bool:
    page = _get(url)
    return b"page reloads by itself" in page


def _cold(_: argparse.Namespace) -> dict[str, Any]:
    """deploy/serverless.py as a platform would start it: import, then one event."""
    code = (
        "import time; t = time.perf_counter(); import serverless; a = time.perf_counter();"
        "r = serverless.handler({'body': '{\"specification\": \"Tag these tickets\"}'}, None);"
        "b = time.perf_counter(); assert r['statusCode'] == 200;"
        "serverless.handler({'body': '{\"specification\": \"Name three risks\"}'}, None);"
        "print(a - t, b - a, time.perf_counter() - b)"
    )
    runs = []
    for _i in range(7):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT / "deploy", capture_output=True, text=True, check=True
        )
        runs.append((time.perf_counter() - started, *map(float, done.stdout.split())))
    names = ("process_s", "import_s", "first_s", "second_s")
    return {name: round(_median(run[at] for run in runs), 4) for at, name in enumerate(names)}


def _memory(chosen: argparse.Namespace) -> dict[str, Any]:
    texts = _texts(8_000)
    bodies = [
        json.dumps({"specification": text, "task_type": f"kind {i % 200}"}).encode()
        for i, text in enumerate(texts)
    ]
    bodies[:0] = [json.dumps({"tasks": texts[i : i + 200]}).encode() for i in range(0, 2_000, 200)]
    with tempfile.TemporaryDirectory() as folder, _service("--log", str(Path(folder) / "log.db")) as server:
        url = server.url + "/v1/predict"
        load(
            url, bodies, seconds=max(30.0, chosen.minutes * 6), connections=CONNECTIONS
        )  # until caches are full
        seen, n = [server.resident_mb()], 0
        until = time.monotonic() + 60 * chosen.minutes
        while time.monotonic() < until:
            done = load(url, bodies, seconds=10, connections=CONNECTIONS)
            assert done.failed == 0, done
            n += done.n
            seen.append(server.resident_mb())
    early, late = _median(seen[: max(len(seen) // 5, 1)]), _median(seen[-max(len(seen) // 5, 1) :])
    return {
        "minutes": chosen.minutes,
        "n": n,
        "first_mb": round(early, 1),
        "last_mb": round(late, 1),
        "growth": round(late / early - 1, 4),
    }


@contextmanager
def _running(*command: str) -> Iterator[Running]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().rpartition(" ")[2].strip()
        yield Running(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def _service(*options: str) -> Any:
    return _running("-m", "tierwise", "serve", "--port", "0", *options)


def _texts(n: int) -> list[str]:
    rows = [json.loads(line)["specification"] for line in SEED_TASKS.read_text(encoding="utf-8").splitlines()]
    random.Random(0).shuffle(rows)
    return rows[:n]


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        body: bytes = answer.read()
    return body


def _ms(url: str) -> float:
    started = time.perf_counter()
    _get(url)
    return 1e3 * (time.perf_counter() - started)


def _median(values: Any) -> float:
    return float(statistics.median(list(values)))


def _ratio(ours: Sequence[Any], bare: Sequence[Any], at: int) -> list[float]:
    """Lowest, median and highest over the rounds."""
    found = [mine[at] / theirs[at] for mine, theirs in zip(ours, bare, strict=True)]
    return [round(value, 2) for value in (min(found), _median(found), max(found))]


if __name__ == "__main__":
    main()

"""Pages with 100,000 decisions in SQLite: how long until the real page is there, and how fast it is then."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from ._server import Running, get, median, ms_of, service

N = 100_000
PATHS = ("/", "/types", "/review", "/model")
_PATIENCE_S = 300.0


def pages(_: argparse.Namespace) -> dict[str, Any]:
    """A process that counts for the first time ever, and one that begins with what was counted before.

    first_ms : of the very first answer, whatever it shows. beside_ms : the longest while others are counted.
    real_s : until the page shows the log, and real_cpu_s, the processor time of the process till then, all
    pages being asked for at once; counted_s : until this process has counted all on it. median_ms, max_ms :
    of 20 answers from then on.
    """
    from tierwise import OutcomeLog, predict_tier
    from tierwise.router.log.demo import fill

    looked_at = predict_tier("Write the product FAQ", task_type="faq", items=30, verifiable=True)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        with OutcomeLog(path) as log:
            fill(log, N)
            log.record_decision(looked_at)
        decision = f"/decisions/{looked_at.decision_id}"
        return {name: _process(path, decision) for name in ("never_counted", "counted_before")}


def _process(log: Path, decision: str) -> dict[str, Any]:
    with service("--log", str(log)) as server:
        beside, found = _until_counted(server, decision)
        found["/decisions/ID"] = {"first_ms": round(beside[0], 1), "beside_ms": round(max(beside), 1)}
        for path, figures in found.items():
            url = server.url + (decision if path == "/decisions/ID" else path)
            ms = [ms_of(url) for _ in range(20)]
            figures.update(median_ms=round(median(ms), 1), max_ms=round(max(ms), 1))
        return found


def _until_counted(server: Running, decision: str) -> tuple[list[float], dict[str, dict[str, float]]]:
    """How long the page of a decision took meanwhile, each time; and when each of the others was there."""
    beside: list[float] = []
    found: dict[str, dict[str, float]] = {path: {} for path in PATHS}
    began, cpu_s = time.monotonic(), server.cpu_s()
    while any("counted_s" not in figures for figures in found.values()):
        assert time.monotonic() - began < _PATIENCE_S
        for path, figures in found.items():
            if "counted_s" in figures:
                continue
            asked = time.perf_counter()
            page = get(server.url + path)
            figures.setdefault("first_ms", round(1e3 * (time.perf_counter() - asked), 1))
            if b"page reloads by itself" in page:
                continue
            now = round(time.monotonic() - began, 2)
            figures.setdefault("real_s", now)
            figures.setdefault("real_cpu_s", round(server.cpu_s() - cpu_s, 2))
            if b"a newer count is on its way" not in page:
                figures["counted_s"] = now
        beside.append(ms_of(server.url + decision))
        time.sleep(0.05)
    time.sleep(1.0)  # until it is written to the log, too
    return beside, found

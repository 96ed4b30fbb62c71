"""How long the evaluation of a large log takes, and what memory: `python -m benchmarks.evaluation`.

    python -m benchmarks.evaluation [--rows 1000000] [--types 200] [--log URL]

Each in a process of its own: a frame, and the same rows in a SQLite log (importing them takes minutes
and is not counted). `--log` takes one that is there already.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tierwise import OutcomeLog
from tierwise.training.seeds.tasks import TIERS, read_seeds

from ._machine import write

RUN = """
import json, resource, sys, time
import pandas as pd
from tierwise import OutcomeLog, TierModel, evaluate
from tierwise.data import CHAMPION
source = sys.argv[1]
def peak_mb():
    # of this process alone: what getrusage tells began with the memory of the process that started it
    return round(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024)
outcomes = pd.read_parquet(source) if source.endswith(".parquet") else OutcomeLog(source)
model = TierModel.load(CHAMPION)
before, peak_before_mb = resource.getrusage(resource.RUSAGE_SELF), peak_mb()
started = time.perf_counter()
report = evaluate(model, outcomes)
s = time.perf_counter() - started
after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "s": round(s, 1),
    "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
    "peak_mb": peak_mb(),
    "peak_before_mb": peak_before_mb,  # the frame itself
    "rows": report.about["rows_in_log"],
    "judged": report.about["tasks"],
    "types": report.about["task_types"],
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--types", type=int, default=200)
    parser.add_argument("--log", help="a log that is there already")
    parser.add_argument("--frame-only", action="store_true")
    chosen = parser.parse_args()
    results: dict[str, Any] = {}
    if chosen.log:
        results["log"] = _measured(chosen.log)
    else:
        with tempfile.TemporaryDirectory() as folder:
            frame = finished_tasks(chosen.rows, chosen.types)
            path = Path(folder) / "outcomes.parquet"
            frame.to_parquet(path)
            results["frame"] = _measured(str(path))
            print(results, flush=True)
            if not chosen.frame_only:
                url = f"sqlite:///{Path(folder) / 'log.db'}"
                with OutcomeLog(url) as log:
                    log.import_frame(frame)
                del frame
                results["sqlite"] = _measured(url)
    print(results)
    print(f"written to {write('evaluation', results).name}")


def _measured(source: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", RUN, source], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def finished_tasks(n: int, n_types: int) -> pd.DataFrame:
    """Seed tasks over and over, each text once; a type's rate of clean passes is its own, and rises."""
    chance = np.random.default_rng(0)
    texts = [seed.task.specification for seed in read_seeds()]
    types = chance.integers(0, n_types, n)
    tiers = chance.integers(0, 3, n)
    score = chance.normal(1.0, 1.5, n_types)[types] + 1.2 * tiers
    clean = chance.random(n) < 0.97 / (1 + np.exp(-score))
    start = pd.Timestamp("2025-06-01", tz="UTC")
    at = start + pd.to_timedelta(np.sort(chance.integers(0, 360 * 86_400, n)), unit="s")
    return pd.DataFrame(
        {
            "specification": [f"{texts[i % len(texts)]} ({i})" for i in range(n)],
            "task_type": [f"type {i}" for i in types],
            "tier": np.array(TIERS)[tiers],
            "verdict": np.where(clean, "clean", "corrected"),
            "basis": "imported",
            "at": at,
            "decided_at": at,
            "propensity": 1 / 3,
        }
    )


if __name__ == "__main__":
    main()

"""Tasks per second at 1,000 tasks a request."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from .._load import load
from ._server import median, service, texts_of_tasks

MANY = 1_000


def batch(chosen: argparse.Namespace) -> dict[str, Any]:
    texts = texts_of_tasks(4 * MANY)
    bodies = [json.dumps({"tasks": texts[i : i + MANY]}).encode() for i in range(0, len(texts), MANY)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in (("plain", ()), ("logged", ("--log", str(Path(folder) / "log.db")))):
            with service(*options) as server:
                load(server.url + "/v1/predict", bodies, seconds=3, connections=1)
                rates, cpu = [], []
                for _ in range(chosen.rounds):
                    before = server.cpu_s()
                    done = load(server.url + "/v1/predict", bodies, seconds=chosen.seconds, connections=2)
                    assert done.failed == 0, done
                    rates.append(done.per_s * MANY)
                    cpu.append(done.n * MANY / (server.cpu_s() - before))
                found[f"{name}_tasks_per_s"] = [round(min(rates)), round(median(rates)), round(max(rates))]
                found[f"{name}_tasks_per_cpu_s"] = round(median(cpu))
    return found

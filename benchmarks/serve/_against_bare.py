"""Requests per second, p99 and processor time of /v1/predict against a bare endpoint, rounds alternating."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from .._load import load
from ._server import CONNECTIONS, median, ratio, running, service, texts_of_tasks


def against_bare(chosen: argparse.Namespace) -> dict[str, Any]:
    bodies = [json.dumps({"specification": text}).encode() for text in texts_of_tasks(2_000)]
    typed = [
        json.dumps({"specification": text, "task_type": f"kind {i % 50}"}).encode()
        for i, text in enumerate(texts_of_tasks(2_000))
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "log.db")
        with (
            running("-m", "benchmarks._bare") as bare,
            service() as plain,
            service("--log", log) as logged,
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
        **{f"{name}_per_s": median(row[0] for row in rows) for name, rows in found.items()},
        **{f"{name}_p99_ms": median(row[1] for row in rows) for name, rows in found.items()},
        **{f"{name}_cpu_us": median(row[2] for row in rows) for name, rows in found.items()},
        **{
            f"{name}_{what}_ratio": ratio(found[name], found["bare"], at)
            for name in ("plain", "logged")
            for at, what in enumerate(("per_s", "p99", "cpu"))
        },
    }

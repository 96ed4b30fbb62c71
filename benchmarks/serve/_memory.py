"""Growth of resident memory under load."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from .._load import load
from ._server import CONNECTIONS, median, service, texts_of_tasks


def memory(chosen: argparse.Namespace) -> dict[str, Any]:
    texts = texts_of_tasks(8_000)
    bodies = [
        json.dumps({"specification": text, "task_type": f"kind {i % 200}"}).encode()
        for i, text in enumerate(texts)
    ]
    bodies[:0] = [json.dumps({"tasks": texts[i : i + 200]}).encode() for i in range(0, 2_000, 200)]
    with tempfile.TemporaryDirectory() as folder, service("--log", str(Path(folder) / "log.db")) as server:
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
    early, late = median(seen[: max(len(seen) // 5, 1)]), median(seen[-max(len(seen) // 5, 1) :])
    return {
        "minutes": chosen.minutes,
        "n": n,
        "first_mb": round(early, 1),
        "last_mb": round(late, 1),
        "growth": round(late / early - 1, 4),
    }

"""Promotions under load: failed requests, and how many models served."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from tierwise.data import CHAMPION

from .._load import load
from ._server import CONNECTIONS, get, service, texts_of_tasks


def swap(chosen: argparse.Namespace) -> dict[str, Any]:
    """The shipped champion and one that differs in its thresholds take turns."""
    from concurrent.futures import ThreadPoolExecutor

    import tierwise
    from tierwise import ModelStore, TierModel

    bodies = [json.dumps({"specification": text}).encode() for text in texts_of_tasks(500)]
    with tempfile.TemporaryDirectory() as folder:
        other = TierModel.load(CHAMPION)
        other.manifest["thresholds"] = other.manifest["thresholds"][:1]
        other.save(Path(folder) / "other")
        store = Path(folder) / "models"
        tierwise.promote(CHAMPION, to=store, why="benchmark", force=True)
        with service("--model", str(store)) as server, ThreadPoolExecutor(1) as pool:
            loading = pool.submit(
                load, server.url + "/v1/predict", bodies, seconds=12, connections=CONNECTIONS
            )
            for model in (Path(folder) / "other", CHAMPION, Path(folder) / "other"):
                time.sleep(3)
                tierwise.promote(model, to=store, why="benchmark", force=True)
            done = loading.result()
            time.sleep(2.5)
            served = json.loads(get(server.url + "/v1/model"))
            metrics = get(server.url + "/metrics").decode()
        assert len(ModelStore(store).history()) == 4
    n_bad = len(re.findall(r'status="[45]\d\d"', metrics))
    return {"n": done.n, "failed": done.failed, "not_2xx": n_bad, "n_swaps": served["n_swaps"]}

"""What `tierwise.wrap` adds to a call against the SDK alone, log included.

    python -m benchmarks.dropin_overhead [--calls 400]

Both ask the same loopback server, in a process of its own, for the same model, in turn in one run. Reported
is the median difference in milliseconds, on the wall clock and as processor time of this process, for a short
request and for a conversation of 40 messages. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import anthropic

import tierwise
from tierwise.testing import MessagesServer

from ._machine import write

TEXT = "Tag these 40 tickets by product area, JSON out"
WARM = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=400, help="of each kind")
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    address = here.recv()
    try:
        found = _measured(address, chosen.calls)
    finally:
        here.send("stop")
        server.join()
    for name, figures in found.items():
        print(f"{name}: {figures}")
    print(f"written to {write('dropin_overhead', {'calls': chosen.calls, **found}).name}")


def _serve(parent: Connection) -> None:
    with MessagesServer("[]") as server:
        parent.send({"base_url": server.url, "api_key": server.api_key, "max_retries": 0})
        parent.recv()


def _measured(address: dict[str, Any], n_calls: int) -> dict[str, dict[str, float]]:
    turns = [{"role": role, "content": "word " * 400} for role in ("user", "assistant")] * 20
    asked = {"short": [], "conversation": turns}
    found = {}
    with TemporaryDirectory() as folder, anthropic.Anthropic(**address) as client:
        plain, logged = tierwise.wrap(client), tierwise.wrap(client, log=Path(folder) / "log.db")
        for name, before in asked.items():
            request = {"max_tokens": 800, "messages": [*before, {"role": "user", "content": TEXT}]}
            model = plain.messages.create(model="auto", **request).model
            found[name] = _differences(
                {
                    "bare": lambda request=request, model=model: client.messages.create(
                        model=model, **request
                    ),
                    "wrapped": lambda request=request: plain.messages.create(model="auto", **request),
                    "logged": lambda request=request: logged.messages.create(model="auto", **request),
                },
                n_calls,
            )
        logged.router.close()
    return found


def _differences(calls: dict[str, Callable[[], Any]], n_calls: int) -> dict[str, float]:
    walls: dict[str, list[float]] = {name: [] for name in calls}
    cpus: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(WARM + n_calls):
        for name, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            if turn >= WARM:
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(time.process_time() - cpu)
    found = {"bare_ms": round(1000 * median(walls["bare"]), 3)}
    for name in ("wrapped", "logged"):
        for clock, seconds in (("wall", walls), ("cpu", cpus)):
            added = [with_ - without for with_, without in zip(seconds[name], seconds["bare"], strict=True)]
            found[f"{name}_{clock}_added_ms"] = round(1000 * median(added), 3)
    return found


if __name__ == "__main__":
    main()

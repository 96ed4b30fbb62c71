"""What routing adds to a call: decide, build the request, call, check, account, against the SDK alone.

    python -m benchmarks.run_overhead [--calls 2000]

All ask the same loopback server (in a process of its own) for the same model, in turn in one run; what is
reported is the median difference of each to the bare call beside it, on the wall clock and as processor time
of this process.

execute  without a log
logged   `Router.run` with a SQLite log: decision, attempt, and what the check said
learned  the same for a task type, whose state every verdict brings up to date

Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import anthropic
import numpy as np

from tierwise import Router, predict_tier
from tierwise.router.run import AsyncDriver, Driver, Hooks, aexecute, checks, execute
from tierwise.testing import MessagesServer

from ._machine import write

TEXT = "Tag these 40 tickets by product area, JSON out"
WARM = 50
Seconds: TypeAlias = np.ndarray[Any, Any]
Round: TypeAlias = list[Seconds]
KIND = "tickets"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="of each kind")
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    address = here.recv()
    try:
        with TemporaryDirectory() as folder:
            results = {
                "blocking": _blocking(address, chosen.calls, Path(folder) / "blocking.db"),
                "asyncio": _asyncio(address, chosen.calls, Path(folder) / "asyncio.db"),
            }
    finally:
        here.send("stop")
        server.join()
    for name, found in results.items():
        print(f"{name}: {found}")
    load = round(os.getloadavg()[0], 1)
    print(
        f"written to {write('run_overhead', {'calls': chosen.calls, 'load_average': load, **results}).name}"
    )


def _serve(parent: Connection) -> None:
    with MessagesServer("[]") as server:
        parent.send({"base_url": server.url, "api_key": server.api_key, "max_retries": 0})
        parent.recv()


def _request(model: str | None) -> dict[str, Any]:
    return {"model": model, "max_tokens": 8192, "messages": [{"role": "user", "content": TEXT}]}


def _hooks() -> Hooks:
    told: list[Any] = []
    return Hooks(*[lambda *arguments: told.append(arguments)] * 4)


def _blocking(address: dict[str, Any], n_calls: int, log: Path) -> dict[str, Any]:
    with anthropic.Anthropic(**address) as client, Router(log=log, client=client) as router:
        driver, request = Driver(client), _request(predict_tier(TEXT, verifiable=True).model)
        check, hooks = checks.json_schema(), _hooks()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: client.messages.create(**request),
            lambda: execute(predict_tier(TEXT, verifiable=True), client=driver, check=check, hooks=hooks),
            lambda: router.run(TEXT, verifiable=True, check=check),
            lambda: router.run(TEXT, task_type=KIND, verifiable=True, check=check),
        )
        rounds = [[_seconds(call) for call in calls] for _ in range(WARM + n_calls)]
        assert router.unlogged == 0
    return _figures(rounds)


def _asyncio(address: dict[str, Any], n_calls: int, log: Path) -> dict[str, Any]:
    async def run() -> list[Round]:
        async with anthropic.AsyncAnthropic(**address) as client, Router(log=log, client=client) as router:
            driver, request = AsyncDriver(client), _request(predict_tier(TEXT, verifiable=True).model)
            check, hooks = checks.json_schema(), _hooks()
            calls: tuple[Callable[[], Awaitable[Any]], ...] = (
                lambda: client.messages.create(**request),
                lambda: aexecute(
                    predict_tier(TEXT, verifiable=True), client=driver, check=check, hooks=hooks
                ),
                lambda: router.arun(TEXT, verifiable=True, check=check),
                lambda: router.arun(TEXT, task_type=KIND, verifiable=True, check=check),
            )
            return [[await _aseconds(call) for call in calls] for _ in range(WARM + n_calls)]

    return _figures(asyncio.run(run()))


async def _aseconds(call: Callable[[], Awaitable[Any]]) -> Seconds:
    started = _now()
    await call()
    return _now() - started


def _seconds(call: Callable[[], Any]) -> Seconds:
    started = _now()
    call()
    return _now() - started


def _now() -> Seconds:
    """Wall clock, and processor time of this process."""
    return np.array([time.perf_counter(), time.process_time()])


def _figures(rounds: list[Round]) -> dict[str, Any]:
    ms = np.array(rounds[WARM:]) * 1000.0  # call, kind, clock
    found: dict[str, Any] = {"bare_median_ms": round(float(np.median(ms[:, 0, 0])), 3)}
    for place, kind in enumerate(("execute", "logged", "learned"), 1):
        wall, cpu = np.median(ms[:, place] - ms[:, 0], axis=0)
        found[kind] = {
            "overhead_median_ms": round(float(wall), 3),
            "overhead_processor_median_ms": round(float(cpu), 3),
        }
    return found


if __name__ == "__main__":
    main()

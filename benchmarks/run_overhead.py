"""What routing adds to a call: decide, build the request, call, check, account, against the SDK alone.

    python -m benchmarks.run_overhead [--calls 2000]

Both ask the same loopback server (in a process of its own) for the same model, alternating in one run; the
difference of each pair is what is reported, on the wall clock and as processor time of the calling thread.
Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import anthropic
import numpy as np

from tierwise import predict_tier
from tierwise.router.run import AsyncDriver, Driver, Hooks, aexecute, checks, execute
from tierwise.testing import MessagesServer

from ._machine import write

TEXT = "Tag these 40 tickets by product area, JSON out"
WARM = 50
Seconds: TypeAlias = np.ndarray[Any, Any]
Pair: TypeAlias = tuple[Seconds, Seconds]


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
        results = {"blocking": _blocking(address, chosen.calls), "asyncio": _asyncio(address, chosen.calls)}
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


def _blocking(address: dict[str, Any], n_calls: int) -> dict[str, float]:
    with anthropic.Anthropic(**address) as client:
        driver, request = Driver(client), _request(predict_tier(TEXT, verifiable=True).model)
        check, hooks = checks.json_schema(), _hooks()

        def bare() -> None:
            client.messages.create(**request)

        def routed() -> None:
            execute(predict_tier(TEXT, verifiable=True), client=driver, check=check, hooks=hooks)

        pairs = [(_seconds(bare), _seconds(routed)) for _ in range(WARM + n_calls)]
    return _figures(pairs)


def _asyncio(address: dict[str, Any], n_calls: int) -> dict[str, float]:
    async def run() -> list[Pair]:
        async with anthropic.AsyncAnthropic(**address) as client:
            driver, request = AsyncDriver(client), _request(predict_tier(TEXT, verifiable=True).model)
            check, hooks = checks.json_schema(), _hooks()
            pairs = []
            for _ in range(WARM + n_calls):
                started = _now()
                await client.messages.create(**request)
                between = _now()
                await aexecute(predict_tier(TEXT, verifiable=True), client=driver, check=check, hooks=hooks)
                pairs.append((between - started, _now() - between))
            return pairs

    return _figures(asyncio.run(run()))


def _seconds(call: Callable[[], None]) -> Seconds:
    started = _now()
    call()
    return _now() - started


def _now() -> Seconds:
    """Wall clock, and processor time of this thread."""
    return np.array([time.perf_counter(), time.thread_time()])


def _figures(pairs: list[Pair]) -> dict[str, float]:
    bare, routed = (np.array(side) * 1000.0 for side in zip(*pairs[WARM:], strict=True))
    wall, cpu = np.median(routed - bare, axis=0)
    return {
        "bare_median_ms": round(float(np.median(bare[:, 0])), 3),
        "routed_median_ms": round(float(np.median(routed[:, 0])), 3),
        "overhead_median_ms": round(float(wall), 3),
        "overhead_processor_median_ms": round(float(cpu), 3),
    }


if __name__ == "__main__":
    main()

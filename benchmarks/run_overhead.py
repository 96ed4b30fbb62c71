"""What routing adds to a call: decide, build the request, call, check, account, against the SDK alone.

    python -m benchmarks.run_overhead [--calls 2000]

Both ask the same loopback server (in a process of its own) for the same model, alternating in one run; the
difference of each pair is what is reported. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import anthropic
import numpy as np

from tierwise import predict_tier
from tierwise.router.run import AsyncDriver, Driver, Hooks, aexecute, checks, execute
from tierwise.testing import MessagesServer

from ._machine import write

TEXT = "Tag these 40 tickets by product area, JSON out"
WARM = 50


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
    async def run() -> list[tuple[float, float]]:
        async with anthropic.AsyncAnthropic(**address) as client:
            driver, request = AsyncDriver(client), _request(predict_tier(TEXT, verifiable=True).model)
            check, hooks = checks.json_schema(), _hooks()
            pairs = []
            for _ in range(WARM + n_calls):
                started = time.perf_counter()
                await client.messages.create(**request)
                between = time.perf_counter()
                await aexecute(predict_tier(TEXT, verifiable=True), client=driver, check=check, hooks=hooks)
                pairs.append((between - started, time.perf_counter() - between))
            return pairs

    return _figures(asyncio.run(run()))


def _seconds(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _figures(pairs: list[tuple[float, float]]) -> dict[str, float]:
    bare, routed = np.array(pairs[WARM:]).T * 1000.0
    return {
        "bare_median_ms": round(float(np.median(bare)), 3),
        "routed_median_ms": round(float(np.median(routed)), 3),
        "overhead_median_ms": round(float(np.median(routed - bare)), 3),
    }


if __name__ == "__main__":
    main()

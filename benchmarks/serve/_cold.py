"""A serverless handler's first answer, in a fresh process."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from typing import Any

from ._server import ROOT, median

_EVENTS = """
import json, time
began = time.perf_counter()
import serverless
imported = time.perf_counter()
moments = [imported]
for text in ("Write the product FAQ for our bakery, ten questions", "Name three risks of this plan"):
    answer = serverless.handler({"body": json.dumps({"specification": text})}, None)
    assert answer["statusCode"] == 200, answer
    moments.append(time.perf_counter())
print(imported - began, *(after - before for before, after in zip(moments, moments[1:])))
"""
_N = 15


def cold(_: argparse.Namespace) -> dict[str, Any]:
    """deploy/serverless.py as a platform would start it: import, then two events; medians.

    process_s : of the whole, the interpreter's start and end included. process_cpu_s : its processor time,
    which neighbours disturb less.
    """
    runs = []
    for _i in range(_N):
        started, cpu_s = time.perf_counter(), _of_children_s()
        done = subprocess.run(
            [sys.executable, "-c", _EVENTS], cwd=ROOT / "deploy", capture_output=True, text=True, check=True
        )
        whole = time.perf_counter() - started, _of_children_s() - cpu_s
        runs.append((*whole, *map(float, done.stdout.split())))
    names = ("process_s", "process_cpu_s", "import_s", "first_s", "second_s")
    return {"n": _N, **{name: round(median(run[at] for run in runs), 4) for at, name in enumerate(names)}}


def _of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""The service under load, on loopback, against a bare FastAPI endpoint in the same run.

    python -m benchmarks.serve [--only bare batch swap pages cold memory] [--minutes 10]

bare    requests per second and p99 of /v1/predict, as ratios to the bare endpoint, rounds alternating;
        without a log and with one; processor time per request likewise, which neighbours disturb less
batch   tasks per second at 1,000 tasks a request
swap    promotions under load: failed requests, and how many models served
pages   with 100,000 decisions in SQLite: until each page shows them, in a process that counts for the first
        time and in the next one, and how fast it answers then
cold    a serverless handler's first answer, in a fresh process
memory  growth of resident memory under load (runs for --minutes)
Needs the extra `dev`; wrk where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

from .._load import tool
from .._machine import write
from ._against_bare import against_bare
from ._batch import batch
from ._cold import cold
from ._memory import memory
from ._pages import pages
from ._swap import swap

PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "bare": against_bare,
    "batch": batch,
    "swap": swap,
    "pages": pages,
    "cold": cold,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each load")
    parser.add_argument("--minutes", type=float, default=10, help="of the part memory")
    chosen = parser.parse_args()
    for name in chosen.only:
        found = {"tool": tool(), **PARTS[name](chosen), "load_average": round(os.getloadavg()[0], 1)}
        print(f"{name}: {json.dumps(found)}", flush=True)
        print(f"written to {write(f'serve_{name}', found).name}")


if __name__ == "__main__":
    main()

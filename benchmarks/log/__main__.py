"""Measures the parts that are asked for, and writes them beside those measured before."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

from .._machine import RESULTS, machine, write
from . import __doc__ as description
from ._databases import DATABASES, libraries
from ._felt import felt
from ._many_rows import many_rows
from ._one_write import one_write
from ._writers import writers


def main() -> None:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large log")
    parser.add_argument("--outcomes", type=int, default=10_000, help="of each of the eight writers")
    parser.add_argument(
        "--only", choices=("one_write", "felt", "writers", "many_rows"), help="measure one part again"
    )
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="on one database only")
    chosen = parser.parse_args()
    parts: dict[str, Callable[[str], dict[str, Any]]] = {
        "one_write": one_write,
        "felt": felt,
        "writers": lambda url: writers(url, chosen.outcomes),
        "many_rows": lambda url: many_rows(url, chosen.rows),
    }
    results = _known() if chosen.only or chosen.on else {}
    results["libraries"] = libraries()
    for kind in [chosen.on] if chosen.on else DATABASES:
        for name in [chosen.only] if chosen.only else parts:
            load, commit = os.getloadavg()[0], machine()["commit"]
            with DATABASES[kind]() as url:
                found = parts[name](url)
            found |= {"load_average_before": round(load, 1), "commit": commit}
            results.setdefault(kind, {})[name] = found
            print(f"{kind} {name}: {found}", flush=True)
    print(f"written to {write('log', results).name}")


def _known() -> dict[str, Any]:
    """What was measured before, each part with its commit."""
    path = RESULTS / "log.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found.pop("machine", None)
    return found


if __name__ == "__main__":
    main()

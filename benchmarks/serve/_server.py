"""A server in a process of its own, what is sent to it, and figures of what came back."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tierwise.data import SEED_TASKS

CONNECTIONS = 8
ROOT = Path(__file__).resolve().parent.parent.parent


class Running(NamedTuple):
    """A server in a process of its own."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Of processor time, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Of memory, now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def running(*command: str) -> Iterator[Running]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().rpartition(" ")[2].strip()
        yield Running(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def service(*options: str) -> Any:
    return running("-m", "tierwise", "serve", "--port", "0", *options)


def texts_of_tasks(n: int) -> list[str]:
    rows = [json.loads(line)["specification"] for line in SEED_TASKS.read_text(encoding="utf-8").splitlines()]
    random.Random(0).shuffle(rows)
    return rows[:n]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        body: bytes = answer.read()
    return body


def ms_of(url: str) -> float:
    started = time.perf_counter()
    get(url)
    return 1e3 * (time.perf_counter() - started)


def median(values: Any) -> float:
    return float(statistics.median(list(values)))


def ratio(ours: Sequence[Any], bare: Sequence[Any], at: int) -> list[float]:
    """Lowest, median and highest over the rounds."""
    found = [mine[at] / theirs[at] for mine, theirs in zip(ours, bare, strict=True)]
    return [round(value, 2) for value in (min(found), median(found), max(found))]

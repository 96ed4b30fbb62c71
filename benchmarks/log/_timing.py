"""Seconds of calls, and what is said of many."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

Spent = npt.NDArray[np.float64]


def seconds(call: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def spent(call: Callable[..., object], *arguments: object) -> Spent:
    """Seconds on the clock, and of the processor in this process."""
    started = np.array([time.perf_counter(), time.process_time()])
    call(*arguments)
    return np.array([time.perf_counter(), time.process_time()]) - started


def with_cpu(spent: Spent) -> dict[str, int]:
    return {**quantiles(spent[:, 0]), "cpu_median_us": round(float(np.median(spent[:, 1])) * 1e6)}


def quantiles(seconds: Iterable[float]) -> dict[str, int]:
    found = np.array(list(seconds)) * 1e6
    return {
        "median_us": round(float(np.median(found))),
        "mean_us": round(float(found.mean())),
        "p99_us": round(float(np.quantile(found, 0.99))),
    }

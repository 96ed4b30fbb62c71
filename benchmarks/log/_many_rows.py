"""A large log: filling it, and what is asked of it, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from tierwise import OutcomeLog

from ._rows import TYPES, frame
from ._timing import quantiles, seconds
from ._unread import unread

SCAN = """
import sys, time
from tierwise import OutcomeLog
with OutcomeLog(sys.argv[1]) as log:
    {imports}
    started = time.perf_counter()
    found = {call}
    print(time.perf_counter() - started)
print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
"""
# the kernel's own high-water mark: `wait4` counts this process, too, from before the other program began
LOG_STATS = """
import sys
from tierwise.cli import main
main(["log", "stats", "--log", sys.argv[1]], standalone_mode=False)
print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)
"""


def many_rows(url: str, n_rows: int) -> dict[str, Any]:
    """A large log: importing it, counting it, reading it as a frame, each in a process of its own."""
    rows = frame(n_rows)
    with OutcomeLog(url) as log:
        import_s = seconds(log.import_frame, rows)
        history = quantiles(seconds(log.history, f"type {number}") for number in range(TYPES))
    del rows
    return {
        "rows": n_rows,
        "import_s": round(import_s, 1),
        "history_of_a_type_us": history,
        "rows_per_type": n_rows // TYPES,
        "log_stats_command": _command(url),
        "texts_not_read": unread(url),
        "stats": _process(url, "log.stats()"),
        "to_pandas": _process(url, "log.to_pandas()"),
        "to_pandas_without_text": _process(
            url, 'log.to_pandas(columns=["task_type", "tier", "verdict", "at"])'
        ),
        "importing_pandas_alone_peak_mb": _process(url, "None")["peak_mb"],
    }


def _command(url: str) -> dict[str, float]:
    """`tierwise log stats`, from its start to its end: counts, movements, and the modules that it loads."""
    command = [sys.executable, "-c", LOG_STATS, url]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr:
        *_, kilobytes = process.stderr.read().split()
    _, status, used = os.wait4(process.pid, 0)
    clock, process.returncode = time.perf_counter() - started, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu = used.ru_utime + used.ru_stime
    return {"s": round(clock, 2), "cpu_s": round(cpu, 2), "peak_mb": round(int(kilobytes) / 1024)}


def _process(url: str, call: str) -> dict[str, float]:
    code = SCAN.format(imports="import pandas", call=call)
    done = subprocess.run([sys.executable, "-c", code, url], check=True, capture_output=True, text=True)
    seconds, kilobytes = done.stdout.split()
    return {"s": round(float(seconds), 2), "peak_mb": round(int(kilobytes) / 1024)}

"""Load over HTTP: by wrk where it is installed, else by coroutines of our own, which take more of a core."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies = {%s}
local i = 0
request = function()
  i = i %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[i])
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nFOUND {"n": %%d, "s": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Loaded(NamedTuple):
    """What came of it. failed : connections, answers other than 2xx and 3xx, timeouts."""

    n: int
    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "asyncio"


def load(url: str, bodies: Sequence[bytes], *, seconds: float, connections: int) -> Loaded:
    """POST these bodies in turn."""
    if tool() == "wrk":
        return _by_wrk(url, bodies, seconds, connections)
    return asyncio.run(_by_coroutines(url, bodies, seconds, connections))


def _by_wrk(url: str, bodies: Sequence[bytes], seconds: float, connections: int) -> Loaded:
    quoted = ",\n".join(_lua(body) for body in bodies)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_SCRIPT % quoted, encoding="utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--timeout", "30s"]
        done = subprocess.run([*command, "-s", str(script), url], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.split("FOUND ")[1])
    return Loaded(found["n"], found["n"] / found["s"], found["p50"], found["p99"], found["failed"])


def _lua(body: bytes) -> str:
    text = body.decode("utf-8").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


async def _by_coroutines(url: str, bodies: Sequence[bytes], seconds: float, connections: int) -> Loaded:
    parts = urlsplit(url)
    until, took, failed = time.perf_counter() + seconds, [], 0

    async def ask(first: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        i = first
        while time.perf_counter() < until:
            i += connections
            body = bodies[i % len(bodies)]
            started = time.perf_counter()
            head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append((time.perf_counter() - started) * 1e3)
            failed += answer.split(b" ", 2)[1][:1] not in (b"2", b"3")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(ask(i) for i in range(connections)))
    spent = time.perf_counter() - started
    took.sort()
    n = len(took)
    return Loaded(n, n / spent, took[n // 2], took[int(n * 0.99)], failed)

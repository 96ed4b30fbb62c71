"""What tests of `tierwise pipeline run` share: it runs in a process that can be killed, or in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from tierwise.cli import main

FILES = "own.toml", "articles.jsonl"


def written(folder: Path, pipeline: str, n_articles: int) -> Path:
    """The folder, with the pipeline and articles on tea in it."""
    (folder / FILES[0]).write_text(pipeline, encoding="utf-8")
    lines = [json.dumps({"id": f"a{n}", "topic": f"tea {n}"}) for n in range(n_articles)]
    (folder / FILES[1]).write_text("\n".join(lines), encoding="utf-8")
    return folder


def keys_of(server) -> dict[str, str]:
    """The environment of a command that is to ask this server."""
    return {"ANTHROPIC_API_KEY": server.api_key, "ANTHROPIC_BASE_URL": server.url}


def start(server, folder: Path, *options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tierwise", "pipeline", "run", *FILES, *map(str, options)]
    environment = {**os.environ, **keys_of(server)}
    pipe = subprocess.PIPE  # few lines, which fit in
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def run_here(server, folder: Path, *options: object) -> Result:
    """The same in this process, to its end."""
    files = [str(folder / name) for name in FILES]
    arguments = ["pipeline", "run", *files, *map(str, options)]
    done = CliRunner().invoke(main, arguments, env=keys_of(server))
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def wait_until(is_time: Callable[[], bool], process) -> None:
    """Or until the process has ended."""
    until = time.monotonic() + 60
    while not is_time() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)


def stopped(process, how: signal.Signals = signal.SIGKILL) -> tuple[int, str]:
    """Its exit code, and what it said on stderr."""
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return process.returncode, err

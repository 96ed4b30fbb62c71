"""A real MLflow server on loopback: track, promote, pull, roll back, serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_model import TIERS, small_model

import tierwise
from tierwise.classifier.errors import StoreUnavailable
from tierwise.classifier.model import TierModel
from tierwise.training.promotion.registry import ModelRegistry
from tierwise.training.promotion.tracking import log_training

pytestmark = pytest.mark.slow
PATIENCE_S = 240  # for a process to answer, on a machine that has other work


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Served:
    """A process of MLflow that answers at `url`."""

    def __init__(self, home: Path, *arguments: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (home / "server.txt").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(port)],
                cwd=home,
                env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # it starts workers: they end with it
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self.answers():
            assert self.process.poll() is None, (home / "server.txt").read_text()
            assert time.monotonic() < deadline, (home / "server.txt").read_text()
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(mlflow_home, monkeypatch) -> Iterator[Served]:
    database = f"sqlite:///{mlflow_home / 'mlflow.db'}"
    # --workers 1: each costs a second of a slow machine
    found = Served(mlflow_home, "server", "--backend-store-uri", database, "--workers", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", found.url)
    yield found
    found.stop()


def test_friday_on_a_server(server, capsys):
    for seed in (0, 1):
        log_training(small_model(seed=seed))
    why = "judged elsewhere"
    for version in ("1", "2"):
        change = tierwise.promote(f"models:/tierwise/{version}", to="models:/tierwise", why=why, force=True)
        assert (change.version, change.forced) == (version, True)
    new = tierwise.promote(small_model(seed=2), to="models:/tierwise", why=why, force=True)
    assert new.version == tierwise.rollback("models:/tierwise", why="worse").previous == "3"
    assert capsys.readouterr().out == ""  # a server's runs have addresses, which MLflow prints
    assert TierModel.load("models:/tierwise@champion").fingerprint == small_model(seed=1).fingerprint
    assert tierwise.rollback("models:/tierwise", why="worse").version == "1"
    assert [each.action for each in ModelRegistry("models:/tierwise").history()] == [
        "promote",
        "promote",
        "promote",
        "rollback",
        "rollback",
    ]
    server.stop()  # and now it is away
    with pytest.raises(StoreUnavailable, match=server.url):
        TierModel.load("models:/tierwise@champion")
    assert TierModel.load("models:/tierwise/2").fingerprint == small_model(seed=1).fingerprint  # the cache's


def test_mlflow_models_serve_answers(mlflow_with_two):
    served = Served(mlflow_with_two, "models", "serve", "-m", "models:/tierwise/1", "--env-manager", "local")
    try:
        body = {"dataframe_records": [{"specification": "plan the tickets", "items": 40, "verifiable": True}]}
        request = urllib.request.Request(
            f"{served.url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            (row,) = json.load(response)["predictions"]
        assert row["tier"] in TIERS
        assert sum(row[f"needed_{tier}"] for tier in TIERS) == pytest.approx(1)
        bad = urllib.request.Request(
            f"{served.url}/invocations",
            b'{"dataframe_records": [{"specification": "plan", "itmes": 4}]}',
            {"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(bad, timeout=PATIENCE_S)
        with caught.value as refused:
            assert b"did you mean 'items'" in refused.read()
    finally:
        served.stop()

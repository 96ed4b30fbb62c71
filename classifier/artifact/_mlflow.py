"""MLflow, asked for a bounded time, with its errors as ours."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import MissingExtra, NotInStore, StoreUnavailable

# MLflow alone retries for minutes; what the operator has set is kept
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # no network but the operator's own server
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is our caller's: JSON, it may be
}
_CONFIGURED = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_LOCAL = ("mlflow.db", "mlruns")  # MLflow's own default, where it has been used in this folder


@contextmanager
def mlflow_calls(doing: str) -> Iterator[Any]:
    """The module `mlflow`, for calls that end within a minute where its server is away.

    doing : for the message, "fetch models:/tierwise@champion".

    Raises MissingExtra without mlflow, NotInStore for what it doesn't know, StoreUnavailable otherwise; also
    where nothing says which server: MLflow itself would begin an empty store in the current folder.
    """
    check_chosen(doing)
    ours = {name: value for name, value in _BOUNDS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        import mlflow  # before it is quietened: it sets its loggers up when it is imported

        with _quiet(), _as_our_errors(mlflow, doing):
            yield mlflow
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "train") from error
    finally:
        for name in ours:
            os.environ.pop(name, None)


def check_chosen(doing: str) -> None:
    """That something says which MLflow is meant; at once, where importing MLflow takes seconds.

    Raises StoreUnavailable, and MissingExtra without mlflow.
    """
    loaded = sys.modules.get("mlflow")
    if loaded is None and find_spec("mlflow") is None:
        raise MissingExtra("mlflow", "train")
    if any(os.environ.get(name) for name in _CONFIGURED) or any(Path(name).exists() for name in _LOCAL):
        return
    if loaded is None or not loaded.tracking.is_tracking_uri_set():
        raise StoreUnavailable(
            f"Can't {doing}: nothing says where MLflow keeps its models. Set MLFLOW_TRACKING_URI to your "
            "server, or to sqlite:///mlflow.db for a store in this folder."
        )


@contextmanager
def _as_our_errors(mlflow: Any, doing: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    where = _without_password(mlflow.get_tracking_uri())
    try:
        yield
    except MlflowException as error:
        said = _shortened(_without_password(str(error)))
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
            raise NotInStore(f"Can't {doing}: MLflow at {where} says: {said}", about=where) from error
        raise StoreUnavailable(
            f"Can't {doing}: MLflow at {where} did not answer as it should: {said} "
            "Is MLFLOW_TRACKING_URI right, and its server up?",
            about=where,
        ) from error
    except OSError as error:  # its artifact folder or database file
        raise StoreUnavailable(f"Can't {doing} at {where}: {error}.", about=where) from error


def _without_password(text: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


def _shortened(text: str, most: int = 160) -> str:
    """One line: MLflow repeats what its HTTP library says."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow tells its steps and warns of its own code on stderr; the caller says what was done in a line."""
    import logging
    import warnings

    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\b")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

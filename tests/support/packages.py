"""What is installed: packages, their modules, and what each imports; where our own shared modules are."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = Path(__file__).resolve().parent
FOLDERS = {
    "tierwise.classifier.reading": "classifier/reading",
    "tierwise.classifier.belief": "classifier/belief",
    "tierwise.classifier.artifact": "classifier/artifact",
    "tierwise.classifier": "classifier",
    "tierwise.router.log.migrations.versions": "router/log/migrations/versions",
    "tierwise.router.log.migrations": "router/log/migrations",
    "tierwise.router.log.files": "router/log/files",
    "tierwise.router.log.figures": "router/log/figures",
    "tierwise.router.log.waiting": "router/log/waiting",
    "tierwise.router.log.database": "router/log/database",
    "tierwise.router.log": "router/log",
    "tierwise.router.pipeline": "router/pipeline",
    "tierwise.router.run.batches": "router/run/batches",
    "tierwise.router.run.jobs": "router/run/jobs",
    "tierwise.router.run": "router/run",
    "tierwise.router.wire": "router/wire",
    "tierwise.router.dropin": "router/dropin",
    "tierwise.router.serve.pages": "router/serve/pages",
    "tierwise.router.serve.openapi": "router/serve/openapi",
    "tierwise.router.serve.access": "router/serve/access",
    "tierwise.router.serve.routes": "router/serve/routes",
    "tierwise.router.serve": "router/serve",
    "tierwise.router.ladder": "router/ladder",
    "tierwise.router.movements": "router/movements",
    "tierwise.router.rules": "router/rules",
    "tierwise.router": "router",
    "tierwise.training.evaluation": "training/evaluation",
    "tierwise.training.promotion": "training/promotion",
    "tierwise.training.features": "training/features",
    "tierwise.training.seeds": "training/seeds",
    "tierwise.training.outcomes": "training/outcomes",
    "tierwise.training.promise": "training/promise",
    "tierwise.training": "training",
    "tierwise.data": "data",
    "tierwise.cli": "tierwise/cli",
    "tierwise.testing": "tierwise/testing",
}


def modules() -> dict[str, Path]:
    """Dotted name -> file, of everything that is installed."""
    found = {"tierwise": ROOT / "tierwise" / "__init__.py"}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).glob("*.py")):
            found[package if path.stem == "__init__" else f"{package}.{path.stem}"] = path
    return found


MODULES = modules()


def imports_of(name: str, *, top_only: bool = False) -> set[str]:
    """Full dotted names that a module imports, also inside functions."""
    path = MODULES[name]
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{home}.{alias.name}" for alias in node.names)
    return found


def part_of(name: str) -> str:
    """The package of a dotted name; "tierwise" for the names of the root."""
    return next((package for package in FOLDERS if f"{name}.".startswith(f"{package}.")), "tierwise")


def fresh(code: str, **environment: str) -> str:
    """What a new interpreter prints; it must say nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout

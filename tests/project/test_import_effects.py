"""What an import costs, what it must not do, and which names it gives."""

from __future__ import annotations

import ast
import importlib
import socket
import warnings

import pytest
import pytest_socket
from packages import FOLDERS, MODULES, fresh, part_of

import tierwise

PYFUNC = "tierwise.training.promotion.pyfunc_model"  # MLflow runs this file; nothing of ours imports it


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
        *(f"tierwise.{p}" for p in ("classifier", "testing")),
        *(f"tierwise.router{p}" for p in ("", ".log", ".run", ".run.jobs", ".run.batches")),
        *(f"tierwise.router.{p}" for p in ("pipeline", "wire", "dropin")),
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

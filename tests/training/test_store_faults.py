"""A store that was killed over, damaged, closed or is newer: the old champion serves, or Sonnet does."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from packages import SUPPORT
from small_model import small_model

import tierwise
from tierwise.classifier.artifact._folder import seal_of
from tierwise.classifier.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactTooNew,
    StoreUnavailable,
)
from tierwise.classifier.model import TierModel
from tierwise.router._champion import forget_champion
from tierwise.training.promotion.store import ModelStore

PROMOTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from packages import SUPPORT
from small_model import small_model
from tierwise.training.promotion.store import ModelStore
store = ModelStore(sys.argv[1])
models = [small_model(seed=seed) for seed in range(40)]
print("ready", flush=True)
for round in range(10_000):
    store.promote(store.add(models[round % 40]), why=f"round {round}")
"""


@pytest.fixture
def store(tmp_path) -> ModelStore:
    """Two versions, the second one serves."""
    store = ModelStore(tmp_path / "models")
    for seed in (0, 1):
        store.promote(store.add(small_model(seed=seed)))
    return store


def test_killed_at_any_moment_the_old_champion_serves_or_the_new_one(store):
    """Also while a version is being copied: nothing half is ever named, and the next writer clears up."""
    chance = random.Random(7)
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", PROMOTER, str(store.path), str(SUPPORT)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        n_before = len(store.history())
        deadline = time.monotonic() + 60
        while len(store.history()) < n_before + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.1)
        child.kill()
        child.wait()
        child.stdout.close()
        pointer = store.pointer()
        assert len(pointer.history) == pointer.serial >= n_before + 2
        assert pointer.history[-1].version == pointer.champion == TierModel.load(store.path).version
    store.promote(store.add(small_model(seed=50)))
    assert not list((store.path / "versions").glob(".*"))
    assert not list(store.path.glob(".champion*"))
    for version in store.versions():
        store.load(version)


BROKEN = {
    "cut short": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no object": lambda text: "[]",
    "no json": lambda text: "champion: 3",
    "another champion": lambda text: text.replace('"line": [', '"line": ["friday",'),
    "a field missing": lambda text: text.replace('"serial"', '"series"'),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_damaged_pointer_is_corrupt_and_a_decision_says_so(store, monkeypatch, change):
    path = store.path / "champion.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(ArtifactCorrupt, match="champion.json is not the pointer of a model store"):
        TierModel.load(store.path)
    with pytest.raises(ArtifactCorrupt):
        store.rollback()
    monkeypatch.setenv("TIERWISE_MODEL", str(store.path))
    forget_champion()
    decision = tierwise.predict_tier("Draft a blog post of 900 words about our bakery.")
    forget_champion()
    assert (decision.tier, decision.fallback) == ("sonnet", True)
    assert "model_unavailable" in decision.reasons


def test_bytes_that_are_no_text_are_corrupt(store):
    (store.path / "champion.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactCorrupt, match="is not the pointer"):
        TierModel.load(store.path)


def test_a_pointer_never_leads_out_of_its_store(store, tmp_path):
    small_model(seed=9).save(tmp_path / "elsewhere")
    path = store.path / "champion.json"
    body = json.loads(path.read_text())
    body["line"] = ["../../elsewhere"]
    path.write_text(json.dumps({**body, "seal": seal_of(body)}))
    with pytest.raises(ArtifactCorrupt, match=r"'../../elsewhere' is no name of a version"):
        TierModel.load(store.path)


@pytest.mark.parametrize("found", [2, "2", None])
def test_a_newer_pointer_is_refused(store, found):
    path = store.path / "champion.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": found}))
    with pytest.raises(ArtifactTooNew, match="reads up to 1. Upgrade tierwise"):
        TierModel.load(store.path)


def test_a_store_without_a_champion_says_how_to_choose_one(tmp_path):
    store = ModelStore(tmp_path / "models")
    store.add(small_model())
    with pytest.raises(ArtifactMissing, match="has no champion yet. Choose one: tierwise promote"):
        TierModel.load(store.path)


def test_a_champion_whose_folder_is_gone_can_be_rolled_back(store):
    first, second = store.pointer().line
    shutil.rmtree(store.path / "versions" / second)
    with pytest.raises(ArtifactCorrupt, match=f"names {second} as champion.*tierwise rollback --to"):
        TierModel.load(store.path)
    assert store.rollback().version == first
    assert TierModel.load(store.path).version == first


def test_a_rollback_never_goes_to_a_model_that_cannot_serve(store):
    first, second = store.pointer().line
    (store.path / "versions" / first / "arrays.safetensors").write_bytes(b"cut")
    with pytest.raises(ArtifactCorrupt, match="was changed or cut short"):
        store.rollback()
    assert store.champion() == second
    assert store.add(small_model(seed=0)) == first  # adding it once more restores it
    assert store.rollback().version == first


def test_a_damaged_model_is_not_added(store, tmp_path):
    small_model(seed=3).save(tmp_path / "bad")
    (tmp_path / "bad" / "vocabulary.txt").write_text("other")
    with pytest.raises(ArtifactCorrupt):
        store.add(tmp_path / "bad")
    assert len(store.versions()) == 2


def test_another_writer_is_waited_for_no_longer_than_said(store):
    busy = ModelStore(store.path, timeout_s=0.05)
    with (
        FileLock(store.path / ".lock"),
        pytest.raises(StoreUnavailable, match="being changed by another process"),
    ):
        busy.promote(store.versions()[0])
    assert busy.promote(store.versions()[0]).serial == 3


READ_ONLY = """
import os, sys
from tierwise.classifier.errors import StoreUnavailable
from tierwise.classifier.model import TierModel
from tierwise.training.promotion.store import ModelStore
store = ModelStore(sys.argv[1])
champion = TierModel.load(store.path).version
if os.getuid() == 0:  # root may write anywhere
    os.setuid(65534)
assert TierModel.load(store.path).version == champion
try:
    store.rollback()
except StoreUnavailable as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_read_only_store_serves_and_says_that_it_cannot_be_changed(store, tmp_path):
    if os.getuid() == 0:
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)  # another user may look, and no more
    (store.path / "versions").chmod(0o555)
    store.path.chmod(0o555)
    command = [sys.executable, "-c", READ_ONLY, str(store.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    store.path.chmod(0o755)
    (store.path / "versions").chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Can't write to the store {store.path}: Permission denied")
    assert len(store.history()) == 2

"""`tierwise promote` and `tierwise rollback` as commands, killed at random moments: nothing is half."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest
from small_model import small_model

from tierwise import ModelStore, TierModel

KILLS = 20


def command(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tierwise", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def begun_to_copy(store: ModelStore, process: subprocess.Popen[bytes]) -> None:
    """Until there is something new among the versions."""
    known = set(os.listdir(store.path / "versions"))
    while process.poll() is None and set(os.listdir(store.path / "versions")) == known:
        time.sleep(0.001)


@pytest.mark.slow
def test_killed_at_random_moments_the_old_champion_serves_or_the_new_one(tmp_path):
    chance = random.Random(3)
    store, folders = ModelStore(tmp_path / "models"), [tmp_path / f"trained-{n}" for n in range(KILLS + 2)]
    for seed, folder in enumerate(folders):
        small_model(seed=seed).save(folder)
    started = time.monotonic()
    assert command("promote", folders[0], "--to", store.path, "--why", "first", "--force").wait() == 0
    took_s = time.monotonic() - started
    changed = 0
    for number, folder in enumerate(folders[1:-1]):
        before = store.pointer()
        goes_back = number % 4 == 3 and before.serial > 1
        asked = ("rollback",) if goes_back else ("promote", folder, "--force")
        process = command(*asked, "--to", store.path, "--why", f"kill {number}")
        if number % 2 and not goes_back:  # most of a command is spent on loading modules
            begun_to_copy(store, process)
            time.sleep(chance.uniform(0.0, 0.1))
        else:
            time.sleep(took_s * chance.uniform(0.0, 1.5))
        process.kill()
        process.wait()
        after = store.pointer()
        assert len(after.history) == after.serial in (before.serial, before.serial + 1)
        assert TierModel.load(store.path).version == after.champion
        if after.serial == before.serial:
            assert after == before
        else:
            changed += 1
            assert after.history[-1].why == f"kill {number}"
    assert command("promote", folders[-1], "--to", store.path, "--why", "last", "--force").wait() == 0
    assert store.pointer().history[-1].why == "last"
    assert not [*(store.path / "versions").glob(".*"), *store.path.glob(".champion*")]
    for version in store.versions():
        store.load(version)
    assert 0 < changed < KILLS  # some had done it before they were killed

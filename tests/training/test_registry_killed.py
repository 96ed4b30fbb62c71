"""A promotion into MLflow's registry, killed at each of its calls: the old champion serves or the new one."""

from __future__ import annotations

import subprocess
import sys

import mlflow
import pytest

from tierwise.training.promotion.registry import ModelRegistry

# forks before the store is opened, so that each child has connections of its own; waits for a line each time
PROMOTER = """
import os, signal, sys
from mlflow import MlflowClient
from tierwise.training.promotion.registry import ModelRegistry

WRITES = ("set_registered_model_tag", "set_model_version_tag", "set_registered_model_alias")

def killed_at(number):
    made = iter(range(100))
    def counted(write):
        def call(*arguments):
            if next(made) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments)
        return call
    for name in WRITES:
        setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
    ModelRegistry("models:/tierwise").promote("2", why=f"killed at {number}")

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        killed_at(int(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_killed_at_any_call_the_registry_is_as_before_or_as_after(mlflow_with_two):
    registry = ModelRegistry("models:/tierwise")
    registry.promote("1", by="Ada", why="the first")
    process = subprocess.Popen(
        [sys.executable, "-c", PROMOTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    served = []
    try:
        for number in range(100):
            before = registry.pointer()
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
            done = int(process.stdout.readline())
            after = registry.pointer()
            alias = mlflow.MlflowClient().get_registered_model("tierwise").aliases["champion"]
            assert after.champion == str(alias) == after.history[-1].version
            assert [each.serial for each in after.history] == list(range(1, after.serial + 1))
            served.append(after.champion)
            if after.champion == "1":
                assert after == before  # nothing half: the change did not happen
            else:
                assert (after.serial, after.history[-1].why) == (before.serial + 1, f"killed at {number}")
                registry.promote("1", why="and back")  # a registry that was killed over goes on
            if done == 0:
                break
            assert done == -9
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()
    assert served[0] == "1"
    assert served[-1] == "2"
    assert len(served) > 5

"""What lies in deploy/: the function answers whatever comes, the image's steps name what is there, the unit is one."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TASK = {"specification": "Tag these tickets by product area, JSON out", "items": 40}


@pytest.fixture(scope="module")
def handler():
    spec = importlib.util.spec_from_file_location("serverless", DEPLOY / "serverless.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda event: module.handler(event, None)


def test_the_function_decides_as_the_library_does(handler):
    from tierwise import predict_tier

    expected = predict_tier(**TASK)
    packed = base64.b64encode(json.dumps(TASK).encode()).decode()
    for event in ({"body": json.dumps(TASK)}, {"body": packed, "isBase64Encoded": True}):
        answer = handler(event)
        assert answer["statusCode"] == 200
        found = json.loads(answer["body"])
        assert (found["tier"], found["probabilities"]) == (expected.tier, expected.probabilities)
    with_history = handler({"body": json.dumps({**TASK, "history": {"haiku": [0, 30], "sonnet": [30, 0]}})})
    assert json.loads(with_history["body"])["tier"] == "sonnet"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "specification"),
        ("{", "Expecting"),
        ({"specification": "x"}, "as a text"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ("[" * 100_000, "JSON object"),
        ('{"specification": 3}', "must be text"),
        ('{"specification": "x", "itmes": 2}', "did you mean 'items'"),
        ('{"specification": "x", "history": 3}', "history"),
        ('{"specification": "x", "model": "/etc"}', "Unknown fact 'model'"),
        ('{"specification": "x", "policy": {}}', "Unknown fact 'policy'"),
    ],
)
def test_what_the_function_can_not_route_is_400_with_a_reason(handler, body, named):
    answer = handler({"body": body})
    assert answer["statusCode"] == 400
    assert named in json.loads(answer["body"])["error"]


def test_the_image_is_made_of_all_that_the_package_needs_and_of_nothing_else():
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    copied = {
        source for line in re.findall(r"^COPY (.+) /src.*$", text, re.MULTILINE) for source in line.split()
    }
    assert all((ROOT / source).exists() for source in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.partition("/")[0] for path in project["tool"]["setuptools"]["package-dir"].values()}
    assert folders | {"pyproject.toml", "README.md", "LICENSE"} == copied


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_understood(tmp_path):
    unit = tmp_path / "tierwise.service"
    text = (DEPLOY / "tierwise.service").read_text(encoding="utf-8")
    unit.write_text(
        re.sub("^ExecStart=.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE), encoding="utf-8"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "tierwise.service" in done.stderr) == (0, False), done.stderr

"""Every format that was ever written is still read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import Task
from tierwise.classifier.artifact._format import FORMAT_VERSION
from tierwise.classifier.artifact._pointer import POINTER_FORMAT, Canary, parse_pointer
from tierwise.classifier.model import TierModel

SAMPLES = sorted((Path(__file__).parent / "artifacts").glob("format_*"))


def test_there_is_a_sample_of_every_former_format():
    assert [int(path.name.split("_")[1]) for path in SAMPLES] == list(range(1, FORMAT_VERSION))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_former_format_answers(sample):
    model = TierModel.load(sample)
    needed = model.needed_probabilities([Task("tag the ticket please")])
    assert needed.sum() == pytest.approx(1.0)
    assert (model.pass_probabilities([Task("tag the ticket please")]) > 0).all()


@pytest.mark.parametrize("number", range(1, POINTER_FORMAT + 1))
def test_a_pointer_of_every_format_is_read(number):
    """Also of the present one: what is written today must be readable for ever."""
    path = Path(__file__).parent / "artifacts" / f"pointer_{number}.json"
    pointer = parse_pointer(path.read_text(encoding="utf-8"), path)
    assert (pointer.serial, pointer.champion) == (2, "0ccbc70f1ca0")
    assert pointer.canary == Canary("3f2a11c09d3e", 0.1, 500)
    assert [change.by for change in pointer.history] == ["Ada", "Bo"]
    assert pointer.history[0].gate == {"verdict": "promote", "reasons": [], "checks": {}}

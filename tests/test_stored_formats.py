"""Every format that was ever written is still read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import Task
from tierwise.classifier._format import FORMAT_VERSION
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

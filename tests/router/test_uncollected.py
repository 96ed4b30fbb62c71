"""The collector rests while many decisions are built, and is afterwards as it was."""

from __future__ import annotations

import gc

import pytest

from tierwise import TierModel, predict_tiers
from tierwise.classifier.errors import InvalidTask
from tierwise.router._uncollected import uncollected


@pytest.fixture(autouse=True)
def on():
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_rests_inside_and_goes_on_afterwards():
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_who_came_first_and_leaves_first_leaves_it_to_the_others():
    first, second = uncollected(), uncollected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off():
    gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_it_goes_on_after_an_error():
    with pytest.raises(ZeroDivisionError), uncollected():
        1 / 0  # noqa: B018
    assert gc.isenabled()


def test_what_is_asked_of_the_model_is_asked_without_it_and_tasks_are_made_with_it(monkeypatch):
    seen = {"tasks": set(), "model": set()}
    posteriors = TierModel.posteriors

    def watched(*arguments):
        seen["model"].add(gc.isenabled())
        return posteriors(*arguments)

    def texts():
        for number in range(3):
            seen["tasks"].add(gc.isenabled())
            yield f"Tag ticket {number} by product area"

    monkeypatch.setattr(TierModel, "posteriors", watched)
    assert len(predict_tiers(texts())) == 3
    assert seen == {"tasks": {True}, "model": {False}}
    assert gc.isenabled()


def test_it_goes_on_where_a_task_can_not_be_routed():
    with pytest.raises(InvalidTask, match="Task 1: "):
        predict_tiers(
            [{"specification": "Tag this ticket", "floor": "sonnet"}, {"specification": "x", "pin": "gpt"}]
        )
    assert gc.isenabled()

"""Which types should move where no text was kept, or none can be read."""

from __future__ import annotations

from functools import partial

import pytest
from moving_rows import HAIKUS, moved_of, rows
from small_decisions import SetClock, decided

from tierwise.router.log import movements_of


@pytest.fixture
def moved(log):
    return partial(moved_of, log)


def test_without_texts_the_outcomes_alone_speak(moved):
    found = moved(
        rows("down", None, "haiku", "clean", 40), rows("down", None, "sonnet", "clean", 40, start=40),
        rows("up", None, "haiku", "failed", 20),
    )  # fmt: skip
    assert {kind: each.direction for kind, each in found.items()} == {"down": "down", "up": "up"}
    assert {each.text_probability for each in found.values()} == {None}


@pytest.mark.parametrize("text", [None, "把这封邮件翻译成英文并保持礼貌的语气"])
def test_what_an_unread_text_is_taken_to_be_moves_nothing(moved, text):
    """Most tasks of which nothing is known need no more than Sonnet; that says nothing of these."""
    found = moved(
        rows("mixed", text, "sonnet", "corrected", 5), rows("mixed", text, "sonnet", "clean", 7, start=5),
        rows("mixed", text, "opus", "clean", 31, start=20),
        rows("untried", text, "opus", "clean", 40),
        rows("little", text, "haiku", "clean", 1),
        rows("tried", text, "haiku", "clean", 40), rows("tried", text, "sonnet", "clean", 40, start=40),
    )  # fmt: skip
    directions = {kind: each.direction for kind, each in found.items()}
    assert directions == {"mixed": "unsure", "untried": "unsure", "little": "unsure", "tried": "down"}
    assert {each.text_probability for each in found.values()} == {None}
    assert not any(each.went_down for each in found.values())


def test_a_log_that_keeps_features_only_uses_what_the_decisions_said_of_the_text(open_log):
    log = open_log(store_text="features", clock=SetClock())
    for number in range(6):
        decision = decided(f"d{number}", task_type="tag", text=HAIKUS)
        log.record_decision(decision)
        log.record_outcome(decision.decision_id, "clean")
    (each,) = movements_of(log).types
    assert (each.direction, each.now) == ("stay", "haiku")
    assert each.text_probability == pytest.approx(decision.probabilities["haiku"])

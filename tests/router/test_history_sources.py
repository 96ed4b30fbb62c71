"""history= as counts, as a state, and as a log: what was observed is felt in the next decision."""

from __future__ import annotations

import pandas as pd
import pytest

from tierwise import OutcomeLog, Router, Task, predict_tier, predict_tiers
from tierwise.classifier.belief.state import Seen, TypeState
from tierwise.classifier.errors import StateMismatch

TEXT = "Write the product FAQ from the notes below, five questions"
KIND = "product-faq"


def state_of(model, outcomes):
    place = model.places([Task(TEXT, task_type=KIND)])[0]
    seen = [
        Seen(float(at), model.tiers.index(tier), clean, place) for at, (tier, clean) in enumerate(outcomes)
    ]
    return model.observe(None, seen)


def test_an_outcome_in_the_log_is_felt_in_the_next_decision(tmp_path):
    with OutcomeLog(f"sqlite:///{tmp_path}/log.db") as log:
        before = predict_tier(TEXT, task_type=KIND, history=log)
        log.record_outcome(before, "corrected")
        after = predict_tier(TEXT, task_type=KIND, history=log)
        assert after.pass_probabilities[before.tier] < before.pass_probabilities[before.tier]
        assert "history" in after.reasons
        many = predict_tiers([Task(TEXT, task_type=KIND), Task(TEXT)], history=log)
        assert many[0].probabilities == after.probabilities
        assert many[1].probabilities == predict_tier(TEXT).probabilities


def test_outcomes_of_another_ladder_in_the_log_are_left_out(tmp_path):
    row = {"task_type": KIND, "verdict": "corrected", "at": "2026-02-01T00:00:00Z"}
    ours, foreign = [{**row, "tier": "haiku"}], [{**row, "tier": "abacus"}]
    with OutcomeLog(f"sqlite:///{tmp_path}/ours.db") as log:
        log.import_frame(pd.DataFrame(ours))
        felt = predict_tier(TEXT, task_type=KIND, history=log).probabilities
    with OutcomeLog(f"sqlite:///{tmp_path}/both.db") as log:
        log.import_frame(pd.DataFrame([*foreign, *ours]))
        assert log.history(KIND) == {"abacus": (0, 1), "haiku": (0, 1)}
        assert predict_tier(TEXT, task_type=KIND, history=log).probabilities == felt
        assert predict_tiers([Task(TEXT, task_type=KIND)], history=log)[0].probabilities == felt
    text_alone = predict_tier(TEXT).probabilities
    assert felt["haiku"] < text_alone["haiku"]
    with OutcomeLog(f"sqlite:///{tmp_path}/foreign.db") as log:
        log.import_frame(pd.DataFrame(foreign))
        assert predict_tier(TEXT, task_type=KIND, history=log).probabilities == text_alone


def test_what_was_imported_is_felt_as_a_router_of_the_log_feels_it(tmp_path):
    """Late outcomes weigh more than those of long ago, although nobody learned as they came."""
    verdicts = ["corrected"] * 40 + ["clean"] * 40
    days = pd.date_range("2026-01-01", periods=len(verdicts), tz="UTC")
    rows = pd.DataFrame({"task_type": KIND, "tier": "haiku", "verdict": verdicts, "at": days})
    with OutcomeLog(f"sqlite:///{tmp_path}/log.db") as log, Router(log=log) as router:
        log.import_frame(rows)
        felt = predict_tier(TEXT, task_type=KIND, history=log)
        assert felt.probabilities == router.decide(TEXT, task_type=KIND).probabilities
        by_counts = predict_tier(TEXT, task_type=KIND, history=log.history(KIND))
        assert felt.pass_probabilities["haiku"] > by_counts.pass_probabilities["haiku"] + 0.1


def test_a_log_is_not_asked_about_a_task_without_a_type(tmp_path):
    with OutcomeLog(f"sqlite:///{tmp_path}/log.db") as log:
        assert predict_tier(TEXT, history=log).probabilities == predict_tier(TEXT).probabilities


def test_a_state_speaks_nearly_as_its_counts(champion):
    outcomes = [("haiku", number % 6 > 0) for number in range(24)]
    by_state = predict_tier(TEXT, task_type=KIND, history=state_of(champion, outcomes), model=champion)
    counts = {"haiku": (20, 4)}
    by_counts = predict_tier(TEXT, task_type=KIND, history=counts, model=champion)
    assert by_state.pass_probabilities["haiku"] == pytest.approx(
        by_counts.pass_probabilities["haiku"], abs=0.03
    )
    assert "20 clean, 4 not clean" in by_state.explain()


def test_one_and_many_agree_exactly_with_states(champion):
    state = state_of(champion, [("haiku", True)] * 9 + [("sonnet", False)] * 3)
    tasks = [Task(TEXT, task_type=KIND), Task("Tag these forty tickets by area", task_type=KIND)]
    many = predict_tiers(tasks, history={KIND: state}, model=champion)
    for task, decision in zip(tasks, many, strict=True):
        alone = predict_tier(task.specification, task_type=KIND, history=state, model=champion)
        assert (alone.probabilities, alone.pass_probabilities) == (
            decision.probabilities,
            decision.pass_probabilities,
        )


def test_another_models_state_is_refused():
    with pytest.raises(StateMismatch, match="Build the state anew"):
        predict_tier(TEXT, task_type=KIND, history=TypeState("another", counts={0: (1.0, 0.0)}))


def test_twenty_corrections_at_the_top_and_nothing_else():
    before = predict_tier(TEXT, task_type=KIND)
    after = predict_tier(TEXT, task_type=KIND, history={"opus": (0, 20)})
    assert after.tier == "opus"
    assert "no_tier_suffices" in after.reasons
    assert after.probabilities["haiku"] <= before.probabilities["haiku"]

"""What the log remembers of a decision: itself, what was said of it, what answered its failure."""

from __future__ import annotations

import pandas as pd
import pytest
from small_decisions import EVERY_KIND, HOUR, NOON, TEXT, decided
from small_router import ALWAYS, NEVER, TEXTS
from sqlalchemy import update

from tierwise import Policy, Router, predict_tier
from tierwise.classifier.errors import NotInLog
from tierwise.router.log._past import past_decision
from tierwise.router.log._schema import decisions


def test_a_decision_comes_back_as_it_was(log):
    for given in EVERY_KIND:
        facts = dict(given)
        decision = predict_tier(facts.pop("text", TEXT), task_type="meta", **facts)
        log.record_decision(decision)
        past = past_decision(log, decision.decision_id)
        assert past.same, given
        assert past.decision.to_dict() == decision.to_dict()


def test_it_still_says_what_had_failed_before(log):
    decision = predict_tier(TEXT, task_type="meta", attempts=["haiku"])
    log.record_decision(decision)
    said = "Already failed at this task: haiku."
    assert said in decision.explain()
    assert said in past_decision(log, decision.decision_id).decision.explain()


@pytest.mark.parametrize(("chance", "reason"), [(ALWAYS, "probe"), (NEVER, "classifier")])
def test_what_chance_decided_keeps_its_propensity(log, chance, reason):
    router = Router(policy=Policy(probe_budget=0.2), log=log, rng=chance)
    decision = router.decide(TEXTS[0], task_type="meta", reviewed=True)
    past = past_decision(log, decision.decision_id)
    assert (past.same, past.decision.reason) == (True, reason)
    assert 0 < past.decision.propensity < 1
    assert past.decision.to_dict() == decision.to_dict()


def test_a_decision_without_a_model_says_so_afterwards_too(log, monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path))
    log.record_decision(decided("d1"))
    past = past_decision(log, "d1")
    assert past.decision.reasons == ("model_unavailable",)
    assert "could not be loaded then" in past.decision.explain()


def test_all_that_was_said_of_it_comes_oldest_first_and_one_of_it_counts(log):
    log.record_decision(decided("d1"))
    log.record_decision(decided("d2"))
    log.record_outcome("d2", "clean")
    log.record_outcome("d1", "corrected", basis="person", at=NOON, note="too long")
    log.record_outcome("d1", "clean", basis="check", at=NOON + HOUR)
    log.record_outcome("d1", "failed", basis="downstream", at=NOON - HOUR)  # came late
    said = past_decision(log, "d1").verdicts
    assert [(each.verdict, each.basis, each.is_effective) for each in said] == [
        ("failed", "downstream", False),
        ("corrected", "person", True),
        ("clean", "check", False),
    ]
    assert [(each.at, each.note, each.is_new) for each in said] == [
        (NOON - HOUR, None, False),
        (NOON, "too long", False),
        (NOON + HOUR, None, False),
    ]
    assert {(each.decision_id, each.task_type, each.tier) for each in said} == {
        ("d1", "meta", past_decision(log, "d1").decision.tier)
    }


def test_the_decisions_that_answered_its_failure_are_told(log):
    for number, before in enumerate([None, "d0", "d1", None]):
        attempts = () if before is None else ("sonnet",)
        log.record_decision(decided(f"d{number}", attempts=attempts), follows=before)
    assert [past_decision(log, f"d{number}").retries for number in range(4)] == [("d1",), ("d2",), (), ()]


def test_what_todays_rules_would_decide_otherwise_is_marked(log):
    log.record_decision(decided("d1"))
    with log._database.write() as connection:
        connection.execute(update(decisions).values(facts={"role": "orchestrator"}))
    past = past_decision(log, "d1")
    assert (past.same, past.decision.tier) == (False, "opus")


def test_a_row_from_a_file_says_only_what_was_done(log):
    row = {"decision_id": "d1", "tier": "haiku", "verdict": "failed", "at": "2026-01-01T00:00:00Z"}
    log.import_frame(pd.DataFrame([row]))
    past = past_decision(log, "d1")
    assert (past.decision, past.same, past.row["tier"]) == (None, False, "haiku")
    assert [(each.verdict, each.basis) for each in past.verdicts] == [("failed", "imported")]


def test_an_unknown_id_is_named(log):
    log.record_decision(decided("d1"))
    with pytest.raises(NotInLog, match="no decision with the id 'd2'") as caught:
        past_decision(log, "d2")
    assert caught.value.about == "d2"

"""Router: it decides as predict_tier does, logs, and what it is told is felt in the next decision."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from small_decisions import SetClock, decided
from small_router import TEXTS, kept_state

from tierwise import Router, Task, TierModel, predict_tier
from tierwise.classifier.errors import (
    ArtifactMissing,
    InvalidOutcome,
    InvalidTask,
    LogError,
    LogUnavailable,
    NotInLog,
    UnknownFact,
)
from tierwise.data import CHAMPION

KIND = "meta"


@pytest.fixture
def router(log):
    with Router(log=log) as router:
        yield router


def test_it_decides_as_predict_tier_does_and_logs(router):
    decision = router.decide(TEXTS[0], task_type=KIND, items=40, verifiable=True)
    plain = predict_tier(TEXTS[0], task_type=KIND, items=40, verifiable=True)
    assert (decision.probabilities, decision.reasons, decision.plan) == (
        plain.probabilities,
        plain.reasons,
        plain.plan,
    )
    assert router.log.replay(decision.decision_id).same
    assert (router.log.stats().n_decisions, router.unlogged) == (1, 0)


def test_an_outcome_is_felt_in_the_next_decision(router):
    before = router.decide(TEXTS[0], task_type=KIND)
    outcome = router.record_outcome(before, "corrected", note="too long")
    assert (outcome.verdict, outcome.is_effective, outcome.note) == ("corrected", True, "too long")
    after = router.decide(TEXTS[0], task_type=KIND)
    assert after.pass_probabilities[before.tier] < before.pass_probabilities[before.tier]
    assert "history" in after.reasons


def test_other_types_and_work_without_a_type_are_left_as_they_were(router):
    for _ in range(5):
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "failed")
        router.record_outcome(router.decide(TEXTS[0]), "failed")
    for task_type in ("other", None):
        decision = router.decide(TEXTS[0], task_type=task_type)
        assert decision.probabilities == predict_tier(TEXTS[0], task_type=task_type).probabilities


def test_twenty_clean_passes_at_haiku_earn_the_demotion_and_failures_take_it_back(router):
    chosen = [router.decide(TEXTS[0], task_type=KIND).tier]
    for verdict in ["clean"] * 25 + ["failed"] * 8:
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND, pin="haiku"), verdict)
        chosen.append(router.decide(TEXTS[0], task_type=KIND).tier)
    assert (chosen[25], chosen[-1]) == ("haiku", "sonnet")


def test_what_the_caller_gives_replaces_what_the_log_knows(router):
    for _ in range(5):
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "failed")
    given = {"haiku": (30, 0)}
    decision = router.decide(TEXTS[0], task_type=KIND, history=given)
    assert decision.probabilities == predict_tier(TEXTS[0], task_type=KIND, history=given).probabilities


def test_a_retried_task_is_observed_with_the_tiers_that_failed(router):
    first = router.decide(TEXTS[0], task_type=KIND, verifiable=True)
    router.record_outcome(first, "failed", basis="check")
    second = router.decide(TEXTS[0], task_type=KIND, verifiable=True, follows=first)
    assert second.task.attempts == (str(first.tier),)
    assert second.tier > first.tier
    router.record_outcome(second, "failed")
    third = router.decide(TEXTS[0], task_type=KIND, verifiable=True, follows=second.decision_id)
    assert third.task.attempts == (str(first.tier), str(second.tier))
    model = TierModel.load(CHAMPION)
    failed = [seen.failed for seen in kept_state(router.log, KIND, model).recent]
    assert failed == [(), (model.tiers.index(first.tier),)]
    rows = router.log.to_pandas(columns=["decision_id", "follows"])
    assert dict(rows.values.tolist())[second.decision_id] == first.decision_id


def test_attempts_that_are_given_are_taken_as_they_are(router):
    first = router.decide(TEXTS[0], task_type=KIND)
    second = router.decide(TEXTS[0], task_type=KIND, follows=first, attempts=("haiku",))
    assert second.task.attempts == ("haiku",)
    with pytest.raises(NotInLog, match="follows names the decision 'nope'"):
        router.decide(TEXTS[0], follows="nope")


@pytest.mark.parametrize("verdict", ["refused", "cut_off"])
def test_a_tier_that_was_refused_or_cut_off_has_not_failed(router, verdict):
    first = router.decide(TEXTS[0], task_type=KIND, attempts=("haiku",), ceiling="sonnet")
    router.record_outcome(first, verdict, basis="check")
    for follows in (first, first.decision_id):
        again = router.decide(TEXTS[0], task_type=KIND, follows=follows)
        assert again.task.attempts == ("haiku",)
    router.record_outcome(first, "failed")  # who looked at it says otherwise
    for follows in (first, first.decision_id):
        again = router.decide(TEXTS[0], task_type=KIND, follows=follows)
        assert again.task.attempts == ("haiku", "sonnet")


def test_a_task_a_mapping_and_a_text_are_the_same(router):
    facts = {"task_type": KIND, "items": 3}
    decisions = [
        router.decide(TEXTS[0], **facts),
        router.decide(Task(TEXTS[0], **facts)),
        router.decide({"specification": TEXTS[0], **facts}),
    ]
    assert len({decision.task for decision in decisions}) == 1


@pytest.mark.parametrize(
    ("given", "facts", "error", "message"),
    [
        (Task("Tag it"), {"items": 3}, InvalidTask, "has its facts with it; got items beside it"),
        (Task("Tag it"), {"task_type": "x"}, InvalidTask, "got task_type beside it"),
        ("Tag it", {"itms": 3}, UnknownFact, "did you mean 'items'"),
        (7, {}, InvalidTask, "must be text"),
        ({"text": "x"}, {}, UnknownFact, "Unknown fact 'text'"),
    ],
)
def test_bad_input_is_an_error_and_nothing_is_logged(router, given, facts, error, message):
    with pytest.raises(error, match=message):
        router.decide(given, **facts)
    assert router.log.stats().n_decisions == 0


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("nope", "clean"), {}, NotInLog, "no decision with the id 'nope'"),
        ((None, "clean"), {}, InvalidOutcome, "belongs to a Decision"),
        (("d", "good"), {}, InvalidOutcome, "verdict must be one of"),
        (("d", "clean"), {"basis": "me"}, InvalidOutcome, "basis must be one of"),
        (("d", "clean"), {"at": datetime(2026, 3, 1)}, InvalidOutcome, "zone"),
        (("d", "clean"), {"at": datetime.now(tz=UTC) + timedelta(days=2)}, InvalidOutcome, "future"),
    ],
)
def test_an_outcome_that_can_not_be_recorded_is_an_error_and_teaches_nothing(
    router, arguments, options, error, message
):
    router.log.record_decision(decided("d"))
    with pytest.raises(error, match=message):
        router.record_outcome(*arguments, **options)
    assert router.log.stats().n_outcomes == 0
    assert kept_state(router.log, "meta", TierModel.load(CHAMPION)) is None


def test_a_decision_that_was_never_logged_is_stored_with_its_outcome_and_felt(router):
    decision = predict_tier(TEXTS[0], task_type=KIND)
    router.record_outcome(decision, "failed")
    assert router.decide(TEXTS[0], task_type=KIND).probabilities != decision.probabilities


def test_without_a_log_it_only_decides():
    with Router() as router:
        decision = router.decide(TEXTS[0], task_type=KIND)
        assert decision.probabilities == predict_tier(TEXTS[0], task_type=KIND).probabilities
        assert (router.log, router.unlogged, decision.propensity) == (None, 0, 1.0)
        with pytest.raises(LogError, match=r"has no log to record outcomes in.*Router\(log="):
            router.record_outcome(decision, "clean")


def test_a_model_may_be_a_folder_and_a_wrong_one_is_said_at_once(tmp_path):
    assert Router(CHAMPION).decide(TEXTS[0]).probabilities == predict_tier(TEXTS[0]).probabilities
    with pytest.raises(ArtifactMissing):
        Router(tmp_path / "nothing")
    with pytest.raises(LogUnavailable):
        Router(log=tmp_path / "no folder" / "log.db")


def test_a_model_that_can_not_be_loaded_decides_and_outcomes_are_recorded(log, tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path))
    router = Router(log=log)
    decision = router.decide(TEXTS[0], task_type=KIND)
    assert decision.reason == "model_unavailable"
    assert router.record_outcome(decision, "failed").is_effective
    monkeypatch.delenv("TIERWISE_MODEL")
    assert "history" in router.decide(TEXTS[0], task_type=KIND).reasons


def test_async_twins_do_the_same_beside_the_loop(router):
    async def at_once():
        decisions = await asyncio.gather(*(router.adecide(TEXTS[0], task_type=KIND) for _ in range(8)))
        return await asyncio.gather(*(router.arecord_outcome(each, "clean") for each in decisions))

    assert [outcome.is_new for outcome in asyncio.run(at_once())] == [True] * 8
    assert kept_state(router.log, KIND, TierModel.load(CHAMPION)).n_outcomes == 8


KILLED = """
import os, sys
from tierwise import Router
router = Router(log=sys.argv[1])
print(router.decide("Write a meta description", task_type="meta").decision_id, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_process_killed_after_deciding_leaves_a_decision_that_another_one_judges(router, log_url):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, log_url], capture_output=True, text=True, timeout=300
    )
    decision_id = done.stdout.strip()
    assert router.record_outcome(decision_id, "failed").task_type == "meta"
    assert "history" in router.decide("Write a meta description", task_type="meta").reasons


def test_its_own_log_is_closed_with_it_and_a_callers_is_not(tmp_path, log):
    with Router(log=tmp_path / "log.db") as own, Router(log=log) as callers:
        pass
    with pytest.raises(LogError, match="was closed"):
        own.log.stats()
    assert callers.log.stats().n_decisions == 0


def test_the_clock_of_the_log_is_the_time_of_what_is_learned(open_log):
    clock = SetClock()
    router = Router(log=open_log(clock=clock))
    router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "clean")
    (seen,) = kept_state(router.log, KIND, TierModel.load(CHAMPION)).recent
    assert seen.at == clock.now.timestamp()


def test_a_failure_that_is_followed_counts_once(router):
    """It is among the attempts; what was said of it in the log is left out of the history."""
    from tierwise.router._champion import champion

    model = champion()
    for verdict in ("clean", "failed", "clean"):
        router.record_outcome(router.decide(TEXTS[1], task_type=KIND), verdict)
    before = kept_state(router.log, KIND, model)
    first = router.decide(TEXTS[0], task_type=KIND, verifiable=True)
    router.record_outcome(first, "failed", basis="check")
    second = router.decide(TEXTS[0], task_type=KIND, verifiable=True, follows=first)
    assert second.evidence.posterior.needed == pytest.approx(model.posterior(second.task, before).needed)
    router.record_outcome(second, "failed", basis="check")
    third = router.decide(TEXTS[0], task_type=KIND, verifiable=True, follows=second.decision_id)
    assert third.evidence.posterior.needed == pytest.approx(model.posterior(third.task, before).needed)
    assert kept_state(router.log, KIND, model).n_outcomes == before.n_outcomes + 2

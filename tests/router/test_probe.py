"""Probes: where they can do no harm and teach something, as often as the budget says, and never elsewhere."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from small_router import ALWAYS, NEVER, TEXTS, Draws

from tierwise import Ladder, Policy, Router, Task
from tierwise.classifier.errors import InvalidPolicy
from tierwise.router.rules._decide import decide
from tierwise.router.rules._probe import probe_of

BUDGET = Policy(probe_budget=0.02)
UNSURE = (0.45, 0.5, 0.05)


def probe(beliefs_, ladder, policy=BUDGET, **facts):
    task = Task(TEXTS[0], **{"task_type": "meta", **facts})
    return probe_of(decide(task, beliefs_, policy, ladder), task, beliefs_, policy, ladder)


def test_the_tier_below_is_tried_and_says_so(beliefs, ladder):
    found = probe(beliefs(UNSURE), ladder, reviewed=True)
    assert (found.rung, found.codes[0], found.plan, found.fallback) == (0, "probe", (0,), False)


def test_where_a_program_checks_a_failed_probe_goes_on_as_the_task_would_have_begun(beliefs, ladder):
    found = probe(beliefs(UNSURE), ladder, verifiable=True)
    assert found.plan == (0, 1, 2)
    assert found.codes[-1] == "check_and_escalate"
    assert found.codes.count("check_and_escalate") == 1


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"reviewed": True, "task_type": None},
        {"reviewed": True, "live": True},
        {"reviewed": True, "consequential": True},
        {"reviewed": True, "pin": "sonnet"},
        {"reviewed": True, "floor": "sonnet"},
        {"reviewed": True, "attempts": ("haiku",)},
        {"reviewed": True, "role": "reviewer"},
        {"reviewed": True, "role": "orchestrator"},
        {"reviewed": True, "ceiling": "haiku"},
        {"reviewed": True, "deterministic": True},
        {"reviewed": True, "input_tokens": 10, "context_used": 190_000, "context_window": 190_001},
    ],
)
def test_nothing_is_tried_where_it_could_do_harm_or_is_forbidden(beliefs, ladder, facts):
    sure = {"context_used"} & set(facts)
    assert probe(beliefs((0.9, 0.1, 0.0) if sure else UNSURE), ladder, **facts) is None


@pytest.mark.parametrize("facts", [{"live": True}, {"attempts": ("haiku",)}, {"role": "reviewer"}])
def test_no_harm_is_risked_above_the_floor_of_such_a_fact_either(beliefs, ladder, facts):
    """At Opus their floor would leave Sonnet free."""
    strategic = beliefs((0.02, 0.40, 0.58))
    assert probe(strategic, ladder, reviewed=True).rung == 1
    assert probe(strategic, ladder, reviewed=True, **facts) is None


def test_a_probe_is_no_fallback_and_has_no_price_of_another_plan(beliefs, ladder):
    known = beliefs(UNSURE, guard="unfamiliar", history=True)
    assert decide(Task(TEXTS[0], "meta", reviewed=True), known, BUDGET, ladder).fallback
    assert not probe(known, ladder, reviewed=True).fallback
    priced = Policy(probe_budget=0.02, correction_minutes=6, hourly_rate_usd=80)
    assert decide(Task(TEXTS[0], "meta", reviewed=True), beliefs(UNSURE), priced, ladder).priced is not None
    assert probe(beliefs(UNSURE), ladder, policy=priced, reviewed=True).priced is None


def test_a_probe_says_why_it_does_not_run_in_a_batch_and_escalates_only_where_a_program_checks(
    beliefs, ladder
):
    why = "sync:not_a_format_task"
    checked = probe(beliefs(UNSURE), ladder, verifiable=True, items=40)
    assert checked.codes == ("probe", "classifier", why, "check_and_escalate")
    assert probe(beliefs(UNSURE), ladder, reviewed=True, items=40).codes == ("probe", "classifier", why)


def test_a_tier_that_can_not_hold_the_task_is_not_tried(beliefs, ladder):
    small = replace(ladder.rungs[0], context_window_tokens=1_000)
    narrow = Ladder("narrow", (small, *ladder.rungs[1:]))
    assert probe(beliefs(UNSURE), narrow, reviewed=True, input_tokens=500) is not None
    assert probe(beliefs(UNSURE), narrow, reviewed=True, input_tokens=2_000) is None


def test_nothing_is_tried_where_nothing_would_be_learned(beliefs, ladder):
    assert probe(beliefs((0.02, 0.95, 0.03)), ladder, reviewed=True) is None  # hopeless
    assert probe(beliefs((0.08, 0.89, 0.03)), ladder, reviewed=True) is not None
    assert probe(beliefs((0.95, 0.05, 0.0)), ladder, reviewed=True) is None  # nothing is below Haiku
    assert probe(beliefs(UNSURE, guard="unfamiliar"), ladder, reviewed=True) is None
    assert probe(beliefs(UNSURE, guard="unfamiliar", history=True), ladder, reviewed=True) is not None
    assert probe(None, ladder, reviewed=True) is None


def test_propensities_are_those_of_the_draw(log):
    policy = Policy(probe_budget=0.25)
    tried = Router(policy=policy, log=log, rng=ALWAYS).decide(TEXTS[0], task_type="meta", reviewed=True)
    kept = Router(policy=policy, log=log, rng=NEVER).decide(TEXTS[0], task_type="meta", reviewed=True)
    never = Router(policy=policy, log=log, rng=ALWAYS).decide(TEXTS[0], task_type="meta")
    assert (tried.reason, tried.propensity, tried.tier < kept.tier) == ("probe", 0.25, True)
    assert (kept.propensity, never.propensity, never.tier) == (0.75, 1.0, kept.tier)
    rows = {decision.decision_id: decision for decision in (tried, kept, never)}
    for decision_id in rows:
        log.record_outcome(decision_id, "clean")
    frame = log.to_pandas(columns=["decision_id", "propensity", "reason"])
    assert {i: p for i, p, _ in frame.values} == {i: d.propensity for i, d in rows.items()}
    assert all(log.replay(decision_id).same for decision_id in rows)
    assert tried.to_dict()["propensity"] == 0.25
    assert "probe" in tried.explain()


@pytest.mark.parametrize("store_text", ["full", "none"])
def test_a_probe_is_replayed_from_its_row(open_log, store_text):
    log = open_log(store_text=store_text)
    router = Router(policy=Policy(probe_budget=0.5), log=log, rng=ALWAYS)
    for facts in ({"reviewed": True}, {"verifiable": True, "items": 40}):
        decision = router.decide(TEXTS[0], task_type="meta", **facts)
        assert decision.reason == "probe"
        replay = log.replay(decision.decision_id)
        assert (replay.same, replay.tier, replay.reasons) == (True, decision.tier, decision.reasons)


@pytest.mark.parametrize("chance", [random.Random(1), np.random.default_rng(1)])
def test_the_budget_is_kept_as_a_share(sqlite_url, chance):
    from tierwise import OutcomeLog

    with OutcomeLog(sqlite_url) as log:
        router = Router(policy=Policy(probe_budget=0.1), log=log, rng=chance)
        decisions = [router.decide(TEXTS[0], task_type="meta", reviewed=True) for _ in range(600)]
    share = sum(decision.reason == "probe" for decision in decisions) / 600
    assert 0.06 < share < 0.14


def test_the_days_limit_holds_for_all_processes_together(log, open_log):
    policy = Policy(probe_budget=0.5, probe_max_per_day=3)
    routers = [Router(policy=policy, log=each, rng=ALWAYS) for each in (log, open_log())]
    made = [routers[n % 2].decide(TEXTS[0], task_type="meta", reviewed=True) for n in range(8)]
    assert [d.reason == "probe" for d in made] == [True] * 3 + [False] * 5
    assert [d.propensity for d in made] == [0.5] * 3 + [1.0] * 5


def test_yesterdays_probes_count_no_more(log):
    router = Router(policy=Policy(probe_budget=0.5, probe_max_per_day=1), log=log, rng=ALWAYS)
    first = router.decide(TEXTS[0], task_type="meta", reviewed=True)
    assert router.decide(TEXTS[0], task_type="meta", reviewed=True).reason != "probe"
    from sqlalchemy import update

    from tierwise.router.log._schema import decisions

    day = int(timedelta(days=1, minutes=1).total_seconds() * 1e6)
    with log._database.write() as connection:
        older = update(decisions).where(decisions.c.decision_id == first.decision_id)
        connection.execute(older.values(decided_at_us=decisions.c.decided_at_us - day))
    assert router.decide(TEXTS[0], task_type="meta", reviewed=True).reason == "probe"


def test_without_a_budget_or_without_a_log_chance_is_not_asked(log):
    draws = Draws(0.0)
    assert Router(log=log, rng=draws).decide(TEXTS[0], task_type="meta", reviewed=True).propensity == 1.0
    unlogged = Router(policy=BUDGET, rng=draws).decide(TEXTS[0], task_type="meta", reviewed=True)
    assert (unlogged.reason != "probe", unlogged.propensity, draws.n) == (True, 1.0, 0)


def test_probes_earn_a_demotion_that_would_never_come_otherwise(log):
    router = Router(policy=Policy(probe_budget=0.5), log=log, rng=random.Random(3))
    made = []
    for _ in range(80):
        made.append(router.decide(TEXTS[0], task_type="meta", reviewed=True))
        router.record_outcome(made[-1], "clean")
    assert (made[-1].tier, made[-1].reason) == ("haiku", "classifier")
    without = Router(log=log)
    for _ in range(80):
        decision = without.decide(TEXTS[0], task_type="unprobed", reviewed=True)
        without.record_outcome(decision, "clean")
    assert decision.tier == "sonnet"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probe_budget": 0.6}, "probe_budget must be a number >= 0 and <= 0.5; got 0.6"),
        ({"probe_budget": -0.1}, "probe_budget must be"),
        ({"probe_max_per_day": -1}, "probe_max_per_day must be"),
        ({"probe_max_per_day": float("nan")}, "probe_max_per_day must be"),
    ],
)
def test_budgets_out_of_range_are_named(settings, message):
    with pytest.raises(InvalidPolicy, match=message):
        Policy(**settings)

"""Figures of the pages from logs whose truth is counted by hand; on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from pages_served import counted, pages

from tierwise import Decision, Policy, predict_tier
from tierwise.router.log.figures import _unjudged
from tierwise.router.log.figures._money import Spent, spending
from tierwise.router.log.figures._promise import UnderTiering, added, under_tiering
from tierwise.router.log.figures._stats import collect
from tierwise.router.serve.pages._mix import shifted
from tierwise.router.serve.pages._savings import Savings, savings
from tierwise.router.serve.pages._words import share

TIERS = ("haiku", "sonnet", "opus")
DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
PRICED = Policy(correction_minutes=6, hourly_rate_usd=80)  # $8


def done(log, tier, verdict=None, *, follows=None, at=DAY, told=None, task_type="tags") -> Decision:
    """A decision for this tier, with what was said of it."""
    decision = predict_tier("Tag these tickets by product area", task_type=task_type, pin=tier)
    log.record_decision(decision, at=at, follows=None if follows is None else follows.decision_id)
    if verdict is not None:
        log.record_outcome(decision, verdict, at=told or at)
    return decision


def under(log):
    with log._database.read() as connection:
        return under_tiering(connection, TIERS)


def saved(log, baseline, price=8.0, tiers=TIERS) -> Savings:
    with log._database.read() as connection:
        spent, stats = spending(connection, tiers), collect(connection)
    return savings(spent, stats, baseline, price if callable(price) else lambda _: price, DAY.date())


def test_a_tier_two_retries_above_proves_that_the_first_was_too_low(log):
    first = done(log, "haiku", "corrected")
    second = done(log, "sonnet", "failed", follows=first)
    done(log, "opus", "clean", follows=second)
    assert added(under(log).values()) == UnderTiering(n_judged=1, n_proved=1, n_possible=1)


@pytest.mark.parametrize("again", ["haiku", "sonnet"])
def test_a_retry_that_was_clean_no_higher_proves_nothing(log, again):
    done(log, again, "clean", follows=done(log, "sonnet", "corrected"))
    assert added(under(log).values()) == UnderTiering(n_judged=1, n_proved=0, n_possible=1)


def test_what_is_judged_late_counts_where_it_was_decided(log):
    later = DAY + timedelta(days=40)
    for _ in range(3):
        done(log, "haiku", "corrected", told=later)
    done(log, "haiku", "clean", at=later)
    assert under(log) == {
        DAY.date(): UnderTiering(3, 0, 3),
        later.date(): UnderTiering(1, 0, 0),
    }
    with pages(log) as client:
        assert "Of 1 first attempts 1 were judged" in counted(client, "/?days=7")
        assert "Of 4 first attempts 4 were judged" in counted(client, "/?days=all")


def test_decisions_without_a_model_have_no_corrections_in_their_costs(log, tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nowhere"))
    decision = predict_tier("Write the product FAQ", policy=PRICED)
    assert decision.reason == "model_unavailable"
    log.record_decision(decision, at=DAY)
    found = saved(log, "opus")
    assert found.spent_usd == pytest.approx(decision.expected_cost_usd["sonnet"])
    assert found.baseline_usd == pytest.approx(decision.expected_cost_usd["opus"])


def test_costs_of_a_tier_that_a_decision_did_not_know_are_left_out_not_zero(log):
    cost = done(log, "haiku").expected_cost_usd["haiku"]
    above, below = (*TIERS, "fable"), ("nano", *TIERS)
    found = saved(log, "fable", tiers=above)
    assert (found.n, found.n_unpriced, found.tokens_usd) == (0, 1, 0.0)
    for tiers in (above, below):
        found = saved(log, "opus", tiers=tiers)
        assert (found.n, found.n_unpriced) == (1, 0)
        assert found.spent_usd == pytest.approx(cost)


def test_each_correction_costs_what_its_type_does(log):
    for task_type, n_bad in (("tags", 30), ("clause", 0)):
        for i in range(30):
            done(log, "haiku", "corrected" if i < n_bad else "clean", task_type=task_type)
            done(log, "sonnet", "clean", task_type=task_type)
    found = saved(log, "sonnet", lambda task_type: 60.0 if task_type == "clause" else 2.0)
    assert found.extra_corrections[0] == pytest.approx(30.0)
    assert found.usd[0] == pytest.approx(found.tokens_usd - 30 * 2.0)
    assert found.prices_usd == (2.0, 60.0)


def test_work_of_which_nothing_was_judged_counts_as_the_model_expects(log):
    for i in range(30):
        done(log, "haiku", "clean" if i else "corrected")
        done(log, "sonnet", "clean")
    known = saved(log, "sonnet")
    assert known.n_by_model == 0
    passes = [done(log, "haiku", task_type="new").pass_probabilities for _ in range(10)]
    found = saved(log, "sonnet")
    more = sum(each["sonnet"] - each["haiku"] for each in passes)
    assert more > 0
    assert found.n_by_model == 10
    assert found.extra_corrections[0] - known.extra_corrections[0] == pytest.approx(more)


def test_a_type_of_which_no_verdict_speaks_of_capability_has_no_share_of_clean_work(log):
    done(log, "haiku", "refused", task_type="faq")
    done(log, "haiku", "failed", task_type="tags")
    with pages(log) as client:
        html = counted(client, "/types?sort=clean")
    faq, tags = (
        re.search(f'<th scope="row" title="{name}">.*?</tr>', html, re.S) for name in ("faq", "tags")
    )
    assert "0%</td>" in tags.group()
    assert "0%" not in faq.group()
    assert tags.start() < faq.start()  # the worst come first, what is unknown last


def test_of_more_waiting_work_than_was_looked_up_none_is_forgotten(log, monkeypatch):
    monkeypatch.setattr(_unjudged.unjudged, "__kwdefaults__", {"most": 3})
    made = [done(log, "haiku", at=DAY + timedelta(hours=hour)) for hour in range(5)]
    with pages(log) as client:
        first = counted(client, "/review")
        assert "5 wait for a verdict" in first
        for each in made[2:]:  # the latest come first: another program judges all that were looked up
            log.record_outcome(each, "clean")
        answer = client.get("/review").text
        assert "Nothing waits" not in answer
        assert "2 wait for a verdict" in counted(client, "/review")


def test_a_verdict_just_given_no_longer_waits(log):
    for _ in range(3):
        done(log, "haiku")
    with pages(log) as client:
        html = counted(client, "/review")
        assert "3 wait for a verdict" in html
        form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html))
        answer = client.post("/review", data={**form, "verdict": "clean"})
        assert "2 wait for a verdict" in client.get(answer.headers["location"]).text


def test_thresholds_are_shown_as_they_are(log, champion):
    down, up = champion.thresholds(Policy().max_under_tier)
    with pages(log, model=champion) as client:
        shown = re.findall(r"<dt>goes (?:down|up) at</dt><dd>([\d.]+)%</dd>", counted(client, "/model"))
    assert [float(each) / 100 for each in shown] == pytest.approx([down, up], abs=6e-4)
    assert [share(value) for value in (0.6, 0.495)] == ["60%", "49.5%"]


@pytest.mark.parametrize(("lately", "shift"), [("haiku", True), ("sonnet", False)])
def test_a_type_whose_tiers_are_level_has_not_changed(lately, shift):
    def spent(day, tier, n):
        return Spent(DAY.date() + timedelta(days=day), "tags", tier, False, n, 0, {}, {})

    rows = [spent(0, "sonnet", 9), spent(20, "haiku", 3), spent(21, "sonnet", 3), spent(21, lately, 1)]
    assert bool(shifted(rows, DAY.date() + timedelta(days=22))) is shift
    level = rows[:3]
    assert shifted(level, DAY.date() + timedelta(days=22)) == []

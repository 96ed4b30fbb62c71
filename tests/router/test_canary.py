"""A challenger decides a share of the work where it differs from the champion, and says how likely that was."""

from __future__ import annotations

import random

import pytest
from small_router import ALWAYS, NEVER, TEXTS, Draws, kept, kept_state, rebuilt

from tierwise import Canary, OutcomeLog, Policy, Router, TierModel, predict_tier
from tierwise.classifier.errors import InvalidPolicy
from tierwise.data import CHAMPION

KIND = "meta"


@pytest.fixture(scope="module")
def champion_model() -> TierModel:
    return TierModel.load(CHAMPION)


@pytest.fixture(scope="module")
def bold(champion_model) -> TierModel:
    """A challenger that goes down to Haiku at once, by thresholds of its own."""
    thresholds = [{"max_under_tier": 0.01, "lambda_down": 0.01, "lambda_up": 0.99}]
    manifest = {**champion_model.manifest, "thresholds": thresholds, "uninformed": [0.3, 0.4, 0.3]}
    return TierModel(champion_model.reader, manifest, version="bold")


def router_of(log, champion_model, challenger, rng, **options) -> Router:
    return Router(champion_model, log=log, challenger=challenger, rng=rng, **options)


def test_where_the_models_agree_nothing_changes(log, champion_model):
    draws = Draws(0.0)
    router = router_of(log, champion_model, champion_model, draws)
    decision = router.decide(TEXTS[0], task_type=KIND)
    assert (decision.propensity, decision.reasons) == (1.0, predict_tier(TEXTS[0], task_type=KIND).reasons)
    assert (draws.n, "challenger" in decision.versions) == (0, False)


def test_where_they_differ_the_share_is_the_challengers(log, champion_model, bold):
    canary = Canary(share=0.2)
    served = router_of(log, champion_model, bold, ALWAYS, canary=canary).decide(TEXTS[0], task_type=KIND)
    kept_ = router_of(log, champion_model, bold, NEVER, canary=canary).decide(TEXTS[0], task_type=KIND)
    assert (served.reason, served.tier, served.propensity) == ("canary", "haiku", 0.2)
    assert (kept_.tier, kept_.propensity) == ("sonnet", 0.8)
    both = {"champion": champion_model.version, "challenger": "bold"}
    assert served.versions == {**kept_.versions, **both, "model": "bold"}
    assert kept_.versions["model"] == champion_model.version
    assert [log.replay(d.decision_id).same for d in (served, kept_)] == [True, True]
    for decision in (served, kept_):
        log.record_outcome(decision.decision_id, "clean")
    frame = log.to_pandas(columns=["propensity", "model_version", "reason"]).values.tolist()
    assert frame[0] == [0.2, "bold", "canary"]
    assert frame[1][:2] == [0.8, champion_model.version]


@pytest.mark.parametrize("store_text", ["full", "none"])
def test_a_canary_is_replayed_from_its_row(open_log, champion_model, bold, store_text):
    log = open_log(store_text=store_text)
    decision = router_of(log, champion_model, bold, ALWAYS).decide(TEXTS[0], task_type=KIND, verifiable=True)
    replay = log.replay(decision.decision_id)
    assert (replay.same, replay.tier, replay.reasons[0]) == (True, "haiku", "canary")


@pytest.mark.parametrize(
    ("facts", "tier"),
    [
        ({"pin": "opus"}, "opus"),
        ({"pin": "sonnet"}, "sonnet"),
        ({"floor": "sonnet"}, "sonnet"),
        ({"live": True}, "sonnet"),
        ({"role": "orchestrator"}, "opus"),
        ({"attempts": ("haiku",)}, "sonnet"),
        ({"deterministic": True}, "haiku"),
    ],
)
def test_a_challenger_is_bound_by_pins_floors_and_limits_as_the_champion_is(
    log, champion_model, bold, facts, tier
):
    decision = router_of(log, champion_model, bold, ALWAYS).decide(TEXTS[0], task_type=KIND, **facts)
    assert (decision.tier, decision.propensity) == (tier, 1.0)
    assert "canary" not in decision.reasons


def test_after_its_decisions_the_champion_serves_alone_in_all_processes(log, open_log, champion_model, bold):
    canary = Canary(share=0.5, max_decisions=3)
    routers = [router_of(each, champion_model, bold, ALWAYS, canary=canary) for each in (log, open_log())]
    made = [routers[n % 2].decide(TEXTS[0], task_type=KIND) for n in range(6)]
    assert [d.reason == "canary" for d in made] == [True] * 3 + [False] * 3
    assert [d.propensity for d in made] == [0.5] * 3 + [1.0] * 3
    other = TierModel(bold.reader, bold.manifest, version="the next one")
    assert router_of(log, champion_model, other, ALWAYS).decide(TEXTS[0], task_type=KIND).reason == "canary"


def test_the_share_is_kept(sqlite_url, champion_model, bold):
    with OutcomeLog(sqlite_url) as log:
        router = router_of(log, champion_model, bold, random.Random(2))
        made = [router.decide(TEXTS[0], task_type=KIND) for _ in range(400)]
    assert 0.05 < sum(d.reason == "canary" for d in made) / 400 < 0.15


def test_an_outcome_is_felt_by_both_models(log, champion_model, bold):
    router = router_of(log, champion_model, bold, random.Random(2), canary=Canary(share=0.5))
    for number in range(40):
        router.record_outcome(router.decide(TEXTS[number % 4], task_type=KIND), "clean")
    for model in (champion_model, bold):
        assert kept(log, KIND, model) == rebuilt(log, KIND, model)
        assert kept_state(log, KIND, model).n_outcomes == 40


def test_a_history_that_is_given_speaks_to_both_models(log, champion_model, bold):
    router = router_of(log, champion_model, bold, NEVER)
    for _ in range(30):
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND, pin="haiku"), "failed")
    state = kept_state(log, KIND, champion_model)
    for given in (state, {"haiku": (0, 30)}):
        assert router.decide(TEXTS[0], task_type=KIND, history=given).tier == "sonnet"


def test_probes_stay_away_where_the_models_differ(log, champion_model, bold):
    router = router_of(log, champion_model, bold, NEVER, policy=Policy(probe_budget=0.5))
    assert router.decide(TEXTS[0], task_type=KIND, reviewed=True).propensity == 0.9


def test_a_challenger_of_another_ladder_is_never_asked(log, champion_model, bold):
    manifest = {**bold.manifest, "tiers": ["fast", "standard", "ultra"]}
    foreign = TierModel(bold.reader, manifest, version="images")
    decision = router_of(log, champion_model, foreign, ALWAYS).decide(TEXTS[0], task_type=KIND)
    assert (decision.tier, decision.propensity) == ("sonnet", 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, "share must be a number > 0 and <= 0.5; got 0.0"),
        ({"share": 0.7}, "Promote a challenger"),
        ({"share": float("nan")}, "share must be"),
        ({"share": True}, "share must be"),
        ({"max_decisions": -1}, "max_decisions must be a whole number >= 0; got -1"),
        ({"max_decisions": 2.5}, "max_decisions must be"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(InvalidPolicy, match=message):
        Canary(**settings)


def test_a_challenger_needs_a_log_and_a_canary_a_challenger(log, bold):
    with pytest.raises(InvalidPolicy, match="A challenger needs a log"):
        Router(challenger=bold)
    with pytest.raises(InvalidPolicy, match="give challenger="):
        Router(log=log, canary=Canary())

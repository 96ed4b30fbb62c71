"""A model seen through a ladder and a policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise import predict_tier
from tierwise.classifier.errors import LadderMismatch
from tierwise.classifier.task import Task
from tierwise.data import IMAGES, TIERS
from tierwise.router._view import view_of
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy

TASK = Task("Tag these tickets by product area")


@pytest.fixture
def posterior(champion):
    return champion.posterior(TASK, {"haiku": (3, 1)})


def test_on_its_own_ladder_the_model_is_shown_as_it_is(champion, ladder, posterior):
    beliefs = view_of(champion, ladder, Policy()).beliefs(posterior)
    assert (beliefs.needed, beliefs.pass_) == (posterior.needed, posterior.pass_)
    assert (beliefs.guard, beliefs.history) == (None, True)
    assert beliefs.all_fail((0, 2)) == posterior.all_fail((0, 2))
    assert beliefs.min_pass == champion.widths.min_pass


def test_a_rung_that_the_model_does_not_know_passes_as_often_as_the_one_below(champion, posterior):
    beliefs = view_of(champion, Ladder.load(TIERS, enable=["fable"]), Policy()).beliefs(posterior)
    assert beliefs.needed == (*posterior.needed, 0.0)
    assert beliefs.pass_ == (*posterior.pass_, posterior.pass_[-1])


def test_a_rung_that_the_model_does_not_know_fails_with_the_one_below(champion, posterior):
    """So it adds nothing to a plan, and nobody pays for it unasked."""
    beliefs = view_of(champion, Ladder.load(TIERS, enable=["fable"]), Policy()).beliefs(posterior)
    assert beliefs.all_fail((2, 3)) == pytest.approx(1 - posterior.pass_[2], rel=1e-3)
    assert beliefs.all_fail((0, 3)) == pytest.approx(posterior.all_fail((0, 2)))
    assert beliefs.all_fail((0, 1)) == pytest.approx(posterior.all_fail((0, 1)))


def test_a_rung_below_all_that_the_model_knows_is_taken_for_the_lowest(champion, ladder, posterior):
    smaller = replace(ladder.rungs[0], tier="tiny", role=None)
    below = Ladder("below", (smaller, *ladder.rungs))
    shifted = view_of(champion, below, Policy()).beliefs(posterior)
    assert shifted.needed == (0.0, *posterior.needed)
    assert shifted.pass_ == (posterior.pass_[0], *posterior.pass_)
    assert shifted.all_fail((0, 1)) == pytest.approx(1 - posterior.pass_[0], rel=1e-3)


def test_the_models_thresholds_hold_unless_the_policy_names_its_own(champion, ladder):
    plain = view_of(champion, ladder, Policy())
    assert (plain.lambda_down, plain.lambda_up) == champion.thresholds(0.05)
    strict = view_of(champion, ladder, Policy(max_under_tier=0.01))
    assert (strict.lambda_down, strict.lambda_up) == champion.thresholds(0.01)
    assert strict.lambda_down > plain.lambda_down
    own = view_of(champion, ladder, Policy(lambda_down=0.9, lambda_up=0.3))
    assert (own.lambda_down, own.lambda_up) == (0.9, 0.3)


@pytest.mark.parametrize("kept", [[0, 1], [2, 1, 0], []])
def test_a_ladder_that_lacks_or_reorders_tiers_is_refused(champion, ladder, kept):
    rungs = [ladder.rungs[index] for index in kept] or Ladder.load(IMAGES).rungs
    other = Ladder("other", tuple(rungs))
    message = "model knows the tiers haiku, sonnet, opus; the ladder 'other' has .* Train a model on outcomes"
    with pytest.raises(LadderMismatch, match=message) as caught:
        view_of(champion, other, Policy())
    assert caught.value.about == "other"


def test_that_no_tier_suffices_is_said_below_a_rung_without_outcomes_too():
    """Nothing is known of fable, so it is taken to pass no more often than opus: no reason to be silent."""
    policy = Policy(ladder=Ladder.load(enable=["fable"]))
    hard = "Decide which of our three product lines to close, since next year's budget hangs on it"
    decision = predict_tier(hard, history={"opus": (0, 20)}, policy=policy)
    assert (decision.tier, decision.reason) == ("opus", "no_tier_suffices")
    fine = predict_tier(hard, history={"opus": (20, 0)}, policy=policy)
    assert "no_tier_suffices" not in fine.reasons

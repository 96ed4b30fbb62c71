"""What the operator decides: defaults, ranges, prices, and that it can't change."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import pytest

from tierwise.classifier.errors import InvalidPolicy
from tierwise.router.policy import LAMBDA_DOWN_MIN, Policy


def test_the_defaults_are_those_of_the_design():
    policy = Policy()
    assert (policy.max_under_tier, policy.batch_over_items, policy.many_items_over) == (0.05, 20, 10)
    assert (policy.lambda_down, policy.lambda_up) == (None, None)  # the model's own
    assert policy.batch_wait_ceiling_s == 24 * 3600
    assert policy.correction_cost_usd(None) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_under_tier": -0.01}, "max_under_tier must be a number >= 0 and <= 1; got -0.01"),
        ({"max_under_tier": 1.01}, "max_under_tier must be a number >= 0 and <= 1; got 1.01"),
        ({"max_under_tier": "5 %"}, "max_under_tier must be a number .* got '5 %'"),
        ({"max_under_tier": None}, "max_under_tier must be a number .* got None"),
        ({"max_under_tier": math.nan}, "max_under_tier must be a number .* got nan"),
        ({"lambda_down": 0.59}, "lambda_down must be a number >= 0.6 and <= 1; got 0.59"),
        ({"lambda_down": 1.1}, "lambda_down must be a number >= 0.6 and <= 1; got 1.1"),
        ({"lambda_up": -0.1}, "lambda_up must be a number >= 0 and <= 1; got -0.1"),
        ({"lambda_up": True}, "lambda_up must be a number .* got True"),
        ({"check_false_pass": 2}, "check_false_pass must be a number >= 0 and <= 1; got 2"),
        ({"check_cost_usd": -1}, "check_cost_usd must be a number >= 0; got -1"),
        ({"check_false_fail": -1}, "check_false_fail must be a number >= 0 and <= 1; got -1"),
        ({"batch_over_items": -1}, "batch_over_items must be a number >= 0; got -1"),
        ({"batch_over_items": math.inf}, "batch_over_items must be a number >= 0; got inf"),
        ({"many_items_over": math.nan}, "many_items_over must be a number >= 0; got nan"),
        ({"default_output_tokens": "many"}, "default_output_tokens must be a number >= 0; got 'many'"),
        ({"batch_wait_ceiling_s": False}, "batch_wait_ceiling_s must be a number >= 0; got False"),
        (
            {"correction_minutes": -1, "hourly_rate_usd": 80},
            "correction_minutes must be a number >= 0; got -1",
        ),
        (
            {"correction_minutes": 6, "hourly_rate_usd": math.inf},
            "hourly_rate_usd must be a number >= 0; got inf",
        ),
        (
            {"correction_minutes": 6, "hourly_rate_usd": 80, "correction_minutes_by_type": {"faq": "long"}},
            r"correction_minutes_by_type\['faq'\] must be a number >= 0; got 'long'",
        ),
        ({"correction_minutes": 6}, "priced by both correction_minutes and hourly_rate_usd; got only one"),
        ({"hourly_rate_usd": 80}, "priced by both correction_minutes and hourly_rate_usd; got only one"),
    ],
)
def test_settings_outside_their_range_are_errors(settings, message):
    with pytest.raises(InvalidPolicy, match=message):
        Policy(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ladder": "tiers.toml"}, r"ladder must be a Ladder, such as Ladder.load\(path\); got str"),
        ({"correction_minutes_by_type": [("faq", 5)]}, "must be task types with minutes; got list"),
        (
            {"correction_minutes_by_type": {"faq": None}},
            r"correction_minutes_by_type\['faq'\] must be a number",
        ),
    ],
)
def test_settings_of_another_kind_are_errors_at_once(settings, message):
    """Not Python's own, later, at the first task that they concern."""
    with pytest.raises(InvalidPolicy, match=message):
        Policy(correction_minutes=6, hourly_rate_usd=80, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_under_tier": 0},
        {"max_under_tier": 1},
        {"lambda_down": LAMBDA_DOWN_MIN},
        {"lambda_down": 1, "lambda_up": 0},
        {"lambda_up": 1},
        {"check_false_pass": 0, "check_false_fail": 1},
        {"batch_over_items": 0, "many_items_over": 0, "default_output_tokens": 0},
        {"correction_minutes": 0, "hourly_rate_usd": 0},
    ],
)
def test_the_ends_of_each_range_are_allowed(settings):
    policy = Policy(**settings)
    assert {name: getattr(policy, name) for name in settings} == settings


def test_an_unknown_setting_is_an_error():
    with pytest.raises(TypeError, match="max_undertier"):
        Policy(max_undertier=0.05)


def test_a_correction_costs_minutes_times_rate():
    assert Policy(correction_minutes=6, hourly_rate_usd=80).correction_cost_usd(None) == pytest.approx(8.00)
    assert Policy(correction_minutes=0, hourly_rate_usd=80).correction_cost_usd("faq") == 0.0


def test_a_task_type_may_have_its_own_minutes():
    minutes = {"legal-memo": 45}
    policy = Policy(correction_minutes=6, hourly_rate_usd=80, correction_minutes_by_type=minutes)
    assert policy.correction_cost_usd("legal-memo") == pytest.approx(60.00)
    assert policy.correction_cost_usd("faq") == pytest.approx(8.00)
    assert policy.correction_cost_usd(None) == pytest.approx(8.00)


def test_minutes_by_type_need_the_minutes_of_all_other_types():
    with pytest.raises(InvalidPolicy, match="correction_minutes_by_type needs correction_minutes"):
        Policy(correction_minutes_by_type={"faq": 5})


def test_a_policy_never_changes_after_it_was_made():
    minutes = {"faq": 5.0}
    policy = Policy(correction_minutes=6, hourly_rate_usd=60, correction_minutes_by_type=minutes)
    minutes["faq"] = 500.0
    assert policy.correction_cost_usd("faq") == pytest.approx(5.00)
    with pytest.raises(TypeError, match="item assignment"):
        policy.correction_minutes_by_type["faq"] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.max_under_tier = 0.5


def test_equal_policies_are_equal_and_hash_alike():
    first, second = Policy(max_under_tier=0.02), Policy(max_under_tier=0.02)
    assert first == second
    assert hash(first) == hash(second)
    assert first != Policy()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda policy: pickle.loads(pickle.dumps(policy))]
)
def test_a_policy_travels_between_processes(copied):
    policy = Policy(correction_minutes=6, hourly_rate_usd=80, correction_minutes_by_type={"faq": 5.0})
    other = copied(policy)
    assert other == policy
    assert other.correction_cost_usd("faq") == policy.correction_cost_usd("faq")

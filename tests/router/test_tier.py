"""The name of a tier: a text that also orders."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from tierwise.classifier.errors import InvalidTask
from tierwise.router.ladder.tier import index_of, ladder_tiers

HAIKU, SONNET, OPUS = ladder_tiers(["haiku", "sonnet", "opus"])


def test_a_tier_is_its_name():
    assert HAIKU == "haiku"
    assert {HAIKU: 1}["haiku"] == 1
    assert f"{HAIKU}!" == "haiku!"
    assert type(str(HAIKU)) is str
    assert json.dumps({"tier": HAIKU}) == '{"tier": "haiku"}'


def test_tiers_order_by_the_ladder_and_not_by_the_alphabet():
    assert sorted(["sonnet", "opus", "haiku"]) == ["haiku", "opus", "sonnet"]
    assert sorted([SONNET, OPUS, HAIKU]) == ["haiku", "sonnet", "opus"]
    assert max(SONNET, OPUS, HAIKU) == "opus"
    assert [tier.rank for tier in (HAIKU, SONNET, OPUS)] == [0, 1, 2]


def test_each_comparison_with_a_plain_text():
    assert SONNET < "opus"
    assert not SONNET < "sonnet"
    assert SONNET <= "sonnet"
    assert not SONNET <= "haiku"
    assert SONNET > "haiku"
    assert not SONNET > "sonnet"
    assert SONNET >= "sonnet"
    assert not SONNET >= "opus"


def test_a_plain_text_on_the_left_gives_the_same_answer():
    plain = "opus"
    assert plain > SONNET
    assert plain >= SONNET
    assert not plain < SONNET
    assert not plain <= SONNET


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "sonet",
            "Unknown tier 'sonet'; did you mean 'sonnet'\\? This ladder has, lowest first: haiku, sonnet",
        ),
        ("gpt", "Unknown tier 'gpt'\\. This ladder has"),
        ("", "Unknown tier ''\\."),
    ],
)
def test_an_unknown_tier_is_an_error_that_names_the_nearest(name, message):
    with pytest.raises(InvalidTask, match=message) as caught:
        index_of(name, HAIKU.order)
    assert caught.value.about == name
    for compare in (HAIKU.__lt__, HAIKU.__le__, HAIKU.__gt__, HAIKU.__ge__):
        with pytest.raises(InvalidTask, match=message):
            compare(name)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda tier: pickle.loads(pickle.dumps(tier))])
def test_a_copy_still_orders(copied):
    other = copied(SONNET)
    assert other == SONNET
    assert HAIKU < other < OPUS


def test_a_tier_belongs_to_its_own_ladder():
    slow, fast = ladder_tiers(["slow", "fast"])
    assert slow < fast
    with pytest.raises(InvalidTask, match="Unknown tier 'haiku'"):
        assert slow < HAIKU

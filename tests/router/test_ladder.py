"""The ladders: the two that ship, fable, the user's own, and what is wrong with a bad one."""

from __future__ import annotations

import datetime
import re

import pytest

from tierwise.classifier.errors import InvalidLadder, InvalidTask
from tierwise.classifier.task import Task
from tierwise.data import IMAGES, TIERS
from tierwise.router.ladder import Ladder, default_ladder
from tierwise.router.ladder._file import LADDER_FORMAT
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import decide

RUNG = """
[[rung]]
tier = "{name}"
model = "model-{name}"
checked_on = 2026-11-24
source = "test"
{more}
[[rung.price]]
input = 1
output = 5
"""


def _rung(name: str, more: str = "") -> str:
    return RUNG.format(name=name, more=more)


@pytest.fixture
def write(tmp_path):
    """A ladder file with this text."""

    def written(text, name="own.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_the_claude_ladder_that_ships(ladder):
    assert (ladder.name, ladder.unit, ladder.names) == ("claude", "token", ("haiku", "sonnet", "opus"))
    assert (ladder.volume, ladder.production, ladder.strategy) == (0, 1, 2)
    for rung in ladder.rungs:
        assert rung.has_batch
        assert (rung.context_window_tokens, rung.max_output_tokens) == (1_000_000, 128_000)
        assert isinstance(rung.checked_on, datetime.date)
        assert rung.source
    assert ladder.tiers == ladder.names
    assert ladder.tiers[0] < ladder.tiers[2]


def test_prices_rise_up_the_ladders_that_ship():
    for path in (TIERS, IMAGES):
        outputs = [rung.prices[0].output for rung in Ladder.load(path, enable=()).rungs]
        assert outputs == sorted(set(outputs))


def test_fable_is_off_until_it_is_switched_on(ladder, beliefs):
    with_fable = Ladder.load(TIERS, enable=["fable"])
    assert "fable" not in ladder.names
    assert with_fable.names == ("haiku", "sonnet", "opus", "fable")
    assert (with_fable.volume, with_fable.production, with_fable.strategy) == (0, 1, 2)
    assert not with_fable.rungs[3].has_batch


@pytest.mark.parametrize(
    ("facts", "tier"),
    [
        ({}, "opus"),
        ({"consequential": True}, "opus"),
        ({"role": "orchestrator"}, "opus"),
        ({"pin": "fable"}, "fable"),
        ({"floor": "fable"}, "fable"),
        ({"attempts": ["opus"]}, "fable"),
    ],
)
def test_fable_is_reached_by_a_pin_a_floor_or_after_opus_failed(facts, tier, beliefs):
    with_fable = Ladder.load(TIERS, enable=["fable"])
    hard = beliefs((0.02, 0.08, 0.9, 0.0), pass_=(0.2, 0.5, 0.9, 0.9))
    assert with_fable.names[decide(Task("x", **facts), hard, Policy(), with_fable).rung] == tier


def test_the_image_ladder_that_ships():
    images = Ladder.load(IMAGES)
    assert (images.name, images.unit, images.names) == ("images", "image", ("fast", "standard", "ultra"))
    assert not any(rung.has_batch for rung in images.rungs)
    assert [rung.prices[0].output for rung in images.rungs] == [20_000, 40_000, 60_000]


@pytest.mark.parametrize(
    ("facts", "tier", "reason"),
    [
        ({}, "standard", "middle_rung"),
        ({"items": 10}, "standard", "middle_rung"),
        ({"items": 11}, "fast", "bulk"),
        ({"items": 11, "live": True}, "standard", "middle_rung"),
        ({"items": 11, "time_sensitive": True}, "standard", "middle_rung"),
        ({"items": 11, "consequential": True}, "ultra", "consequential"),
        ({"consequential": True}, "ultra", "consequential"),
        ({"ceiling": "fast"}, "fast", "ceiling"),
        ({"pin": "ultra"}, "ultra", "pin"),
        ({"attempts": ["standard"]}, "ultra", "floor:attempts"),
    ],
)
def test_a_ladder_without_a_model_is_routed_by_rules_and_its_middle_rung(facts, tier, reason):
    images = Ladder.load(IMAGES)
    choice = decide(Task("x", **facts), None, Policy(), images)
    assert (images.names[choice.rung], choice.codes[0], choice.fallback) == (tier, reason, False)


def test_a_ladder_of_the_users_own(write):
    path = write('name = "mine"\n' + _rung("small") + _rung("mid") + _rung("large") + _rung("huge"))
    mine = Ladder.load(path)
    assert (mine.name, mine.names) == ("mine", ("small", "mid", "large", "huge"))
    assert (mine.volume, mine.production, mine.strategy) == (0, 2, 3)  # no roles: lowest, middle, highest


def test_a_ladder_without_a_name_has_that_of_its_file(write):
    assert Ladder.load(write(_rung("only"), "shop.toml")).name == "shop"


def test_a_ladder_of_one_rung_is_all_three_roles(write):
    one = Ladder.load(write(_rung("only")))
    assert (one.volume, one.production, one.strategy) == (0, 0, 0)
    choice = decide(Task("x", consequential=True, live=True, attempts=["only"]), None, Policy(), one)
    assert (choice.rung, "exhausted" in choice.codes) == (0, True)


def test_the_environment_names_the_ladder_in_use(write, monkeypatch):
    monkeypatch.setenv("TIERWISE_LADDER", str(write(_rung("only"))))
    assert Ladder.load().names == ("only",)
    assert Ladder.load(TIERS).names == ("haiku", "sonnet", "opus")  # what is given wins


def test_the_default_ladder_is_read_once_and_follows_the_environment(monkeypatch):
    monkeypatch.delenv("TIERWISE_LADDER", raising=False)
    shipped = default_ladder()
    assert default_ladder() is shipped
    monkeypatch.setenv("TIERWISE_LADDER", str(IMAGES))
    assert default_ladder().name == "images"
    monkeypatch.delenv("TIERWISE_LADDER")
    assert default_ladder() is shipped


def test_an_unknown_tier_is_an_error_that_names_the_nearest(ladder):
    assert ladder.index("opus") == 2
    with pytest.raises(InvalidTask, match="Unknown tier 'opuss'; did you mean 'opus'"):
        ladder.index("opuss")


PRICE = "[[rung.price]]\ninput = 1\noutput = 1\n"
WRONG = [
    ("", "has no rung that is switched on; give at least one"),
    (_rung("a", "enabled = false"), "has no rung that is switched on"),
    (_rung("a") + _rung("a"), "Tier 'a' stands on the ladder twice"),
    (
        _rung("a", 'role = "volume"') + _rung("b", 'role = "volume"'),
        "More than one rung has the role 'volume'",
    ),
    (
        f"format = {LADDER_FORMAT + 1}\n" + _rung("a"),
        "has format 2; this tierwise reads up to 1. Upgrade tierwise",
    ),
    ("[[rung]]\n" + PRICE, "Rung 'without a name' in .* lacks 'tier'"),
    (_rung("a").replace("model =", "line ="), "Rung 'a' in .* lacks 'model'"),
    (_rung("a").replace("checked_on = 2026-11-24", ""), "Rung 'a' in .* lacks 'checked_on'"),
    (_rung("a").replace('"test"', '""'), "Rung 'a' in .* lacks 'source'"),
    (_rung("a").split("[[rung.price]]")[0], "Rung 'a' in .* lacks 'price'"),
    (
        _rung("a", "contxt_window_tokens = 5"),
        "unknown fact 'contxt_window_tokens'; did you mean 'context_window",
    ),
    (_rung("a", 'role = "boss"'), "role must be one of volume, production, strategy; got 'boss'"),
    (_rung("a").replace("input = 1", "in = 1"), "A price of rung 'a' in .* lacks 'input'"),
    (_rung("a").replace("input = 1", "input = -1"), "input of rung 'a' in .* must be a number >= 0; got -1"),
    (_rung("a") + "up_to_prompt_tokens = 5", "price steps of rung 'a' in .* the last must have no bound"),
    ("not toml", "own.toml is not a TOML file"),
    # a fact of the wrong type must not wait for the first decision that reads it
    (_rung("a").replace("[[rung]]", "[rung]").replace("[[rung.price]]", "[rung.price]"), r"\[\[rung\]\]"),
    (_rung("a").replace("2026-11-24", '"2026-11-24"'), "checked_on"),
    (_rung("a", 'context_window_tokens = "1M"'), "context_window_tokens"),
    (_rung("a", "max_output_tokens = -1"), "max_output_tokens"),
    (_rung("a", 'accepts = "effort"'), "accepts"),
    (_rung("a", 'enabled = "no"'), "enabled"),
    ("format = '2'\n" + _rung("a"), "format"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_with_a_ladder_is_said(write, text, message):
    with pytest.raises(InvalidLadder, match=message):
        Ladder.load(write(text))


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidLadder, match="own.toml is not a TOML file"):
        Ladder.load(path)


@pytest.mark.parametrize(("name", "why"), [("none.toml", "No such file"), (".", "Is a directory")])
def test_a_file_that_can_not_be_read_is_an_error_that_says_why(tmp_path, name, why):
    path = tmp_path / name
    with pytest.raises(InvalidLadder, match=re.escape(f"Can't read the ladder {path}: {why}")) as caught:
        Ladder.load(path)
    assert caught.value.about == path


def test_switching_on_a_tier_that_is_not_there_is_an_error():
    with pytest.raises(InvalidLadder, match="No rung 'fabel' in .*tiers.toml; did you mean 'fable'"):
        Ladder.load(TIERS, enable=["fabel"])

"""Each row of the decision's table, and every reason code: what produces it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tierwise.classifier.errors import ContradictoryTask
from tierwise.classifier.task import Task
from tierwise.data import IMAGES, TIERS
from tierwise.router import reasons
from tierwise.router._view import view_of
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import Choice, decide

CLAUDE, PICTURES = Ladder.load(TIERS), Ladder.load(IMAGES)
_HAIKU_RUNG = replace(CLAUDE.rungs[0], context_window_tokens=1_000, max_output_tokens=100)
SMALL_HAIKU = Ladder("small", (_HAIKU_RUNG, *CLAUDE.rungs[1:]))

EASY, MIDDLE, HARD = (0.9, 0.08, 0.02), (0.1, 0.8, 0.1), (0.02, 0.08, 0.9)
UNSURE = (0.5, 0.3, 0.2)  # nothing reaches its threshold, and the middle is not the likeliest
FULL = {"context_used": 199_900, "context_window": 200_000, "output_tokens": 500}
BULK = {"items": 21, "verifiable": True}
CACHED = {"session_tier": "opus", "input_tokens": 210_000, "cached_tokens": 209_000}
PRICED = Policy(correction_minutes=6, hourly_rate_usd=80)


class Row(NamedTuple):
    facts: dict[str, Any]
    needed: tuple[float, ...]
    tier: str
    reason: str
    also: tuple[str, ...] = ()


TABLE = {
    "a pin is followed": Row({"pin": "opus"}, EASY, "opus", "pin"),
    "a pin within its bounds": Row(
        {"pin": "sonnet", "floor": "haiku", "ceiling": "opus"}, HARD, "sonnet", "pin"
    ),
    "a pin below a derived floor": Row(
        {"pin": "haiku", "live": True}, HARD, "haiku", "pin", ("pin_below_floor",)
    ),
    "a pin below what failed": Row(
        {"pin": "haiku", "attempts": ("opus",)}, EASY, "haiku", "pin", ("pin_below_floor",)
    ),
    "a pin under a low ceiling": Row(
        {"pin": "haiku", "ceiling": "haiku", "live": True}, EASY, "haiku", "pin", ("pin_below_floor",)
    ),
    "live raises": Row({"live": True}, EASY, "sonnet", "floor:live"),
    "live is silent above": Row({"live": True}, HARD, "opus", "classifier"),
    "live is never batch": Row({"live": True, **BULK}, EASY, "sonnet", "floor:live", ("sync:live",)),
    "consequence raises easy work": Row({"consequential": True}, EASY, "sonnet", "consequential"),
    "consequence raises middling work": Row({"consequential": True}, MIDDLE, "opus", "consequential"),
    "consequence stops at the strategy tier": Row({"consequential": True}, HARD, "opus", "classifier"),
    "an orchestrator": Row({"role": "orchestrator"}, EASY, "opus", "floor:orchestrator"),
    "a reviewer": Row({"role": "reviewer"}, EASY, "sonnet", "floor:reviewer"),
    "a reviewer of hard work": Row({"role": "reviewer"}, HARD, "opus", "classifier"),
    "a worker, easy": Row({"role": "worker"}, EASY, "haiku", "classifier"),
    "a worker, hard": Row({"role": "worker"}, HARD, "opus", "classifier"),
    "haiku failed": Row({"attempts": ("haiku",)}, EASY, "sonnet", "floor:attempts"),
    "the highest that failed counts": Row({"attempts": ("sonnet", "haiku")}, EASY, "opus", "floor:attempts"),
    "all failed": Row({"attempts": ("haiku", "opus")}, HARD, "opus", "exhausted", ("classifier",)),
    "all that may be used failed": Row(
        {"attempts": ("haiku", "sonnet"), "ceiling": "sonnet"},
        EASY,
        "sonnet",
        "exhausted",
        ("floor:attempts",),
    ),
    "a floor": Row({"floor": "sonnet"}, EASY, "sonnet", "floor"),
    "a floor at the lowest rung": Row({"floor": "haiku"}, EASY, "haiku", "classifier"),
    "two floors, the higher decides": Row(
        {"floor": "opus", "live": True}, EASY, "opus", "floor", ("floor:live", "classifier")
    ),
    "a ceiling": Row({"ceiling": "sonnet"}, HARD, "sonnet", "ceiling", ("classifier",)),
    "a ceiling under a derived floor": Row(
        {"ceiling": "haiku", "live": True}, EASY, "haiku", "ceiling", ("floor:live", "ceiling_below_floor")
    ),
    "floor and ceiling meet": Row({"floor": "sonnet", "ceiling": "sonnet"}, HARD, "sonnet", "ceiling"),
    "no bound at all": Row({}, EASY, "haiku", "classifier"),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_each_row_of_the_table(row, beliefs):
    choice = decide(Task("x", **row.facts), beliefs(row.needed), Policy(), CLAUDE)
    assert (CLAUDE.names[choice.rung], choice.codes[0]) == (row.tier, row.reason)
    assert set(row.also) <= set(choice.codes)
    assert len(set(choice.codes)) == len(choice.codes)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"floor": "opus", "ceiling": "sonnet"},
            "floor 'opus' lies above ceiling 'sonnet'; raise the ceiling",
        ),
        ({"pin": "haiku", "floor": "sonnet"}, "pin 'haiku' lies below floor 'sonnet'; a pin must keep"),
        ({"pin": "opus", "ceiling": "sonnet"}, "pin 'opus' lies above ceiling 'sonnet'; a pin must keep"),
    ],
)
def test_bounds_that_exclude_each_other_are_an_error(facts, message, beliefs):
    with pytest.raises(ContradictoryTask, match=message):
        decide(Task("x", **facts), beliefs(EASY), Policy(), CLAUDE)


class Example(NamedTuple):
    """Facts and beliefs that make a code speak; `decides`: it is the first one."""

    facts: dict[str, Any]
    decides: bool = True
    needed: tuple[float, ...] | None = EASY  # None: no model
    policy: Policy = Policy()
    ladder: Ladder = CLAUDE
    more: Mapping[str, Any] = MappingProxyType({})  # further beliefs
    unavailable: bool = False


EXAMPLES: dict[str, Example] = {
    "classifier": Example({}),
    "low_confidence": Example({}, needed=UNSURE),
    "empty": Example({}, needed=UNSURE, more={"guard": "empty"}),
    "too_short": Example({}, needed=UNSURE, more={"guard": "too_short"}),
    "unfamiliar": Example({}, needed=UNSURE, more={"guard": "unfamiliar"}),
    "very_long": Example({}, needed=UNSURE, more={"guard": "very_long"}),
    "model_unavailable": Example({}, needed=None, unavailable=True),
    "middle_rung": Example({}, needed=None, ladder=PICTURES),
    "bulk": Example({"items": 11}, needed=None, ladder=PICTURES),
    "expected_cost": Example({}, policy=PRICED),
    "check_and_escalate": Example({"verifiable": True}, decides=False),
    "deterministic": Example({"deterministic": True}),
    "pin": Example({"pin": "haiku"}),
    "pin_below_floor": Example({"pin": "haiku", "live": True}, decides=False),
    "consequential": Example({"consequential": True}),
    "cached_prefix": Example(CACHED),
    "floor": Example({"floor": "opus"}),
    "floor:live": Example({"live": True}),
    "floor:orchestrator": Example({"role": "orchestrator"}),
    "floor:reviewer": Example({"role": "reviewer"}),
    "floor:attempts": Example({"attempts": ["haiku"]}),
    "exhausted": Example({"attempts": ["opus"]}),
    "ceiling": Example({"ceiling": "haiku"}, needed=HARD),
    "ceiling_below_floor": Example({"ceiling": "haiku", "live": True}, decides=False),
    "limit:context_window": Example({"input_tokens": 1_001}, ladder=SMALL_HAIKU),
    "limit:max_output": Example({"output_tokens": 101}, ladder=SMALL_HAIKU),
    "fresh_window": Example(FULL),
    "session_full": Example(FULL, decides=False, needed=UNSURE),
    "no_tier_suffices": Example({}, needed=HARD, more={"pass_": (0.1, 0.3, 0.59)}),
    "history": Example({}, decides=False, more={"history": True}),
    "many_items": Example({"items": 11}, needed=(0.65, 0.3, 0.05), policy=Policy(lambda_down=0.8)),
    "batch": Example(BULK, decides=False),
    "sync:time_sensitive": Example({**BULK, "time_sensitive": True}, decides=False),
    "sync:live": Example({**BULK, "live": True}, decides=False),
    "sync:not_a_format_task": Example(BULK, decides=False, needed=HARD),
    "sync:not_verifiable": Example({"items": 21}, decides=False),
    "sync:no_batch_price": Example({**BULK, "pin": "fast"}, decides=False, needed=None, ladder=PICTURES),
}


# what a Router draws by chance after the decision: test_router_chance.py
DRAWN = {reasons.PROBE, reasons.CANARY}


def _choice(example: Example, beliefs) -> Choice:
    down = example.policy.lambda_down
    believed = None if example.needed is None else beliefs(example.needed, **example.more)
    if believed is not None and down is not None:
        believed = believed._replace(lambda_down=down)
    return decide(
        Task("x", **example.facts), believed, example.policy, example.ladder, unavailable=example.unavailable
    )


@pytest.mark.parametrize("code", sorted(set(reasons.MEANING) - DRAWN))
def test_every_reason_code_is_produced(code, beliefs):
    """A code without an example here fails: add one that produces it."""
    assert code in EXAMPLES, f"nothing shows how {code!r} comes about"
    codes = _choice(EXAMPLES[code], beliefs).codes
    assert code in codes
    assert (codes[0] == code) == EXAMPLES[code].decides


def test_the_examples_are_of_codes_that_exist():
    assert set(EXAMPLES) == set(reasons.MEANING) - DRAWN


def test_every_code_in_the_module_has_a_meaning():
    constants = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(reasons.MEANING)
    assert set(reasons.MEANING) >= reasons.FALLBACKS | reasons.WARNINGS


@pytest.mark.parametrize("code", sorted(set(reasons.MEANING) - DRAWN))
def test_only_the_answers_to_not_sure_are_fallbacks(code, beliefs):
    choice = _choice(EXAMPLES[code], beliefs)
    assert choice.fallback == (choice.codes[0] in reasons.FALLBACKS)
    assert not choice.fallback or choice.rung == EXAMPLES[code].ladder.production


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("?!", "empty"),
        ("hi", "too_short"),
        ("Zxq vbnm wkjh qwpz plok mnbx", "unfamiliar"),
        ("Write a summary of this text. " * 5_000, "very_long"),
    ],
)
def test_texts_that_the_model_has_no_opinion_on_go_to_the_production_tier(text, guard, champion, ladder):
    believed = view_of(champion, ladder, Policy()).beliefs(champion.posterior(Task(text)))
    choice = decide(Task(text), believed, Policy(), ladder)
    assert (ladder.names[choice.rung], choice.codes, choice.fallback) == ("sonnet", (guard,), True)


@pytest.mark.parametrize(
    ("facts", "tier"),
    [({"floor": "opus"}, "opus"), ({"ceiling": "haiku"}, "haiku"), ({"consequential": True}, "opus")],
)
def test_a_bound_that_moves_a_fallback_ends_it(facts, tier, beliefs):
    choice = decide(Task("x", **facts), beliefs(UNSURE), Policy(), CLAUDE)
    assert (CLAUDE.names[choice.rung], choice.fallback) == (tier, False)
    assert "low_confidence" in choice.codes


def test_a_deterministic_step_needs_no_tier_at_all(beliefs):
    facts = {"floor": "opus", "ceiling": "haiku"}  # not even sensible bounds
    choice = decide(Task("x", deterministic=True, **facts), beliefs(EASY), Policy(), CLAUDE)
    assert (choice.mode, choice.plan, choice.codes) == ("none", (), ("deterministic",))


@pytest.mark.parametrize(
    ("facts", "tier", "code", "return_to"),
    [
        ({"session_tier": "opus"}, "haiku", "fresh_window", "opus"),
        ({"session_tier": "opus", "consequential": True}, "sonnet", "fresh_window", "opus"),
        ({"session_tier": "opus", "live": True}, "sonnet", "fresh_window", "opus"),
        ({"live": True}, "sonnet", "session_full", None),
        ({"consequential": True}, "sonnet", "session_full", None),
        ({"floor": "opus"}, "opus", "session_full", None),
    ],
)
def test_a_raised_step_of_a_full_session_says_whether_a_smaller_tier_takes_it(
    beliefs, facts, tier, code, return_to
):
    choice = decide(Task("x", **FULL, **facts), beliefs(EASY), Policy(), CLAUDE)
    found = None if choice.return_to is None else CLAUDE.names[choice.return_to]
    assert (CLAUDE.names[choice.rung], found) == (tier, return_to)
    assert [each for each in choice.codes if each in ("fresh_window", "session_full")] == [code]


def test_what_raised_a_step_of_a_full_session_is_said_first(beliefs):
    choice = decide(Task("x", **FULL, consequential=True), beliefs(UNSURE), Policy(), CLAUDE)
    assert choice.codes == ("consequential", "low_confidence", "session_full")


@pytest.mark.parametrize(
    ("pin", "attempts", "said"), [("sonnet", ("opus",), False), ("haiku", ("haiku",), True)]
)
def test_a_pin_is_exhausted_only_where_it_failed(beliefs, pin, attempts, said):
    choice = decide(Task("x", pin=pin, attempts=attempts), beliefs(EASY), Policy(), CLAUDE)
    assert ("exhausted" in choice.codes) is said

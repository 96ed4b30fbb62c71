"""What holds for every task, every belief and every policy."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tierwise.classifier.errors import InvalidTask
from tierwise.classifier.task import FACTS, Task
from tierwise.data import IMAGES, TIERS
from tierwise.router import reasons
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules import _decide
from tierwise.router.rules._beliefs import Beliefs
from tierwise.router.rules._decide import Choice, decide
from tierwise.router.rules._request_cost import rung_cost_usd

CLAUDE, FABLE = Ladder.load(TIERS), Ladder.load(TIERS, enable=["fable"])
PICTURES = Ladder.load(IMAGES)
_limits = [(2_000, 200), (50_000, 4_000), (None, None)]
TIGHT = Ladder(
    "tight",
    tuple(
        replace(rung, context_window_tokens=window, max_output_tokens=cap)
        for rung, (window, cap) in zip(CLAUDE.rungs, _limits, strict=True)
    ),
)
LADDERS = [CLAUDE, FABLE, TIGHT, PICTURES]
PROPERTY = settings(max_examples=100, database=None)

probability = st.floats(0, 1)
flag = st.sampled_from([None, False, True])
count = st.none() | st.integers(0, 40) | st.integers(0, 3_000_000)


@st.composite
def believed(draw, n_rungs: int) -> Beliefs:
    weights = [draw(st.floats(0.001, 1)) for _ in range(n_rungs)]
    passes = sorted(draw(probability) for _ in range(n_rungs))
    return Beliefs(
        tuple(weight / sum(weights) for weight in weights),
        tuple(passes),
        draw(st.sampled_from([None, None, None, "empty", "unfamiliar"])),
        draw(st.booleans()),
        draw(st.floats(0.6, 1)),
        draw(probability),
        0.6,
        lambda rungs: float(np.prod([1 - passes[rung] for rung in rungs])),
    )


@st.composite
def facts(draw, names: tuple[str, ...], *, bounds: bool = True) -> dict[str, object]:
    tier = st.none() | st.sampled_from(names)
    window = draw(count)
    found = {
        name: draw(flag)
        for name in ("time_sensitive", "verifiable", "reviewed", "live", "consequential", "deterministic")
    }
    found |= {
        "items": draw(count),
        "input_tokens": draw(count),
        "output_tokens": draw(count),
        "context_used": draw(count),
        "context_window": window,
        "role": draw(st.sampled_from([None, "orchestrator", "worker", "reviewer"])),
        "session_tier": draw(tier),
        "attempts": tuple(draw(st.lists(st.sampled_from(names), max_size=3))),
    }
    if bounds:
        found |= {"floor": draw(tier), "ceiling": draw(tier), "pin": draw(tier)}
    return found


@st.composite
def policies(draw) -> Policy:
    minutes = draw(st.none() | st.floats(0, 600))
    return Policy(
        correction_minutes=minutes,
        hourly_rate_usd=None if minutes is None else draw(st.floats(0, 500)),
        check_false_pass=draw(probability),
        check_false_fail=draw(probability),
    )


@st.composite
def situations(
    draw, *, bounds: bool = True
) -> tuple[dict[str, object], Beliefs | None, Policy, Ladder, bool]:
    """Facts, beliefs, policy, ladder, and whether the model could not be loaded."""
    ladder = draw(st.sampled_from(LADDERS))
    beliefs = draw(st.none() | believed(len(ladder.names)))
    unavailable = beliefs is None and draw(st.booleans())
    return draw(facts(ladder.names, bounds=bounds)), beliefs, draw(policies()), ladder, unavailable


def _decided(found, beliefs, policy, ladder, unavailable) -> Choice | None:
    """The choice; None where the facts can't be routed, which is said by an InvalidTask and nothing else."""
    try:
        return decide(Task("Tag these", **found), beliefs, policy, ladder, unavailable=unavailable)
    except InvalidTask:
        return None


@PROPERTY
@given(situations())
def test_every_task_has_an_answer_or_an_invalid_task(situation):
    choice = _decided(*situation)
    if choice is None:
        return
    ladder = situation[3]
    assert 0 <= choice.rung < len(ladder.rungs)
    assert choice.codes
    assert set(choice.codes) <= set(reasons.MEANING)
    assert len(set(choice.codes)) == len(choice.codes)
    assert choice.mode in ("sync", "batch", "none")


@PROPERTY
@given(situations())
def test_the_same_question_has_the_same_answer(situation):
    assert _decided(*situation) == _decided(*situation)


@PROPERTY
@given(situations(bounds=False))
def test_a_higher_floor_never_lowers_the_tier(situation):
    found, *rest = situation
    names = rest[2].names
    choices = [_decided({**found, "floor": floor}, *rest) for floor in (None, *names)]
    rungs = [choice.rung for choice in choices if choice is not None]
    assert rungs == sorted(rungs)


@PROPERTY
@given(situations(bounds=False))
def test_no_plan_rises_above_a_ceiling(situation):
    found, *rest = situation
    names = rest[2].names
    for index, ceiling in enumerate(names):
        choice = _decided({**found, "ceiling": ceiling}, *rest)
        assert choice is None or max(choice.rung, *choice.plan, 0) <= index


@PROPERTY
@given(situations(bounds=False), st.data())
def test_a_pin_always_wins(situation, data):
    found, *rest = situation
    pin = data.draw(st.sampled_from(rest[2].names))
    choice = _decided({**found, "pin": pin, "deterministic": False}, *rest)
    assume(choice is not None)  # the pinned tier holds the task
    assert rest[2].names[choice.rung] == pin
    assert choice.codes[0] == "pin"
    assert choice.plan == (choice.rung,)


@PROPERTY
@given(situations())
def test_no_decision_is_below_a_floor(situation):
    found, _, _, ladder, _ = situation
    choice = _decided(*situation)
    if choice is None or choice.mode == "none" or found["pin"] is not None:
        return
    floors = [
        ladder.production if found["live"] else 0,
        ladder.strategy if found["role"] == "orchestrator" else 0,
        ladder.production if found["role"] == "reviewer" else 0,
        max([min(ladder.index(tier) + 1, len(ladder.names) - 1) for tier in found["attempts"]], default=0),
        0 if found["floor"] is None else ladder.index(found["floor"]),
    ]
    ceiling = len(ladder.names) - 1 if found["ceiling"] is None else ladder.index(found["ceiling"])
    assert choice.rung >= min(max(floors), ceiling)


@PROPERTY
@given(situations())
def test_a_plan_rises_from_the_chosen_tier(situation):
    choice = _decided(*situation)
    if choice is None or choice.mode == "none":
        return
    assert choice.plan[0] == choice.rung
    assert list(choice.plan) == sorted(set(choice.plan))
    assert len(choice.plan) == 1 or situation[0]["verifiable"]


@PROPERTY
@given(situations())
def test_nobody_who_waits_waits_for_a_batch(situation):
    choice, found = _decided(*situation), situation[0]
    if choice is not None and choice.mode == "batch":
        assert not found["live"]
        assert not found["time_sensitive"]
        assert (found["items"] or 0) > 20


@PROPERTY
@given(situations())
def test_no_cost_is_negative_and_a_batch_is_never_dearer(situation):
    choice = _decided(*situation)
    if choice is None:
        return
    task = Task("Tag these", **situation[0])
    for rung in situation[3].rungs:
        sync, batch = (rung_cost_usd(rung, choice.tokens, task, batch=batch) for batch in (False, True))
        assert 0 <= batch <= sync


@PROPERTY
@given(situations())
def test_the_short_way_of_a_task_without_facts_comes_to_what_all_the_rules_come_to(situation):
    found, beliefs, _, ladder, unavailable = situation
    unread = {name: found[name] for name in ("time_sensitive", "reviewed", "context_window", "session_tier")}
    task = Task("Tag these", deterministic=False, **unread)
    with mock.patch.object(_decide, "_NONE_GIVEN", ()):
        long_way = decide(task, beliefs, Policy(), ladder, unavailable=unavailable)
    assert decide(task, beliefs, Policy(), ladder, unavailable=unavailable) == long_way


@PROPERTY
@given(situations(), st.text("abc \n", max_size=30))
def test_no_fact_that_a_rule_reads_is_overlooked(situation, text):
    """With every fact there is, the answer is the same whether or not the short way is open."""
    found, beliefs, policy, ladder, unavailable = situation
    try:
        short = decide(Task(text, **found), beliefs, policy, ladder, unavailable=unavailable)
    except InvalidTask:
        return
    with mock.patch.object(_decide, "_NONE_GIVEN", ()):
        assert decide(Task(text, **found), beliefs, policy, ladder, unavailable=unavailable) == short


@pytest.mark.parametrize("name", FACTS)
def test_each_fact_alone_is_decided_as_all_the_rules_decide_it(name, beliefs, ladder):
    values = dict.fromkeys(("floor", "ceiling", "pin", "session_tier"), "opus")
    values |= {"items": 40, "input_tokens": 2_000, "output_tokens": 40, "cached_tokens": 5}
    values |= {"context_used": 10**7, "context_window": 10**6, "task_type": "tags"}
    values |= {"role": "orchestrator", "attempts": ("sonnet",)}
    for needed in ((0.9, 0.05, 0.05), (0.3, 0.5, 0.2), (0.05, 0.05, 0.9)):
        task = Task("Tag these", **{name: values.get(name, True)})
        short = decide(task, beliefs(needed), Policy(), ladder)
        with mock.patch.object(_decide, "_NONE_GIVEN", ()):
            assert decide(task, beliefs(needed), Policy(), ladder) == short

"""A swap of tier never breaks a call: each request, reshaped, is taken by a server that refuses what the API does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.router.ladder import Ladder
from tierwise.router.wire import reshaped
from tierwise.testing._validate import refusal

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
ASKING = {"model": "auto", "max_tokens": 4_000, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def rungs():
    """Of the ladder that ships, an old one, one that thinks by budget, one that samples."""
    newest = Ladder.load().rungs[1]
    return {
        "new": newest,
        "old": replace(newest, model="old", accepts=(), max_output_tokens=4_096),
        "budget": replace(newest, model="budget", accepts=("thinking_budget",), max_output_tokens=64_000),
        "sampling": replace(newest, model="sampling", accepts=("sampling", "thinking")),
    }


@pytest.mark.parametrize(
    ("rung", "given", "sent", "left_out"),
    [
        ("new", {"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}, ()),
        ("old", {"thinking": {"type": "adaptive"}}, {"thinking": None}, ("thinking",)),
        (
            "new",
            {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
            {"thinking": {"type": "adaptive"}},
            ("thinking.budget_tokens",),
        ),
        (
            "budget",
            {"thinking": {"type": "enabled", "budget_tokens": 9_000}},
            {"thinking": {"type": "enabled", "budget_tokens": 3_999}},
            (),
        ),
        ("old", {"output_config": {"effort": "low"}}, {"output_config": None}, ("effort",)),
        ("new", {"output_config": {"effort": "low"}}, {"output_config": {"effort": "low"}}, ()),
        ("old", {"max_tokens": 50_000}, {"max_tokens": 4_096}, ()),
        (
            "new",
            {"temperature": 0.5, "top_p": 1},
            {"temperature": None, "top_p": None},
            ("temperature", "top_p"),
        ),
        ("sampling", {"temperature": 0.5}, {"temperature": 0.5}, ()),
    ],
)
def test_what_the_model_does_not_accept_is_translated_or_left_out(rungs, rung, given, sent, left_out):
    shaped = reshaped({**ASKING, **given}, rungs[rung])
    assert {name: shaped.request.get(name) for name in sent} == sent
    assert shaped.left_out == left_out


@pytest.mark.parametrize("system", [None, "Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_schema_is_asked_for_in_words_where_it_cannot_bind(rungs, system):
    form = {"type": "json_schema", "schema": SCHEMA}
    request = {**ASKING, "output_config": {"effort": "low", "format": form}}
    if system is not None:
        request["system"] = system
    shaped = reshaped(request, rungs["old"])
    assert "output_config" not in shaped.request
    assert "It must fit this JSON schema" in str(shaped.request["system"])
    assert isinstance(shaped.request["system"], list if isinstance(system, list) else str)
    assert reshaped(request, rungs["new"]).request == {**request, "model": rungs["new"].model}


@pytest.mark.parametrize(
    "given",
    [
        {"output_config": {"effort": "ultra", "task_budget": 5}},
        {"output_config": {"format": {"type": "grammar", "grammar": "a"}}},
        {"output_config": "low"},
        {"thinking": {"type": "musing"}},
        {"thinking": {"type": "enabled"}},
        {"thinking": None},
        {"max_tokens": 0},
        {"max_tokens": "many"},
        {"context_management": {"edits": []}, "mcp_servers": [], "speed": "fast"},
    ],
)
def test_what_we_do_not_know_is_for_the_service_to_judge(rungs, given):
    request = {**ASKING, **given}
    for rung in (rungs["new"], rungs["old"]):
        assert reshaped(request, rung).request == {**request, "model": rung.model}


def test_new_settings_beside_effort_stay(rungs):
    config = {"effort": "low", "task_budget": 5}
    assert reshaped({**ASKING, "output_config": config}, rungs["new"]).request["output_config"] == config
    assert reshaped({**ASKING, "output_config": config}, rungs["old"]).request["output_config"] == {
        "task_budget": 5
    }


@pytest.mark.parametrize(("max_tokens", "needed"), [(21_333, False), (21_334, True), (None, False)])
def test_long_answers_need_a_stream(rungs, max_tokens, needed):
    request = {name: each for name, each in {**ASKING, "max_tokens": max_tokens}.items() if each is not None}
    shaped = reshaped(request, rungs["new"])
    assert shaped.needs_stream is needed
    assert ("max_tokens" in shaped.request) is (max_tokens is not None)


def test_the_callers_request_is_not_changed(rungs):
    request = {**ASKING, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    before = repr(request)
    reshaped(request, rungs["old"])
    assert repr(request) == before


@settings(max_examples=300)
@given(
    accepts=st.sets(
        st.sampled_from(["effort", "thinking", "thinking_budget", "structured_outputs", "sampling"])
    ),
    cap=st.sampled_from([1, 1_024, 1_025, 8_000, None]),
    max_tokens=st.integers(1, 200_000),
    thinking=st.sampled_from([None, "adaptive", "disabled", "between_tools", 1_024, 50_000]),
    effort=st.sampled_from([None, "low", "max"]),
    schema=st.booleans(),
    temperature=st.booleans(),
)
def test_whatever_is_asked_any_model_takes_it(
    accepts, cap, max_tokens, thinking, effort, schema, temperature
):
    rung = replace(Ladder.load().rungs[0], accepts=tuple(accepts), max_output_tokens=cap)
    request = {**ASKING, "max_tokens": max_tokens}
    if thinking is not None:
        fixed = {"type": "enabled", "budget_tokens": thinking}
        request["thinking"] = fixed if isinstance(thinking, int) else {"type": thinking}
    output = {"effort": effort} if effort else {}
    if schema:
        output["format"] = {"type": "json_schema", "schema": SCHEMA}
    if output:
        request["output_config"] = output
    if temperature:
        request["temperature"] = 0.5
    assert refusal(reshaped(request, rung).request, {rung.model: rung}) is None

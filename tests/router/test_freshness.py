"""Are the ladder's facts still true: age, retirement, deprecation, prices."""

from __future__ import annotations

import datetime
import sys
import types
from dataclasses import replace

import pytest
from genai_prices.data import providers

from tierwise.classifier.errors import MissingExtra
from tierwise.data import IMAGES, TIERS
from tierwise.router.ladder import Ladder
from tierwise.router.ladder._freshness import (
    RETIRES_SOON_DAYS,
    STALE_AFTER_DAYS,
    age_findings,
    price_findings,
)

CHECKED = datetime.date(2026, 11, 24)


@pytest.fixture(autouse=True)
def deprecated(monkeypatch):
    """What the Anthropic SDK calls deprecated: nothing, unless a test says so."""
    found: dict[str, str] = {}
    module = types.ModuleType("anthropic._data.deprecated_models")
    module.DEPRECATED_MODELS = found
    for name in ("anthropic", "anthropic._data"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "anthropic._data.deprecated_models", module)
    return found


def _with(ladder: Ladder, tier: str, **facts) -> Ladder:
    rungs = [replace(rung, **facts) if rung.tier == tier else rung for rung in ladder.rungs]
    return replace(ladder, rungs=tuple(rungs))


def _after(days: int) -> datetime.date:
    return CHECKED + datetime.timedelta(days=days)


def _age(ladder: Ladder, today: datetime.date) -> list[tuple[str, str]]:
    return [(finding.tier, finding.kind) for finding in age_findings(ladder, today)]


@pytest.mark.parametrize("days", [-1, 0, STALE_AFTER_DAYS])
def test_facts_checked_lately_are_fresh(ladder, days):
    assert _age(ladder, _after(days)) == []


def test_facts_not_checked_for_long_are_stale(ladder):
    findings = list(age_findings(ladder, _after(STALE_AFTER_DAYS + 1)))
    assert [(f.tier, f.kind) for f in findings] == [
        ("haiku", "stale"),
        ("sonnet", "stale"),
        ("opus", "stale"),
    ]
    assert findings[0].message == "facts of claude-haiku-5-5 were last checked 91 days ago"


@pytest.mark.parametrize(
    ("left", "kind"),
    [(RETIRES_SOON_DAYS + 1, None), (RETIRES_SOON_DAYS, "retiring"), (0, "retiring"), (-1, "retired")],
)
def test_a_model_that_retires_is_found_in_time(ladder, left, kind):
    old = _with(ladder, "sonnet", retires_on=_after(left))
    assert _age(old, CHECKED) == ([] if kind is None else [("sonnet", kind)])


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (-1, "claude-sonnet-5-5 was retired on 2026-11-23; replace it with claude-sonnet-6"),
        (1, "claude-sonnet-5-5 retires on 2026-11-25; replace it with claude-sonnet-6"),
    ],
)
def test_what_replaces_a_model_is_said_where_it_is_known(ladder, left, message):
    known = _with(ladder, "sonnet", retires_on=_after(left), replaced_by="claude-sonnet-6")
    unknown = _with(ladder, "sonnet", retires_on=_after(left))
    assert [f.message for f in age_findings(known, CHECKED)] == [message]
    assert [f.message for f in age_findings(unknown, CHECKED)] == [message.split(";")[0]]


def test_a_model_that_the_sdk_calls_deprecated_is_found(ladder, deprecated):
    deprecated["claude-opus-5-5"] = "January 5, 2028"
    (finding,) = age_findings(ladder, CHECKED)
    assert finding[:2] == ("opus", "deprecated")
    assert finding.message == "the SDK calls claude-opus-5-5 deprecated, end of life January 5, 2028"


def test_without_the_sdk_nothing_is_said_of_deprecation(ladder, monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic._data.deprecated_models", None)
    assert _age(ladder, CHECKED) == []


def _anthropic(model: str):
    (provider,) = [provider for provider in providers if provider.id == "anthropic"]
    (found,) = [each for each in provider.models if each.id == model]
    return found.prices


def _rates(price) -> list[float]:
    return (
        [float(price.base), *(float(t.price) for t in price.tiers)]
        if hasattr(price, "tiers")
        else [float(price)]
    )


@pytest.mark.parametrize("tier", ["haiku", "sonnet", "opus", "fable"])
def test_the_shipped_rates_are_those_of_the_provider_itself(tier):
    ladder = Ladder.load(TIERS, enable=["fable"])
    rung = ladder.rungs[ladder.index(tier)]
    theirs = _anthropic(rung.model)
    assert [step.input for step in rung.prices] == _rates(theirs.input_mtok)
    assert [step.output for step in rung.prices] == _rates(theirs.output_mtok)
    assert [step.cache_read for step in rung.prices] == _rates(theirs.cache_read_mtok)
    assert [step.cache_write_5m for step in rung.prices] == _rates(theirs.cache_write_mtok)
    bounds = [t.start for t in getattr(theirs.input_mtok, "tiers", [])]
    assert [step.up_to_prompt_tokens for step in rung.prices[:-1]] == bounds


@pytest.mark.parametrize("enable", [[], ["fable"]])
def test_the_shipped_ladder_has_no_price_finding(enable):
    """Resellers list the same model ids at their own rates; they must not be taken for the provider."""
    assert list(price_findings(Ladder.load(TIERS, enable=enable))) == []


@pytest.mark.parametrize("rate", ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"])
def test_each_rate_that_differs_is_found(ladder, rate):
    (step,) = ladder.rungs[1].prices
    wrong = _with(ladder, "sonnet", prices=(replace(step, **{rate: 77.0}),))
    (finding,) = price_findings(wrong)
    assert finding[:2] == ("sonnet", "price")
    assert finding.message.startswith(f"{rate} of claude-sonnet-5-5 is [77.0]; genai-prices has [")


def test_a_step_that_ends_elsewhere_is_found(ladder):
    """It reprices whole requests, though each rate holds."""
    first, last = ladder.rungs[0].prices
    moved = replace(first, up_to_prompt_tokens=200_000)
    (finding,) = price_findings(_with(ladder, "haiku", prices=(moved, last)))
    assert (finding.tier, finding.kind) == ("haiku", "price")
    assert "end at [200000]; genai-prices has [100000]" in finding.message


def test_a_step_too_few_is_found(ladder):
    first = replace(ladder.rungs[0].prices[0], up_to_prompt_tokens=None)
    found = {(f.tier, f.kind) for f in price_findings(_with(ladder, "haiku", prices=(first,)))}
    assert found == {("haiku", "price")}


def test_one_price_that_holds_for_all_steps_is_no_difference(ladder):
    """Sonnet has one rate there; two steps at that same rate say the same."""
    (step,) = ladder.rungs[1].prices
    steps = (replace(step, up_to_prompt_tokens=200_000), step)
    assert list(price_findings(_with(ladder, "sonnet", prices=steps))) == []


def test_a_rate_that_the_ladder_does_not_have_is_not_compared(ladder):
    (step,) = ladder.rungs[1].prices
    without = _with(ladder, "sonnet", prices=(replace(step, cache_read=None, cache_write_1h=None),))
    assert list(price_findings(without)) == []


def test_a_rate_that_genai_prices_does_not_have_is_not_compared(ladder):
    """GPT-4 has no cache there: $30 in and $60 out per million tokens, and nothing else."""
    (step,) = ladder.rungs[1].prices
    gpt = _with(ladder, "sonnet", model="gpt-4", prices=(replace(step, input=30.0, output=60.0),))
    assert list(price_findings(gpt)) == []


def test_a_model_that_genai_prices_does_not_know_is_said():
    own = _with(Ladder.load(TIERS), "opus", model="claude-opus-99")
    (finding,) = price_findings(own)
    assert finding == ("opus", "unknown", "genai-prices does not know claude-opus-99")
    kinds = {finding.kind for finding in price_findings(Ladder.load(IMAGES))}
    assert kinds == {"unknown"}


def test_without_genai_prices_the_line_that_installs_it_is_named(ladder, monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    with pytest.raises(MissingExtra, match="pip install genai-prices"):
        list(price_findings(ladder))

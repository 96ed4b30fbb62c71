"""Pipelines of which steps fail, budgets that end, and what can't be run."""

from __future__ import annotations

import json
import sys

import pytest
from pipeline_runs import ARTICLES, BRIEF, OWN, QUICK, TAGS, answer, prompt_of, run

from tierwise import Pipeline, Router, Step
from tierwise.classifier.errors import (
    InvalidPipeline,
    InvalidRequest,
    JournalError,
    MissingExtra,
    TierwiseError,
)
from tierwise.testing import Answer, Fault, MessagesServer


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failed_step_holds_its_article_only_and_is_tried_again(tmp_path, is_async):
    journal = tmp_path / "j.jsonl"

    def broken(request):
        text = prompt_of(request)
        return "no JSON" if text.startswith("Assign") and "tea 1" in text else answer(request)

    pipeline = Pipeline("own", [BRIEF, TAGS, Step("meta", "Describe:\n{steps.tags}", task_type="seo-meta")])
    with MessagesServer(broken) as server:
        done = run(server, pipeline=pipeline, journal=journal, is_async=is_async)
        first, second, third = done.articles
        assert [article.status for article in done.articles] == ["done", "failed", "done"]
        assert (second.failed_step, sorted(second.outputs)) == ("tags", ["brief"])
        assert [each["tier"] for each in second.steps["tags"].attempts] == ["haiku", "sonnet", "opus"]
        assert done.to_dict()["failed"] == {second.key: "tags"}
        n_calls = len(server.calls)
    with MessagesServer(answer) as server:
        again = run(server, pipeline=pipeline, journal=journal, is_async=is_async)
        assert again.is_done
        assert server.calls[0].model == "claude-opus-5-5"  # lower tiers failed at it before
        assert len(server.calls) == 2  # the step that failed, and the one that needs it
        assert again.cost_usd == pytest.approx(done.cost_usd + server.cost_usd)
    assert n_calls == 3 + 2 + 3 + 2
    assert (first.cost_usd, third.cost_usd) == (again.articles[0].cost_usd, again.articles[2].cost_usd)


def test_a_step_without_an_answer_is_an_error_and_is_tried_again(tmp_path):
    journal = tmp_path / "j.jsonl"

    def broken(request):
        return Fault.error(400) if "tea 2" in prompt_of(request) else answer(request)

    with MessagesServer(broken) as server:
        done = run(server, journal=journal)
    assert [article.status for article in done.articles] == ["done", "done", "failed"]
    assert (done.articles[2].failed_step, done.articles[2].steps["brief"].error) == (
        "brief",
        "RequestRefused",
    )
    with MessagesServer(answer) as server:
        assert run(server, journal=journal).is_done
        assert len(server.calls) == 3


@pytest.mark.parametrize("is_async", [False, True])
def test_a_budget_ends_the_run_and_a_larger_one_goes_on(tmp_path, is_async):
    journal = tmp_path / "j.jsonl"
    with MessagesServer(
        lambda request: Answer(answer(request), input_tokens=100, output_tokens=400)
    ) as server:
        done = run(server, journal=journal, max_usd=0.02, concurrency=1, is_async=is_async)
        assert done.summary.stopped == "budget"
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert 0 < server.cost_usd <= 0.02
        assert done.articles[0].is_done  # an article under way goes before one that has not begun
        assert done.articles[2].status == "left"
        again = run(server, journal=journal, max_usd=1.0, is_async=is_async)
        assert again.is_done
        assert again.cost_usd == pytest.approx(server.cost_usd)
        assert len(server.calls) == 9  # nothing twice


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_raises_fails_its_step_and_is_called_again(tmp_path, is_async):
    calls = []

    def once(fields, outputs):
        calls.append(fields["topic"])
        if len(calls) == 1:
            raise ValueError("offline")
        return fields["topic"].upper()

    async def later(fields, outputs):
        return once(fields, outputs)

    pipeline = Pipeline("own", [Step("look", function=later if is_async else once), BRIEF])
    with MessagesServer(answer) as server:
        done = run(server, ARTICLES[:1], pipeline=pipeline, journal=tmp_path / "j", is_async=is_async)
        assert (done.articles[0].status, done.articles[0].failed_step) == ("failed", "look")
        assert done.articles[0].steps["look"].error == "StepFailed"
        assert done.articles[0].steps["look"].detail == (
            "Step 'look' of article 1: its function raised ValueError: offline."
        )
        assert len(server.calls) == 0
        again = run(server, ARTICLES[:1], pipeline=pipeline, journal=tmp_path / "j", is_async=is_async)
    assert again.is_done
    assert again.articles[0].outputs["look"] == "TEA 0"


@pytest.mark.parametrize(
    ("articles", "options", "error", "said"),
    [
        (
            [{"topic": "a", "id": 1}, {"topic": "b", "id": "1"}],
            {},
            InvalidPipeline,
            "Articles 1 and 2 have the same id",
        ),
        ([{"topic": "a", "id": True}], {}, InvalidPipeline, "id must be a text or a whole number; got True"),
        ([{}], {}, InvalidPipeline, "Article 1 lacks the field 'topic'"),
        ([{"topic": None}], {}, InvalidPipeline, "Article 1: the field 'topic', .* is null"),
        (
            [{"topic": "\ud800"}],
            {},
            InvalidPipeline,
            "Article 1: the field 'topic' has a lone surrogate at position 0",
        ),
        (ARTICLES, {"concurrency": 0}, InvalidRequest, "concurrency must be a whole number >= 1; got 0"),
        (ARTICLES, {"max_usd": -1}, InvalidRequest, "max_usd must be a number >= 0; got -1"),
        (ARTICLES, {"journal": "/"}, JournalError, "is no file; give the path of one"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(articles, options, error, said):
    with MessagesServer(answer) as server:
        with pytest.raises(error, match=said):
            run(server, articles, **options)
        assert server.calls == ()


def test_a_step_that_nobody_does_can_be_last_but_not_be_used():
    online = Step("online", deterministic=True)
    with MessagesServer(answer) as server:
        done = run(server, ARTICLES[:1], pipeline=Pipeline("own", [BRIEF, online]))
        assert done.articles[0].steps["online"].status == "no_model"
        uses = Pipeline("own", [BRIEF, online, Step("meta", "Describe {steps.online}")])
        with pytest.raises(InvalidPipeline, match="Step 'meta' uses what 'online' writes"):
            run(server, ARTICLES[:1], pipeline=uses)


def test_an_async_function_needs_asyncio():
    async def look(fields, outputs):
        return ""

    with (
        MessagesServer(answer) as server,
        pytest.raises(InvalidRequest, match="its function is async; use arun"),
    ):
        run(server, pipeline=Pipeline("own", [Step("look", function=look), BRIEF]))


def test_a_wrong_key_ends_the_run_at_once(tmp_path):
    with MessagesServer(answer) as server, server.client(api_key="sk-ant-wrong") as client:
        with (
            Router(client=client) as router,
            pytest.raises(TierwiseError, match="authentication|key") as caught,
        ):
            router.run_pipeline(OWN, ARTICLES, journal=tmp_path / "j", limits=QUICK, concurrency=1)
        assert "sk-ant-wrong" not in str(caught.value)
        assert len(server.calls) == 1


def test_without_jsonschema_a_pipeline_is_planned_but_not_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    tags = Step("tags", TAGS.specification, check={"json_schema": {"type": "array"}})
    pipeline = Pipeline("own", [BRIEF, tags])
    assert Router().plan(pipeline)["tags"].tier == "haiku"
    with MessagesServer(answer) as server:
        with pytest.raises(MissingExtra, match=r"pip install 'tierwise\[checks\]'"):
            run(server, pipeline=pipeline)
        assert server.calls == ()


def test_keys_and_articles_are_in_no_error(tmp_path):
    """An outage: every detail that a result carries is free of what was sent."""
    secret = [{"topic": "tea of the Smiths"}]
    for fault in (Fault.error(400), Fault.error(529), Fault.reset(), Fault.cut()):
        with MessagesServer(fault) as server:
            done = run(server, secret)
        brief = done.articles[0].steps["brief"]
        assert done.articles[0].status == "failed"
        assert brief.detail
        assert "Smiths" not in json.dumps(done.articles[0].to_dict()) + brief.detail
        assert server.api_key not in brief.detail

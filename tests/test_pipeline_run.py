"""Pipelines that run: through the real SDK, against the real server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from tierwise import Pipeline, Router, Step
from tierwise.classifier.errors import InvalidPipeline, InvalidRequest, JournalError, TierwiseError
from tierwise.data import ARTICLE_PIPELINE
from tierwise.router.run import Limits
from tierwise.testing import Answer, Fault, MessagesServer

QUICK = Limits(first_backoff_s=0.01, max_retries=1)
BRIEF = Step("brief", "Write the content brief for an article on {topic}: angle, questions, headings.")
TAGS = Step(
    "tags",
    "Assign up to five tags from the list to this article. Return a JSON list of them.\n\n{steps.brief}",
    task_type="taxonomy-assignment",
    facts={"output_tokens": 50},
    check={"json": True},
)
DRAFT = Step("draft", "Draft the article from the brief: 1,400 words, plain and warm.\n\n{steps.brief}")
OWN = Pipeline("own", [BRIEF, TAGS, DRAFT])
ARTICLES = [{"topic": f"tea {number}"} for number in range(3)]


def prompt_of(request):
    return request["messages"][0]["content"]


def answer(request):
    """What a model would say: a brief and a draft that name their topic, tags as JSON."""
    text = prompt_of(request)
    topic = text.rpartition("tea ")[2].split(":")[0].split()[0]
    if text.startswith("Assign"):
        return '["tea"]'
    return f"{'Brief' if text.startswith('Write') else 'Draft'} on tea {topic} {{with braces}}"


def run(server, articles=ARTICLES, *, pipeline=OWN, log=None, is_async=False, **options):
    options = {"journal": None, "limits": QUICK, **options}
    if not is_async:
        with server.client() as client, Router(client=client, log=log) as router:
            return router.run_pipeline(pipeline, articles, **options)

    async def go():
        async with server.async_client() as client, Router(client=client, log=log) as router:
            return await router.arun_pipeline(pipeline, articles, **options)

    return asyncio.run(go())


@pytest.mark.parametrize("is_async", [False, True])
def test_every_step_of_every_article_is_run_with_what_it_needs(is_async):
    with MessagesServer(answer) as server:
        done = run(server, is_async=is_async)
        prompts = [prompt_of(call.request) for call in server.calls]
        models = Counter(
            (prompt.split()[0], call.model) for prompt, call in zip(prompts, server.calls, strict=True)
        )
    assert (done.is_done, done.n_done, done.summary.n_new) == (True, 3, 9)
    assert done.cost_usd == pytest.approx(server.cost_usd)
    assert [article.outputs["draft"] for article in done.articles] == [
        f"Draft on tea {number} {{with braces}}" for number in range(3)
    ]
    assert sorted(prompts)[0] == TAGS.specification.replace("{steps.brief}", "Brief on tea 0 {with braces}")
    assert models == {
        ("Write", "claude-sonnet-5-5"): 3,
        ("Assign", "claude-haiku-5-5"): 3,
        ("Draft", "claude-sonnet-5-5"): 3,
    }
    assert done.articles[0].steps["tags"].status == "passed"
    assert done.summary.saved_usd["opus"] > 0
    assert json.loads(json.dumps(done.to_dict()))["done"] == 3
    assert json.loads(json.dumps(done.articles[0].to_dict()))["steps"]["tags"]["tier"] == "haiku"


def test_what_a_plan_decided_is_what_runs_and_prompts_are_not_in_the_log(log):
    with MessagesServer(answer) as server:
        done = run(server, log=log)
    plan = Router().plan(OWN, 3)
    for article in done.articles:
        assert {name: step.tier for name, step in article.steps.items()} == {
            step.name: step.tier for step in plan.steps
        }
    assert Counter(each.task_type for each in log.attempts()) == {
        "brief": 3,
        "taxonomy-assignment": 3,
        "draft": 3,
    }
    rows = log.to_pandas()
    assert rows.specification.tolist() == [TAGS.template.instruction] * 3
    assert rows.verdict.tolist() == ["clean"] * 3


def test_a_plan_takes_tokens_from_what_the_log_saw(log):
    said = Answer('["tea"]', input_tokens=700, output_tokens=80)
    with MessagesServer(lambda request: said) as server:
        run(server, log=log)
    with Router(log=log) as router:
        plan = router.plan(OWN)
    draft, tags = plan["draft"], plan["tags"]
    assert (draft.input_tokens, draft.output_tokens, draft.output_from) == (700, 80, "log")
    assert (tags.output_tokens, tags.output_from) == (50, "fact")  # what the step says comes first
    assert draft.cost_usd == pytest.approx((700 * 2 + 80 * 10) / 1e6)
    assert (
        "Tokens as the log saw them, median of so many runs: brief (3), tags (3), draft (3)."
        in plan.assumptions
    )


def test_the_article_pipeline_that_ships_runs(tmp_path):
    asked = []

    def is_online(fields, outputs):
        asked.append((fields["topic"], sorted(outputs)))
        return {"status": 200}

    def said(request):
        text = prompt_of(request)
        if "schema.org" in text:
            return '{"@context": "https://schema.org", "@type": "Article", "headline": "Tea"}'
        return "{}" if "JSON" in text else "word " * 700

    pipeline = Pipeline.load(ARTICLE_PIPELINE, functions={"publish-check": is_online})
    article = {"id": "tea", "topic": "tea", "audience": "all", "taxonomy": "food", "checklist": "no typos"}
    with MessagesServer(said) as server:
        done = run(server, [article], pipeline=pipeline, journal=tmp_path / "j.jsonl")
        assert len(server.calls) == 7
        again = run(server, [article], pipeline=pipeline, journal=tmp_path / "j.jsonl")
        assert len(server.calls) == 7
    assert done.is_done
    assert again.is_done
    assert done.articles[0].outputs["publish-check"] == '{"status": 200}'
    before = ["brief", "draft", "geo-pass", "quality-gate", "schema", "seo-meta", "taxonomy"]
    assert asked == [("tea", before)]
    assert [done.articles[0].key, done.articles[0].steps["publish-check"].status] == ["tea", "no_model"]


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


def test_steps_run_at_once_up_to_the_bound():
    with MessagesServer(lambda request: Answer(answer(request), delay_s=0.05)) as server:
        seen = []
        running = Counter()

        def watch(fields, outputs):
            running["now"] += 1
            seen.append(running["now"])
            import time

            time.sleep(0.02)
            running["now"] -= 1
            return "x"

        watched = Pipeline("own", [Step("look", function=watch), Step("again", function=watch), BRIEF])
        run(server, [{"topic": f"tea {n}"} for n in range(12)], pipeline=watched, concurrency=4)
    assert 1 < max(seen) <= 4


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


def test_what_is_made_from_something_else_is_made_again(tmp_path):
    """As a build system does: a step whose template changed, and what needs it; nothing else."""
    with MessagesServer(answer) as server:
        articles = [{"id": "a", "topic": "tea 1"}]
        run(server, articles, journal=tmp_path / "j")
        other = Step("draft", "Draft the article from this brief, in rhyme.\n\n{steps.brief}")
        done = run(server, articles, journal=tmp_path / "j", pipeline=Pipeline("own", [BRIEF, TAGS, other]))
        assert len(server.calls) == 4
        assert prompt_of(server.calls[-1].request).startswith("Draft the article from this brief")
        assert done.cost_usd == pytest.approx(server.cost_usd)
        run(server, [{"id": "a", "topic": "tea 2"}], journal=tmp_path / "j")
        assert len(server.calls) == 7


def test_more_articles_later_cost_only_themselves(tmp_path):
    with MessagesServer(answer) as server:
        run(server, ARTICLES[:2], journal=tmp_path / "j")
        done = run(server, [ARTICLES[2], *ARTICLES[:2]], journal=tmp_path / "j")
        assert len(server.calls) == 9
    assert done.is_done


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
        (ARTICLES, {"concurrency": 0}, InvalidRequest, "concurrency must be a whole number >= 1; got 0"),
        (ARTICLES, {"max_usd": -1}, InvalidRequest, "max_usd must be a number >= 0; got -1"),
        (ARTICLES, {"journal": "/"}, JournalError, "can't be opened"),
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


def test_no_articles_are_done_at_once():
    with MessagesServer(answer) as server:
        done = run(server, [])
    assert (done.is_done, done.articles, done.cost_usd) == (True, (), 0)

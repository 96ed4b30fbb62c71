"""Pipelines that run: through the real SDK, against the real server."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from pipeline_runs import ARTICLES, BRIEF, OWN, TAGS, answer, prompt_of, run

from tierwise import Pipeline, Router, Step
from tierwise.data import ARTICLE_PIPELINE
from tierwise.testing import Answer, MessagesServer


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


def test_steps_run_at_once_up_to_the_bound():
    with MessagesServer(lambda request: Answer(answer(request), delay_s=0.05)) as server:
        seen = []
        running = Counter()

        def watch(fields, outputs):
            running["now"] += 1
            seen.append(running["now"])
            time.sleep(0.02)
            running["now"] -= 1
            return "x"

        watched = Pipeline("own", [Step("look", function=watch), Step("again", function=watch), BRIEF])
        run(server, [{"topic": f"tea {n}"} for n in range(12)], pipeline=watched, concurrency=4)
    assert 1 < max(seen) <= 4


def test_a_function_sees_the_outputs_of_all_steps_before_it_by_their_needs():
    seen = {}

    def look(fields, outputs):
        seen.update(outputs)

    steps = [BRIEF, TAGS, Step("draft", "Draft {steps.brief}"), Step("look", function=look, needs=["draft"])]
    with MessagesServer(answer) as server:
        assert run(server, ARTICLES[:1], pipeline=Pipeline("own", steps)).is_done
    assert sorted(seen) == ["brief", "draft"]


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


def test_no_articles_are_done_at_once():
    with MessagesServer(answer) as server:
        done = run(server, [])
    assert (done.is_done, done.articles, done.cost_usd) == (True, (), 0)

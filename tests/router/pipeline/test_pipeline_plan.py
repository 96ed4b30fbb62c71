"""Plans: each figure worked out by hand from the prices that ship, in USD per million tokens."""

from __future__ import annotations

import json

import pytest

from tierwise import Ladder, OutcomeLog, Pipeline, Policy, Router, Step
from tierwise.classifier.errors import InvalidPipeline, InvalidTask
from tierwise.data import ARTICLE_PIPELINE, IMAGES

# Prices that ship: haiku 0.10 in, 0.50 out (batch half); sonnet 2 and 10; opus 4 and 20.
TOKENS = {"input_tokens": 1_000, "output_tokens": 500}
DRAFT = Step("draft", "Draft the article of 1,400 words, plain and warm:\n{brief}", facts=TOKENS)
TAGS = Step(
    "tags",
    "Assign up to five tags from the list to this article. Return JSON.\n{steps.draft}",
    facts={"input_tokens": 2_000, "output_tokens": 100},
    check={"json": True},
)
ONLINE = Step("online", deterministic=True)
OWN = Pipeline("own", [DRAFT, TAGS, ONLINE])


@pytest.fixture(scope="module")
def router():
    return Router()


def test_one_article_costs_what_hand_arithmetic_says(router):
    plan = router.plan(OWN)
    draft, tags, online = plan.steps
    assert (draft.tier, draft.mode, draft.model) == ("sonnet", "sync", "claude-sonnet-5-5")
    assert (tags.tier, tags.mode, tags.plan) == ("haiku", "sync", ("haiku", "sonnet"))
    assert (online.tier, online.mode, online.model, online.cost_usd) == (None, "none", None, 0.0)
    assert draft.cost_usd == pytest.approx((1_000 * 2 + 500 * 10) / 1e6)  # 0.007
    assert tags.cost_usd == pytest.approx((2_000 * 0.10 + 100 * 0.50) / 1e6)  # 0.00025
    assert plan.cost_usd == pytest.approx(0.007 + 0.00025)
    assert plan.baselines_usd == {
        "sonnet": pytest.approx(0.007 + (2_000 * 2 + 100 * 10) / 1e6),  # 0.012
        "opus": pytest.approx((1_000 * 4 + 500 * 20 + 2_000 * 4 + 100 * 20) / 1e6),  # 0.024
    }
    assert (plan.articles, plan.batch_saves_usd) == (1, 0.0)
    # the ladder's speeds: sonnet 1.2 s and 70 tokens a second, haiku 0.6 s and 120
    assert draft.latency_ms == pytest.approx(1_200 + 500 / 70 * 1_000)
    assert plan.latency_ms == pytest.approx(1_200 + 500 / 70 * 1_000 + 600 + 100 / 120 * 1_000)


def test_a_retry_is_priced_by_the_probability_that_the_check_fails(router):
    tags = router.plan(OWN)["tags"]
    passes = router.decide(TAGS.task()).pass_probabilities["haiku"]
    policy = Policy()
    refused = (1 - passes) * (1 - policy.check_false_pass) + passes * policy.check_false_fail
    assert tags.with_retries_usd == pytest.approx(0.00025 + refused * (2_000 * 2 + 100 * 10) / 1e6)
    assert 0 < refused < 0.5


def test_twenty_articles_cost_twenty_times_as_much_and_none_goes_in_batch(router):
    plan = router.plan(OWN, 20)
    assert [step.mode for step in plan.steps] == ["sync", "sync", "none"]
    assert plan.cost_usd == pytest.approx(20 * 0.00725)  # 14.5 cents
    assert plan.baselines_usd == {"sonnet": pytest.approx(0.24), "opus": pytest.approx(0.48)}
    assert (plan["tags"].batch_from_articles, plan["draft"].batch_from_articles) == (21, None)
    assert plan.latency_ms == router.plan(OWN).latency_ms


def test_more_than_twenty_items_of_a_format_step_go_in_batch_at_half_the_price(router):
    plan = router.plan(OWN, 21)
    assert [step.mode for step in plan.steps] == ["sync", "batch", "none"]
    assert plan["tags"].cost_usd == pytest.approx(21 * 0.00025 / 2)
    assert plan["tags"].latency_ms is plan["tags"].batch_from_articles is None
    assert plan.batch_saves_usd == pytest.approx(21 * 0.00025 / 2)
    assert plan.cost_usd == pytest.approx(21 * 0.007 + 21 * 0.000125)
    # the same modes for the baselines: what a batch saves isn't counted as saved by routing
    assert plan.baselines_usd["sonnet"] == pytest.approx(21 * 0.007 + 21 * 0.005 / 2)
    assert plan.latency_ms == pytest.approx(1_200 + 500 / 70 * 1_000)


def test_a_retry_after_a_batch_is_priced_as_it_is_run_at_once_and_at_the_full_price(router):
    tags = router.plan(OWN, 21)["tags"]
    passes = router.decide(TAGS.task(items=21)).pass_probabilities["haiku"]
    policy = Policy()
    refused = (1 - passes) * (1 - policy.check_false_pass) + passes * policy.check_false_fail
    retry_usd = (2_000 * 2 + 100 * 10) / 1e6
    assert (tags.mode, tags.plan) == ("batch", ("haiku", "sonnet"))
    assert tags.with_retries_usd == pytest.approx(21 * (0.00025 / 2 + refused * retry_usd))


def test_items_of_one_article_count_times_the_articles(router):
    tags = Step(TAGS.name, TAGS.specification, check=TAGS.check, facts={**TAGS.facts, "items": 5})
    pipeline = Pipeline("own", [DRAFT, tags])
    assert [router.plan(pipeline, n)["tags"].mode for n in (1, 4, 5)] == ["sync", "sync", "batch"]
    assert router.plan(pipeline)["tags"].batch_from_articles == 5
    assert router.plan(pipeline, 5)["tags"].cost_usd == pytest.approx(5 * 0.00025 / 2)


def test_what_a_step_doesnt_say_is_assumed_and_named(router):
    steps = [
        Step("draft", "Draft the article of 1,400 words, plain and warm: {topic}"),
        Step("tags", "Assign up to five tags to this. {steps.draft} {steps.draft}", facts={"items": 3}),
    ]
    plan = router.plan(Pipeline("own", steps))
    draft, tags = plan.steps
    assert (draft.input_tokens, draft.output_tokens) == (13, 400)  # 50 characters; the policy's default
    assert (tags.input_tokens, tags.output_tokens) == (
        9 + 2 * 400,
        3 * 400,
    )  # 33 characters, and twice the draft
    assert (draft.input_from, draft.output_from) == ("counted", "default")
    said = " ".join(plan.assumptions)
    assert "400 output tokens (the policy's default) per item where a step says no" in said
    assert "no output_tokens: draft, tags." in said
    assert "the steps that it uses: draft, tags." in said
    assert "Fields of the article are not counted: topic." in said
    assert draft.cost_usd == pytest.approx((13 * 2 + 400 * 10) / 1e6)


def test_fields_of_real_articles_are_counted(router):
    pipeline = Pipeline("own", [Step("draft", "Draft the article of 1,400 words, plain and warm: {topic}")])
    plan = router.plan(pipeline, [{"topic": "x" * 40}, {"topic": "x" * 120}])
    assert (plan.articles, plan["draft"].input_tokens) == (2, 13 + 20)  # 50 + 80 characters on average
    assert not any("Fields" in each for each in plan.assumptions)
    with pytest.raises(InvalidPipeline, match="Article 2 lacks the field 'topic'"):
        router.plan(pipeline, [{"topic": "tea"}, {}])


@pytest.mark.parametrize("articles", [0, -1, True, [], 10**9])
def test_articles_are_counted_from_one(router, articles):
    with pytest.raises(InvalidPipeline, match="articles must be a whole number >= 1"):
        router.plan(OWN, articles)


def test_a_step_that_no_tier_can_do_is_named(router):
    too_long = Step("draft", "Draft it", facts={"output_tokens": 10**6})
    with pytest.raises(InvalidTask, match=r"Step 'draft': No allowed tier .* output cap"):
        router.plan(Pipeline("own", [too_long]))
    with pytest.raises(InvalidTask, match="Step 'draft': Unknown tier 'sonet'; did you mean 'sonnet'"):
        router.plan(Pipeline("own", [Step("draft", "Draft it", facts={"pin": "sonet"})]))


def test_cached_tokens_cost_the_cache_read_rate(router):
    step = Step("draft", DRAFT.specification, facts={**TOKENS, "cached_tokens": 900})
    plan = router.plan(Pipeline("own", [step]))
    assert plan["draft"].cost_usd == pytest.approx((100 * 2 + 900 * 0.10 + 500 * 10) / 1e6)


def test_a_priced_correction_decides_but_is_not_among_the_tokens_cost():
    plan = Router(policy=Policy(correction_minutes=10, hourly_rate_usd=60)).plan(OWN)
    assert plan["draft"].reason == "expected_cost"
    rates = {"sonnet": 0.007, "opus": 0.014}
    assert plan["draft"].cost_usd == pytest.approx(rates[plan["draft"].tier])


def test_what_the_log_knows_of_a_type_moves_the_plan_and_nothing_is_written(tmp_path):
    with OutcomeLog(tmp_path / "log.db") as log, Router(log=log) as router:
        assert router.plan(OWN)["tags"].tier == "haiku"
        for _ in range(12):
            decision = router.decide(TAGS.task(pin="haiku"))
            router.record_outcome(decision, "failed")
        n_rows = len(log.to_pandas())
        plan = router.plan(OWN, 20)
        assert plan["tags"].tier > "haiku"
        assert "history" in plan["tags"].reasons
        assert len(log.to_pandas()) == n_rows == 12


def test_the_articles_pipeline_runs_half_its_steps_on_haiku_for_one_and_for_twenty(router, socket_disabled):
    pipeline = Pipeline.load(ARTICLE_PIPELINE)
    for n_articles in (1, 20, 21):
        plan = router.plan(pipeline, n_articles)
        tiers = {step.name: step.tier for step in plan.steps}
        assert {name for name, tier in tiers.items() if tier == "sonnet"} == {"brief", "draft", "geo-pass"}
        assert {name for name, tier in tiers.items() if tier == "haiku"} == {
            *("taxonomy", "seo-meta", "schema", "quality-gate")
        }
        assert tiers["publish-check"] is None
        in_batch = {step.name for step in plan.steps if step.mode == "batch"}
        assert in_batch == ({"taxonomy", "seo-meta", "schema", "quality-gate"} if n_articles > 20 else set())
        assert (
            plan.cost_usd < plan.with_retries_usd < plan.baselines_usd["sonnet"] < plan.baselines_usd["opus"]
        )


def test_images_are_planned_on_their_own_ladder():
    steps = [Step("hero", "A hero image of {topic}", facts={"items": 3}), Step("thumbs", "Crop {topic}")]
    plan = Router(policy=Policy(ladder=Ladder.load(IMAGES))).plan(Pipeline("images", steps), 2)
    hero = plan["hero"]
    price = Ladder.load(IMAGES).rungs[1].prices[0].output
    assert (hero.tier, hero.output_tokens) == (Ladder.load(IMAGES).names[1], 3)
    assert hero.cost_usd == pytest.approx(2 * 3 * price / 1e6)
    assert "1 image per item where a step says no output_tokens: hero, thumbs." in plan.assumptions


def test_a_plan_as_json_has_every_figure(router):
    plan = router.plan(OWN, 21)
    values = json.loads(json.dumps(plan.to_dict()))
    assert (values["pipeline"], values["articles"], values["cost_usd"]) == ("own", 21, plan.cost_usd)
    assert values["baselines_usd"] == plan.baselines_usd
    tags = values["steps"][1]
    assert (tags["tier"], tags["mode"], tags["plan"]) == ("haiku", "batch", ["haiku", "sonnet"])
    assert tags["cost_usd_on"]["opus"] == pytest.approx(21 * (2_000 * 2 + 100 * 10) / 1e6)


def test_a_plan_is_printed_as_a_table_with_totals_and_assumptions(router):
    lines = str(router.plan(OWN, 21)).splitlines()
    assert lines[0] == "own: 21 articles; tokens are of one article, USD of all"
    assert lines[2].split() == ["step", "tier", "mode", "in", "out", "USD", "seconds", "then", "reason"]
    assert lines[3].split() == ["draft", "sonnet", "sync", "1,000", "500", "0.147000", "8.3", "classifier"]
    assert lines[4].split()[:6] == ["tags", "haiku", "batch", "2,000", "100", "0.002625"]
    assert lines[5].split() == ["online", "-", "none", "deterministic"]
    totals = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in lines[7:12]}
    assert totals["as planned"] == "$0.1496"
    assert totals["all on sonnet"] == "$0.1995  (1.3 x)"
    assert totals["all on opus"] == "$0.3990  (2.7 x)"
    assert totals["batches save"] == "$0.0026"
    assert lines[-1].startswith("- Prices and speeds of the ladder")

"""Plans a pipeline: one decision a step, for all articles; nothing is sent and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...classifier.errors import InvalidPipeline, InvalidTask
from ...classifier.task import Task
from .._engine import Engine
from ..ladder import Ladder, Rung
from ..ladder.prices import token_cost_usd
from ..policy import Policy
from ..predict import asked
from ..rules._costs import latency_ms
from ..rules._decide import Choice
from ..rules._objective import priced_plan
from ._assumptions import Basis, assumptions
from ._tokens import StepTokens, Typical, tokens_of_steps
from .pipeline import Pipeline
from .plan import PipelinePlan, PlannedStep
from .step import Step

if TYPE_CHECKING:
    from ..router import Router

MAX_ARTICLES = 10_000_000


def planned(router: Router, pipeline: Pipeline, articles: int | Sequence[Mapping[str, Any]]) -> PipelinePlan:
    """See `Router.plan`."""
    given = () if isinstance(articles, int) else pipeline.check_articles(articles)
    n_articles = articles if isinstance(articles, int) else len(given)
    if isinstance(articles, bool) or not 1 <= n_articles <= MAX_ARTICLES:
        raise InvalidPipeline(
            f"articles must be a whole number >= 1, or a list of articles; got {articles!r}.",
            about="articles",
        )
    engine = Engine.of(router.model, router.policy)
    typical = typical_of(router, pipeline)
    tokens = tokens_of_steps(pipeline, engine.policy, typical, given, unit=engine.ladder.unit)
    steps = tuple(
        _planned_step(step, tokens[step.name], n_articles, router, engine) for step in pipeline.order
    )
    tiers = engine.ladder.names[engine.ladder.production :]
    return PipelinePlan(
        pipeline=pipeline.name,
        articles=n_articles,
        steps=steps,
        cost_usd=sum(step.cost_usd for step in steps),
        with_retries_usd=sum(step.with_retries_usd for step in steps),
        baselines_usd={tier: sum(step.cost_usd_on.get(tier, 0.0) for step in steps) for tier in tiers},
        batch_saves_usd=sum(step.batch_saves_usd for step in steps),
        latency_ms=_longest_way_ms(pipeline, steps),
        assumptions=assumptions(
            steps, Basis(pipeline, engine.policy, engine.ladder.unit, typical, bool(given))
        ),
    )


def typical_of(router: Router, pipeline: Pipeline) -> dict[str, Typical]:
    """Task type -> tokens, of the types that the router's log has seen run. Raises LogError."""
    if router.log is None:
        return {}
    from ..log.figures._typical import typical_tokens

    kinds = [step.task_type or step.name for step in pipeline.steps if not step.deterministic]
    return {kind: Typical(*tokens) for kind, tokens in typical_tokens(router.log, kinds).items()}


def task_for(step: Step, n_articles: int, tokens: StepTokens) -> Task:
    """What is decided about: the step for all articles, with the tokens of one article's request."""
    items = step.facts.get("items") if n_articles == 1 else step.items * n_articles
    return step.task(items=items, input_tokens=tokens.input, output_tokens=tokens.output)


def history_of(router: Router, step: Step, engine: Engine) -> Any:
    """What the router's log knows of the step's type."""
    return None if router.log is None else asked(router.log, step.task_type or step.name, engine.model)


def _planned_step(
    step: Step, tokens: StepTokens, n_articles: int, router: Router, engine: Engine
) -> PlannedStep:
    task = task_for(step, n_articles, tokens)
    history = history_of(router, step, engine)
    choice, beliefs = weighed(step, task, history, engine)
    batch_from = None
    over = engine.policy.batch_over_items
    if choice.mode == "sync" and (task.items or 1) <= over < MAX_ARTICLES:
        enough = over // step.items + 1
        if weighed(step, task_for(step, enough, tokens), history, engine)[0].mode == "batch":
            batch_from = enough
    ladder = engine.ladder
    if choice.mode == "none":
        in_sync = costs = [0.0] * len(ladder.rungs)
        with_retries_usd = 0.0
    else:
        costs = _costs_usd(tokens, n_articles, ladder, batch=choice.mode == "batch")
        in_sync = _costs_usd(tokens, n_articles, ladder, batch=False)
        tried = [costs[i] if i == choice.rung else in_sync[i] for i in range(len(costs))]
        with_retries_usd = _with_retries_usd(choice, beliefs, tried, engine.policy, n_articles)
    rung = ladder.rungs[choice.rung]
    has_model = choice.mode != "none"
    return PlannedStep(
        name=step.name,
        task_type=task.task_type or step.name,
        tier=ladder.tiers[choice.rung] if has_model else None,
        model=rung.model if has_model else None,
        mode=choice.mode,
        plan=tuple(ladder.tiers[each] for each in choice.plan),
        reason=choice.codes[0],
        reasons=choice.codes,
        input_tokens=tokens.input if has_model else 0,
        output_tokens=tokens.output if has_model else 0,
        cached_tokens=tokens.cached if has_model else 0,
        input_from=tokens.input_from,
        output_from=tokens.output_from,
        cost_usd=costs[choice.rung],
        with_retries_usd=with_retries_usd,
        cost_usd_on=dict(zip(ladder.names, costs, strict=True)) if has_model else {},
        latency_ms=_latency_ms(choice, tokens, ladder),
        batch_saves_usd=in_sync[choice.rung] - costs[choice.rung],
        batch_from_articles=batch_from,
    )


def weighed(step: Step, task: Task, history: Any, engine: Engine) -> tuple[Choice, Any]:
    """What is chosen, and the beliefs behind it. Raises InvalidTask that names the step."""
    try:
        choice, _, beliefs, _ = engine.weigh(task, history)
    except InvalidTask as error:
        error.args = (f"{step.where}: {error}",)
        raise
    return choice, beliefs


def _costs_usd(tokens: StepTokens, n_articles: int, ladder: Ladder, *, batch: bool) -> list[float]:
    """Per rung. An article is a request of its own, in both modes: price steps go by its prompt."""
    return [n_articles * request_cost_usd(tokens, rung, batch=batch) for rung in ladder.rungs]


def request_cost_usd(tokens: StepTokens, rung: Rung, *, batch: bool) -> float:
    """Of one article."""
    return token_cost_usd(
        rung.prices,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_tokens=tokens.cached,
        batch=batch,
    )


def _with_retries_usd(
    choice: Choice, beliefs: Any, costs: Sequence[float], policy: Policy, n_articles: int
) -> float:
    if len(choice.plan) < 2 or beliefs is None or beliefs.all_fail is None:
        return costs[choice.rung]
    each = [cost / n_articles for cost in costs]
    return n_articles * priced_plan(choice.plan, beliefs, each, 0.0, policy).token_cost_usd


def _latency_ms(choice: Choice, tokens: StepTokens, ladder: Ladder) -> float | None:
    if choice.mode == "none":
        return 0.0
    return None if choice.mode == "batch" else latency_ms(ladder.rungs[choice.rung], tokens.output)


def _longest_way_ms(pipeline: Pipeline, steps: Sequence[PlannedStep]) -> float | None:
    until: dict[str, float] = {}
    for step in steps:
        if step.latency_ms is None and step.mode != "batch":
            return None
        before = max((until[need] for need in pipeline.needs[step.name]), default=0.0)
        until[step.name] = before + (step.latency_ms or 0.0)
    return max(until.values())

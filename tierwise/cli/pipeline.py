"""tierwise pipeline: articles through a pipeline, with a budget and a journal."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._address import check_address
from ._articles import read_articles
from ._money_bar import MoneyBar
from ._policy import now_option, policy_options, without_batches
from ._run_text import INTERRUPTED, totals

if TYPE_CHECKING:
    from ..router.pipeline import Pipeline, PipelineRun, StepInBatch
    from ..router.run.jobs import TaskResult


@click.group()
def pipeline() -> None:
    """Run pipelines; `tierwise plan` says beforehand what that costs."""


@pipeline.command()
@click.argument("path", metavar="PIPELINE", type=click.Path(path_type=Path))
@click.argument("articles", type=click.Path(path_type=Path))
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where results are written as they come  [default: ARTICLES.journal]",
)
@click.option("--max-usd", type=float, help="For all steps together, earlier runs of the journal included.")
@click.option(
    "--concurrency", type=click.IntRange(min=1), default=8, show_default=True, help="Steps at once."
)
@click.option(
    "--every",
    "batch_every_s",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds between two looks at batches.",
)
@click.option(
    "--log", "url", envvar="TIERWISE_LOG", help="Log decisions and verdicts here, and learn from it."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object an article, with the outputs of steps."
)
@now_option
@policy_options
def run(
    path: Path,
    articles: Path,
    journal: Path | None,
    url: str | None,
    as_json: bool,
    now: bool,
    policy: Any,
    **options: Any,
) -> None:
    """Run every step of PIPELINE, a TOML file, for every article of ARTICLES, one JSON object a line.

    Steps that `tierwise plan` has in batch are sent as batches, at half the price, and waited for.
    Uses ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL. Interrupted, killed, or out of budget: the same command
    again goes on, and pays nothing twice but what was in flight when it was killed; no batch is sent twice.
    Failed steps are tried again.

    \b
    tierwise plan article.toml --articles briefs.jsonl
    tierwise pipeline run article.toml briefs.jsonl --max-usd 5 --json > articles.jsonl

    Exit codes: 0 all articles done, 1 not all, 2 bad input or no access, 130 interrupted.
    """
    from ..router.pipeline import Pipeline
    from ..router.router import Router

    check_address()
    loaded, given = Pipeline.load(path), read_articles(articles)
    kept = journal or Path(f"{articles}.journal")
    bar = MoneyBar(len(given) * len(loaded.steps), "steps")
    try:
        with Router(policy=without_batches(policy, now=now), log=url) as router:
            found = router.run_pipeline(
                loaded,
                given,
                journal=kept,
                on_result=bar.add,
                on_known=bar.add,
                on_batch=partial(_show_batch, bar),
                **options,
            )
    except KeyboardInterrupt:
        bar.close()
        click.echo(
            f"tierwise: interrupted; what is done is in {kept}; run the same again to go on.", err=True
        )
        sys.exit(INTERRUPTED)
    finally:
        bar.close()
    _show(found, loaded, as_json=as_json)
    sys.exit(0 if found.is_done else 1)


def _show_batch(bar: MoneyBar, sent: StepInBatch) -> None:
    line = f"{sent.step}: {sent.n_articles:,} in a batch. Interrupt, if you like, and run the same later."
    with bar.aside(sys.stderr):
        click.echo(line, err=True)


def _show(found: PipelineRun, pipeline: Pipeline, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{'article':>7} {'status':<8} {'USD':>10}  stopped at")
    for article in found.articles:
        if as_json:
            click.echo(json.dumps(article.to_dict()))
        else:
            failed = article.failed_step
            why = "" if failed is None else f"{failed}: {_why(article.steps[failed])}"
            click.echo(f"{article.number:>7} {article.status:<8} {article.cost_usd:>10.6f}  {why}".rstrip())
    click.echo(f"{found.n_done:,} of {len(found.articles):,} articles done", err=as_json)
    for line in totals(found.summary, "step"):
        click.echo(line, err=as_json)
    yours = [step.name for step in pipeline.order if step.deterministic and step.function is None]
    if yours:
        click.echo(f"No model does these, they are left to you: {', '.join(yours)}.", err=as_json)


def _why(result: TaskResult) -> str:
    """Never the task's own text."""
    return result.detail or result.error or result.status

"""tierwise plan: what a pipeline will run on and cost, before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..data import ARTICLE_PIPELINE
from ._articles import read_articles
from ._policy import now_option, policy_options, without_batches


@click.command()
@click.argument("pipeline", type=click.Path(path_type=Path), required=False)
@click.option(
    "--articles", default="1", show_default=True, help="How many, or a JSON-lines file with their fields."
)
@click.option(
    "--log", "url", envvar="TIERWISE_LOG", help="An outcome log: history and typical tokens of types."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@now_option
@policy_options
def plan(
    pipeline: Path | None, articles: str, url: str | None, as_json: bool, now: bool, policy: Any
) -> None:
    """Tier, mode, tokens, cost and time of each step of PIPELINE, a TOML file, before anything is sent.

    Without PIPELINE: the article pipeline that ships, a file to begin with. Nothing is logged.

    \b
    tierwise plan article.toml --articles 20
    tierwise plan article.toml --articles briefs.jsonl --json
    """
    from ..router.pipeline import Pipeline
    from ..router.router import Router

    loaded, policy = Pipeline.load(pipeline or ARTICLE_PIPELINE), without_batches(policy, now=now)
    wanted = int(articles) if articles.isdecimal() else read_articles(Path(articles))
    if url is None:
        found = Router(policy=policy).plan(loaded, wanted)
    else:
        from ..router.log import OutcomeLog

        with OutcomeLog(url, create=False) as log, Router(policy=policy, log=log) as router:
            found = router.plan(loaded, wanted)
    click.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else str(found))

"""Articles through the content pipeline that ships: what it will cost, then run, then nothing is paid twice.

    ANTHROPIC_API_KEY=... python examples/article_pipeline.py

Also: tierwise plan --articles 20; tierwise pipeline run my.toml articles.jsonl --max-usd 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tierwise import Pipeline, Router
from tierwise.data import ARTICLE_PIPELINE

TAXONOMY = "Categories: energy, house. Tags: heat-pump, insulation, noise, subsidy, old-house."
CHECKLIST = "names a source, no superlatives, one worked example"
ARTICLES = [
    {"id": "heat-pump", "topic": "heat pumps in old houses", "audience": "homeowners"},
    {"id": "insulation", "topic": "insulating an attic yourself", "audience": "homeowners"},
]


def may_be_published(article: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, bool]:
    """A step that needs no model: every rule of the quality gate passed. What it returns is its output."""
    return {"publish": all(found == "pass" for found in json.loads(outputs["quality-gate"]).values())}


def main() -> None:
    """Plan for one article and for a swarm of twenty, then run these two."""
    pipeline = Pipeline.load(ARTICLE_PIPELINE, functions={"publish-check": may_be_published})
    articles = [{**article, "taxonomy": TAXONOMY, "checklist": CHECKLIST} for article in ARTICLES]
    with Router(log="articles.db") as router:
        print(router.plan(pipeline))
        print(f"twenty: ${router.plan(pipeline, 20).cost_usd:.2f}\n")
        for _ in range(2):  # the second time everything is in the journal
            done = router.run_pipeline(pipeline, articles, journal="articles.journal", max_usd=2)
            print(
                f"{done.n_done} of {len(articles)} done, {done.summary.n_new} new steps, ${done.cost_usd:.4f}"
            )
        for article in done.articles:
            print(article.key, article.status, article.outputs.get("publish-check", article.failed_step))


if __name__ == "__main__":
    main()

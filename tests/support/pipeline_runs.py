"""What tests of running pipelines share: a pipeline, its articles, and what a model would say."""

from __future__ import annotations

import asyncio

from tierwise import Pipeline, Router, Step
from tierwise.router.run import Limits

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


def run(server, articles=ARTICLES, *, pipeline=OWN, log=None, policy=None, is_async=False, **options):
    options = {"journal": None, "limits": QUICK, **options}
    if not is_async:
        with server.client() as client, Router(client=client, log=log, policy=policy) as router:
            return router.run_pipeline(pipeline, articles, **options)

    async def go():
        async with server.async_client() as client, Router(client=client, log=log, policy=policy) as router:
            return await router.arun_pipeline(pipeline, articles, **options)

    return asyncio.run(go())

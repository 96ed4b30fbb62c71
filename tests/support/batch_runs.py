"""What tests of batches share: tasks for a router's batch, articles for a pipeline's, and what was sent."""

from __future__ import annotations

from collections import Counter

from pipeline_runs import prompt_of

from tierwise import Task
from tierwise.router.run import checks

KIND = "tags"
TASKS = [Task(f"Tag ticket {number} by product area, JSON out", KIND, verifiable=True) for number in range(5)]
IS_JSON = checks.json_schema()

N = 24  # articles: more than are run at once
SWARM = [{"id": f"a{number}", "topic": f"tea {number}"} for number in range(N)]
OFTEN = {"batch_every_s": 0.01}


def sent(server) -> list[list[str]]:
    """Custom ids, batch by batch."""
    return [call.request["custom_ids"] for call in server.calls if "custom_ids" in (call.request or {})]


def asked(server, endpoint="messages") -> Counter[str]:
    """First words of prompts."""
    return Counter(prompt_of(call.request).split()[0] for call in server.calls if call.endpoint == endpoint)

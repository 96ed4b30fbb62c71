"""An orchestrator and its workers, without a framework: plan, work in parallel, look at it, until it is done.

    ANTHROPIC_API_KEY=... python examples/agent_loop.py "Compare our three breads for a picnic"

The orchestrator's steps are decided with role="orchestrator", the workers' with role="worker".
"""

import asyncio
import json
import sys

from tierwise import Router
from tierwise.router.run import checks

MAX_ROUNDS = 4
STEP = checks.json_schema(
    {
        "type": "object",
        "properties": {
            "tasks": {"type": "array", "items": {"type": "string"}, "maxItems": 8},
            "answer": {"type": "string"},
        },
        "oneOf": [{"required": ["tasks"]}, {"required": ["answer"]}],
    }
)
ASK = (
    'Either name what has to be found out next, as {{"tasks": ["...", ...]}}, each for a worker who sees '
    'nothing but that text; or, where the notes suffice, finish with {{"answer": "..."}}. JSON only.\n\n'
    "<goal>\n{goal}\n</goal>\n<notes>\n{notes}\n</notes>"
)


async def work(router: Router, task: str) -> str:
    result = await router.arun(task, role="worker", check=checks.length(min_chars=1))
    print(f"  worker       {result.tier:<7} ${result.cost_usd:.6f}  {task}")
    return f"{task}\n{result.text}"


async def run(goal: str) -> str:
    notes: list[str] = []
    async with Router(log="outcomes.db") as router:
        for _ in range(MAX_ROUNDS):
            question = ASK.format(goal=goal, notes="\n\n".join(notes) or "none yet")
            result = await router.arun(question, role="orchestrator", check=STEP)
            print(f"orchestrator   {result.tier:<7} ${result.cost_usd:.6f}")
            if not result.is_usable:
                raise SystemExit(f"The orchestrator's answer can't be used: {result.status}.")
            step = json.loads(result.text)
            if "answer" in step:
                return str(step["answer"])
            notes += await asyncio.gather(*(work(router, task) for task in step["tasks"]))
    raise SystemExit(f"No answer within {MAX_ROUNDS} rounds.")


if __name__ == "__main__":
    print(asyncio.run(run(" ".join(sys.argv[1:]) or "Compare our three breads for a picnic")))

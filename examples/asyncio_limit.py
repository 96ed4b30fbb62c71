"""Many tickets at once, four at a time, each tagged by the cheapest tier whose answer fits the schema.

ANTHROPIC_API_KEY=... python examples/asyncio_limit.py
"""

import asyncio
import json

from tierwise import Router, TierwiseError
from tierwise.router.run import checks

TICKETS = [
    "The invoice for March shows the old address.",
    "I can't log in since the update, the code never arrives.",
    "Please cancel my plan at the end of the month.",
    "The export has commas in the price column and Excel splits it.",
    "Do you offer a discount for schools?",
    "The app closes when I rotate the phone.",
]
AREAS = ["billing", "login", "contract", "export", "sales", "app"]
FITS = checks.json_schema(
    {"type": "object", "properties": {"area": {"enum": AREAS}}, "required": ["area"]}, fenced=True
)


async def main() -> None:
    four_at_a_time = asyncio.Semaphore(4)

    async with Router() as router:

        async def area_of(ticket: str) -> str:
            question = f'Which area is this ticket about? Answer as {{"area": one of {AREAS}}}.\n\n{ticket}'
            async with four_at_a_time:
                try:
                    result = await router.arun(question, task_type="ticket-area", verifiable=True, check=FITS)
                except TierwiseError as error:  # one ticket without an answer doesn't stop the others
                    return f"({type(error).__name__})"
            return json.loads(result.text.strip("`json\n"))["area"] if result.is_usable else "?"

        for ticket, area in zip(TICKETS, await asyncio.gather(*map(area_of, TICKETS)), strict=True):
            print(f"{area:<10} {ticket}")


if __name__ == "__main__":
    asyncio.run(main())

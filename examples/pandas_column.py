"""A column of a frame from another: with a budget, and a journal by which the same script goes on.

    ANTHROPIC_API_KEY=... python examples/pandas_column.py

Stop it at any moment and start it again: what is done is not paid again.
"""

import pandas as pd

from tierwise import Router
from tierwise.router.run import Options, checks
from tierwise.router.run.jobs import run_many


def main() -> None:
    frame = pd.DataFrame(
        {
            "sku": ["B-100", "B-101", "B-200"],
            "description": [
                "Rye bread, 1 kg, three days of sourdough, keeps for a week.",
                "Wheat bread, 750 g, light crust, best on the day it is baked.",
                "Box of twelve rolls: four poppy, four sesame, four plain.",
            ],
        }
    )
    tasks = [
        {
            "id": row.sku,
            "specification": f"Name the product in at most five words.\n\n{row.description}",
            "task_type": "product-name",
            "verifiable": True,
        }
        for row in frame.itertuples()
    ]
    with Router() as router:
        summary = run_many(
            router,
            tasks,
            journal="product-names.jsonl",
            check=checks.length(min_words=1, max_words=5),
            options=Options(system="Answer with the name alone."),
            max_usd=0.50,
        )
    names = {result.key: result.text.strip() for result in summary.results if result.is_usable}
    frame["name"] = frame["sku"].map(names)
    print(frame[["sku", "name"]].to_string(index=False))
    saved = ", ".join(f"${usd:.6f} against {tier}" for tier, usd in summary.saved_usd.items())
    print(f"${summary.cost_usd:.6f} spent, {summary.n_left} left; saved: {saved}")


if __name__ == "__main__":
    main()

"""What the seed tasks hold, counted.

python -m benchmarks.seeds
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tierwise.data import FOLDER
from tierwise.training.seeds.tasks import TIERS, SeedTask, read_seeds

from ._machine import write

LATE = "r4-"  # authors who did not know the guide
PLAIN = "r5-"  # nor did they; most were asked that nothing on the surface should tell the tier
WIDER = "r6-"  # nor did they; fields, and forms of asking, of their own
LATEST = ("r7-", "r8-")  # nor did they; types with tasks of all tiers, asked that the surface not tell


def main() -> None:
    results = counted(
        read_seeds(), len((FOLDER / "settled_labels.jsonl").read_text(encoding="utf-8").splitlines())
    )
    for name, count in results.items():
        print(f"{name:32} {count}")
    print(f"written to {write('seeds', results)}")


def counted(seeds: list[SeedTask], settled: int) -> dict[str, Any]:
    """settled : rows on which writer and second labeller disagreed, before somebody decided."""
    triples: defaultdict[str, list[int]] = defaultdict(list)
    for seed in seeds:
        if seed.triple:
            triples[seed.triple].append(seed.needed)
    return {
        "tasks": len(seeds),
        "task_types": len({seed.task_type for seed in seeds}),
        "authors": len({seed.domain for seed in seeds}),
        "tasks_of_late_authors": sum(seed.domain.startswith(LATE) for seed in seeds),
        "tasks_of_plain_authors": sum(seed.domain.startswith(PLAIN) for seed in seeds),
        "tasks_of_wider_authors": sum(seed.domain.startswith(WIDER) for seed in seeds),
        "tasks_of_latest_authors": sum(seed.domain.startswith(LATEST) for seed in seeds),
        "by_tier": {tier: sum(seed.needed == rung for seed in seeds) for rung, tier in enumerate(TIERS)},
        "triples": len(triples),
        "triples_with_every_tier": sum(sorted(found) == [0, 1, 2] for found in triples.values()),
        "tasks_in_triples": sum(map(len, triples.values())),
        "pairs": len({seed.pair for seed in seeds if seed.pair}),
        "labelled_twice": sum(seed.second_label is not None for seed in seeds),
        "labels_that_disagreed": settled,
        "agreement": round(1 - settled / len(seeds), 4),
    }


if __name__ == "__main__":
    main()

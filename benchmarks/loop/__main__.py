"""Run the seeds that are not yet in the results, print what they come to, store and plot it.

python -m benchmarks.loop --seeds 20 --weeks 26     (minutes a seed; killed, it goes on where it was)
python -m benchmarks.loop --quick                   (one seed of few weeks, printed and not stored)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from typing import Any

from tqdm import tqdm

from .. import _machine
from . import figures
from .seed import run
from .world import Months

NAME = "loop"
QUICK = Months(weeks=4, first_types=24, new_types=2, tasks=8.0)  # enough for a challenger to be judged


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.quick:
        print(figures.as_text(figures.summary([run(0, QUICK, world=options.world)])))
        return
    months = replace(Months(), weeks=options.weeks, tasks=options.tasks)
    settings = {"world": options.world, "months": json.loads(json.dumps(asdict(months)))}
    done = _stored(settings)
    seeds = range(options.first, options.first + options.seeds)
    left = [seed for seed in seeds if seed not in done]
    with tqdm(total=len(left) * months.weeks, unit="week", disable=None) as bar:
        if options.processes == 1:
            for seed in left:
                bar.set_description(f"seed {seed}")
                _keep(settings, done, run(seed, months, world=options.world, told=lambda _: bar.update()))
        else:
            with ProcessPoolExecutor(options.processes) as pool:
                for each in as_completed([pool.submit(run, s, months, world=options.world) for s in left]):
                    _keep(settings, done, each.result())
                    bar.update(months.weeks)
    print(figures.as_text(figures.summary(_in_order(done))))


def _keep(settings: dict[str, Any], done: dict[int, Any], found: dict[str, Any]) -> None:
    done[found["seed"]] = _rounded(found)
    seeds = _in_order(done)
    path = _machine.write(NAME, {**settings, "summary": figures.summary(seeds), "seeds": seeds})
    figures.plot(seeds, path.with_suffix(".svg"))


def _rounded(value: Any) -> Any:
    """Six significant digits: more than any figure here means, and no sign is lost."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _stored(settings: dict[str, Any]) -> dict[int, Any]:
    """Seeds that have been run with the same settings from the same champion; of others nothing is kept."""
    path = _machine.RESULTS / f"{NAME}.json"
    if not path.exists():
        return {}
    found = json.loads(path.read_text())
    same = all(found.get(name) == value for name, value in settings.items())
    same = same and found["machine"].get("champion") == _machine.champion()
    return {each["seed"]: each for each in found["seeds"]} if same else {}


def _in_order(done: dict[int, Any]) -> list[dict[str, Any]]:
    return [done[seed] for seed in sorted(done)]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop")
    parser.add_argument("--world", choices=("first", "additive", "broken"), default="first")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--first", type=int, default=10, help="earlier ones were looked at while it was built"
    )
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--tasks", type=float, default=Months.tasks, help="a week and type, median")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one small seed, printed and not stored")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

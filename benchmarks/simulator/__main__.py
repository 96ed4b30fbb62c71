"""Run a world and print, store and plot what every policy makes of it.

    python -m benchmarks.simulator                        (minutes; --quick: seconds)
    python -m benchmarks.simulator --world broken --learner my.module:factory

A factory takes (world, training) and gives a `policies.Policy`.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from .. import _machine
from . import figures, loop, new_types
from .policies import Policy, Training, line_up
from .worlds import WORLDS, World


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    world = replace(WORLDS[options.world], text_noise=options.text_noise)
    months = loop.Months(weeks=options.weeks)
    if options.quick:
        options.seeds, options.types = 1, 60
        months = loop.Months(weeks=6, first_types=20, new_types=3, training_types=60)
    policies = partial(line_up_with, tuple(options.learner))
    fresh, lived = _run(world, options, months, policies)
    results = {"new_types": figures.of_new_types(fresh), "loop": figures.of_loop(lived)}
    name = "simulator" if options.world == "first" else f"simulator_{options.world}"
    rates = {key: round(float(rate), 3) for key, rate in loop.rates(world, 0, months).items()}
    print(f"world: {options.world}; all tiers tried: {rates}")
    print(figures.tables(results["new_types"], results["loop"], months.weeks))
    if options.quick:
        return  # too little to keep
    settings = {
        "world": _plain(world),
        "months": asdict(months),
        "seeds": options.seeds,
        "types": options.types,
    }
    path = _machine.write(name, {**settings, "budgets": new_types.BUDGETS, "rates": rates, **results})
    figures.plot(results["new_types"], results["loop"], path.with_suffix(".svg"))


def line_up_with(learners: Sequence[str], world: World, training: Training) -> dict[str, Policy]:
    """The line-up, and learners by `module:factory`."""
    policies = line_up(world, training)
    for learner in learners:
        module, factory = learner.split(":")
        policies[learner] = getattr(importlib.import_module(module), factory)(world, training)
    return policies


def _run(
    world: World, options: argparse.Namespace, months: loop.Months, policies: new_types.LineUp
) -> tuple[list[Any], list[Any]]:
    """Every seed of both experiments, in any order, each deterministic by its seed."""
    with ProcessPoolExecutor(options.processes) as pool:
        seeds = range(options.seeds)
        fresh = [pool.submit(new_types.run, world, seed, options.types, policies) for seed in seeds]
        lived = [pool.submit(loop.run, world, seed, months, policies) for seed in seeds]
        return [run.result() for run in fresh], [run.result() for run in lived]


def _plain(world: World) -> dict[str, Any]:
    """As JSON has it: no infinity."""
    return {key: str(value) if value == float("inf") else value for key, value in asdict(world).items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator")
    parser.add_argument("--world", choices=WORLDS, default="first")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--types", type=int, default=400, help="new types per seed")
    parser.add_argument(
        "--text-noise", type=float, default=0.0, help="sd of the router's reading, in the loop"
    )
    parser.add_argument("--learner", action="append", default=[], metavar="MODULE:FACTORY")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="one small seed, printed and not stored")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

"""Policy options, shared by the commands that decide."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ..router.ladder import Ladder
from ..router.policy import Policy

_NAMES = ("max_under_tier", "correction_minutes", "hourly_rate_usd")


now_option = click.option("--now", is_flag=True, help="Everything at once, at the full price: no batches.")


def without_batches(policy: Policy | None, *, now: bool) -> Policy | None:
    """The policy; where it is `now`, no number of items is enough for a batch."""
    return replace(policy or Policy(), batch_over_items=sys.maxsize) if now else policy


def policy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the command a `policy` made from the options."""

    @click.option("--max-under-tier", type=float, help="Accepted rate of under-tiering (default 0.05).")
    @click.option("--correction-minutes", type=float, help="Price a correction: a person's minutes ...")
    @click.option("--hourly-rate-usd", type=float, help="... at this rate. Then least expected cost decides.")
    @click.option("--ladder", "ladder_path", type=click.Path(path_type=Path), help="A tiers file.")
    @click.option("--enable", multiple=True, help="Switch on a rung of the ladder, such as fable.")
    @wraps(command)
    def with_policy(*args: Any, ladder_path: Path | None, enable: tuple[str, ...], **options: Any) -> Any:
        chosen = {name: options.pop(name) for name in _NAMES}
        values = {name: value for name, value in chosen.items() if value is not None}
        if ladder_path is not None or enable:
            values["ladder"] = Ladder.load(ladder_path, enable=enable)
        return command(*args, policy=Policy(**values) if values else None, **options)

    return with_policy

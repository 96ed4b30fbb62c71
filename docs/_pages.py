"""The pages about the code: reason codes, commands, tiers, facts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields

import click

from tierwise.classifier.task import ROLES, Task
from tierwise.cli import main as tierwise
from tierwise.cli.catalog import rows
from tierwise.data import IMAGES, TIERS
from tierwise.router._meanings import described
from tierwise.router.ladder import Ladder
from tierwise.router.reasons import FALLBACKS, MEANING, WARNINGS

from ._table import table

HELP_WIDTH = 100
KINDS = {
    "bool": "true or false",
    "int": "whole number >= 0",
    "str": "text",
    "tuple": "list of tiers",
    "Role": " / ".join(ROLES),
}


def reasons_page() -> str:
    """Every reason code and what it says."""
    lines = []
    for code, meaning in MEANING.items():
        kinds = ["fallback"] * (code in FALLBACKS) + ["warning"] * (code in WARNINGS)
        lines.append((f"`{code}`", ", ".join(kinds), meaning))
    body = table(("code", "kind", "meaning"), lines)
    return f"# Reason codes\n\nThe values of `decision.reason` and `decision.reasons`.\n\n{body}"


def cli_page() -> str:
    """Each command's --help."""
    settings = tierwise.context_settings
    root = click.Context(tierwise, info_name="tierwise", terminal_width=HELP_WIDTH, **settings)
    return "\n\n".join(["# Commands", *_helps(root)])


def _helps(context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{context.command.get_help(context)}\n```"
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            yield from _helps(click.Context(command, parent=context, info_name=name))


def tiers_page() -> str:
    """The ladders that ship, rungs that are off included."""
    parts = ["# Tiers", "Lowest first. Prices are USD per million units; a step prices the whole request."]
    for path in (TIERS, IMAGES):
        names = [rung["tier"] for rung in tomllib.loads(path.read_text(encoding="utf-8"))["rung"]]
        ladder = Ladder.load(path, enable=names)
        found = rows(ladder)
        parts.append(f"## {ladder.name}\n\nFrom `data/{path.name}`; a unit is one {ladder.unit}.")
        parts.append(table(tuple(found[0]), (row.values() for row in found)))
        off = [rung.tier for rung in ladder.rungs if not rung.enabled]
        parts += [f"Off until enabled: {', '.join(off)}."] if off else []
        parts.append("\n".join(["Sources:", "", *(f"- {rung.tier}: {rung.source}" for rung in ladder.rungs)]))
    return "\n\n".join(parts)


def facts_page() -> str:
    """The facts of a task. Raises ValueError for a fact that the docstring of Task leaves out."""
    kinds = {field.name: str(field.type) for field in fields(Task)}
    lines, told = [], set()
    for names, meaning in described():
        told.update(names)
        kind = KINDS[re.split(r"\W", kinds[names[0]])[0]]
        where = ", ".join("argument" if n == "specification" else f"`--{n.replace('_', '-')}`" for n in names)
        lines.append((", ".join(f"`{name}`" for name in names), kind, where, meaning))
    missing = kinds.keys() - told
    if missing:
        raise ValueError(f"The docstring of Task does not describe: {', '.join(sorted(missing))}.")
    body = table(("fact", "value", "command line", "meaning"), lines)
    return f"# Facts of a task\n\nAll but `specification` may be left out.\n\n{body}"

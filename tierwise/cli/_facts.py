"""Facts on the command line and in files: one option per fact, made from the Task itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import click

from ..classifier.errors import InvalidTask
from ..classifier.task import ROLES, Task, check_fact_names, names_in
from ..router._meanings import meanings

_TRUE, _FALSE = {"true", "1", "yes", "y"}, {"false", "0", "no", "n"}
_KIND = {field.name: str(field.type) for field in fields(Task) if field.name != "specification"}

Command = TypeVar("Command", bound=Callable[..., Any])


def fact_options(command: Command) -> Command:
    """Add an option for every fact that a task may have."""
    told = meanings()
    for name, kind in reversed(_KIND.items()):
        flag, help_ = "--" + name.replace("_", "-"), _sentence(told.get(name, ""))
        if kind.startswith("bool"):
            option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=help_)
        elif kind.startswith("int"):
            option = click.option(flag, name, type=click.IntRange(min=0), help=help_)
        elif name == "role":
            option = click.option(flag, name, type=click.Choice(ROLES), help=help_)
        elif name == "attempts":
            option = click.option(flag, name, multiple=True, help="A tier that failed; repeatable.")
        else:
            option = click.option(flag, name, help=help_)
        command = option(command)
    return command


def _sentence(meaning: str) -> str:
    """As the help of options is written; what is emphasised in the docstring is plain here."""
    return meaning[:1].upper() + meaning[1:].replace("*", "")


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were used."""
    return {name: value for name, value in options.items() if value not in (None, ())}


def task_from_text_row(row: Mapping[str, str | None]) -> Task:
    """A task from a row of texts, as CSV gives it; empty cells are facts not given."""
    values = {name: text.strip() for name, text in row.items() if name and text and text.strip()}
    check_fact_names(values)
    parsed = {name: text if name == "specification" else _parsed(name, text) for name, text in values.items()}
    return Task.from_mapping(parsed)


def _parsed(name: str, text: str) -> Any:
    kind = _KIND[name]
    if kind.startswith("bool"):
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise InvalidTask(f"{name} must be true or false; got {text!r}.", about=name)
    if kind.startswith("int"):
        try:
            return int(text)
        except ValueError:
            raise InvalidTask(f"{name} must be a whole number >= 0; got {text!r}.", about=name) from None
    if name == "attempts":
        return names_in(text)
    return text

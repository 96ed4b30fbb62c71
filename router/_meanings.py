"""What the facts of a task mean, in the words of the class: for --help, documents, the API's description."""

from __future__ import annotations

import re
from dataclasses import fields

from ..classifier.task import Task

_NAMES = frozenset(field.name for field in fields(Task))
_LINE = re.compile(r"^ {4}(\w+(?:, \w+)*) : (.+)$", re.MULTILINE)


def described() -> list[tuple[tuple[str, ...], str]]:
    """(facts, what they mean), in the docstring's order; nothing where Python runs without docstrings."""
    lines = [(tuple(names.split(", ")), meaning) for names, meaning in _LINE.findall(Task.__doc__ or "")]
    return [(names, meaning) for names, meaning in lines if _NAMES.issuperset(names)]


def meanings() -> dict[str, str]:
    """Fact -> what it means."""
    return {name: meaning for names, meaning in described() for name in names}

"""Facts that come beside a request: as a mapping in Python, as headers over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import unquote

from ...classifier.errors import InvalidTask, UnknownFact
from ...classifier.task import FACTS, Task

AUTO_MODELS = ("auto", "tierwise-auto")
FOLLOWS = "follows"  # beside the facts: the decision whose attempt at this very task failed
_PREFIX = "x-tierwise-"
_NOT_FACTS = ("token",)  # the service's own
_KNOWN = frozenset((*FACTS, "specification", FOLLOWS))
_KINDS = {field.name: str(field.type).partition(" ")[0] for field in fields(Task)}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def is_auto(model: object) -> bool:
    """Whether the caller leaves the choice of a model to us."""
    return isinstance(model, str) and model in AUTO_MODELS


def is_fact_header(name: str) -> bool:
    """Headers of ours, none of which goes further."""
    return name.lower().startswith(_PREFIX)


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raise UnknownFact for the first name that is neither a fact nor `specification` or `follows`."""
    for name in facts:
        if name not in _KNOWN:
            raise UnknownFact(str(name), _KNOWN)


def facts_from_headers(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`x-tierwise-task-type: meta-description` and the like; values are UTF-8, and may be percent-encoded.

    Flags are true or false, counts are digits, attempts a list with commas. Raises InvalidTask.
    """
    found: dict[str, Any] = {}
    for header, text in headers:
        name = header.lower().removeprefix(_PREFIX).replace("-", "_")
        if is_fact_header(header) and name not in _NOT_FACTS:
            check_facts({name: None})
            found[name] = _value(name, header, unquote(_as_sent(text)).strip())
    return found


def _as_sent(text: str) -> str:
    """Clients write UTF-8 into headers, which are read as Latin-1; what is no UTF-8 stays."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _value(name: str, header: str, text: str) -> Any:
    kind = _KINDS.get(name, "str")
    if kind == "bool":
        if text.lower() not in _FLAGS:
            raise InvalidTask(f"{header} must be true or false; got {text!r}.", about=name)
        return _FLAGS[text.lower()]
    if kind == "int":
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise InvalidTask(f"{header} must be a whole number >= 0; got {text!r}.", about=name)
        return int(text)
    return tuple(part.strip() for part in text.split(",") if part.strip()) if name == "attempts" else text

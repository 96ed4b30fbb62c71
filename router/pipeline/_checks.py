"""Checks that a step declares, as a TOML file can: `check = {json = true, items = {exactly = 5}}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...classifier.errors import InvalidPipeline, InvalidRequest, suggestion

if TYPE_CHECKING:
    from ..run._check import Check

KINDS = ("json", "json_schema", "regex", "length", "items")  # in this order they are made


def built_check(declared: Mapping[str, Any] | Callable[[str], Any] | Check, where: str) -> Check:
    """The check; several kinds must all pass.

    json : true. json_schema : a schema. regex : a pattern, or {pattern, whole}. length : min_chars,
    max_chars, min_words, max_words. items : exactly, at_least, at_most, of ("json" or "lines").

    Raises InvalidPipeline for what is none, MissingExtra where a schema is given and jsonschema is missing.
    """
    from ..run import checks
    from ..run._check import as_check

    try:
        if not isinstance(declared, Mapping):
            return as_check(declared)
        _check_kinds(declared, where)
        made = [_made(kind, declared[kind], where) for kind in KINDS if declared.get(kind) is not None]
        return made[0] if len(made) == 1 else checks.all_of(*made)
    except InvalidRequest as error:
        raise InvalidPipeline(f"{where}: {error}", about=error.about) from error


def _made(kind: str, given: Any, where: str) -> Check:
    from ..run import checks

    match kind, given:
        case "json", True:
            return checks.json_schema(name="json")
        case "json_schema", Mapping():
            return checks.json_schema(given)
        case "regex", str():
            return checks.regex(given)
        case (("regex" | "length" | "items"), Mapping()):
            make: Any = getattr(checks, kind)
            try:
                made: Check = make(**given)
                return made
            except TypeError as error:
                raise InvalidPipeline(f"{where}: check.{kind} {_said(error)}.", about=kind) from error
    expected = {"json": "true", "json_schema": "a table with the schema", "regex": "a pattern (text)"}
    raise InvalidPipeline(
        f"{where}: check.{kind} must be {expected.get(kind, 'a table of bounds')}; got {given!r}.", about=kind
    )


def _check_kinds(declared: Mapping[str, Any], where: str) -> None:
    for kind in declared:
        if kind not in KINDS:
            raise InvalidPipeline(
                f"{where}: no check is called {kind!r}{suggestion(kind, KINDS)} "
                f"There are: {', '.join(KINDS)}.",
                about=kind,
            )
    if not declared:
        raise InvalidPipeline(f"{where}: check is empty; give one of {', '.join(KINDS)}.", about="check")


def _said(error: TypeError) -> str:
    """What Python says of the call, without the name of the function."""
    return str(error).partition("() ")[2] or str(error)

"""Checks of an answer by a program.

    from tierwise.router.run import Grade, checks

    check = checks.all_of(
        checks.json_schema({"type": "array", "items": {"type": "string", "maxLength": 155}}),
        checks.items(exactly=120),
        checks.function(no_competitor_named),
        Grade("sonnet", "Each description names the post's subject."),     # the dear one last
    )

A function that returns True or False is a check as it is. A check that raises has not run: that is no verdict
on the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...classifier.errors import InvalidRequest, MissingExtra
from ._check import AllOf, Check, CheckLike, CheckResult, FunctionCheck, as_check

_FENCED = re.compile(r"\s*```[a-zA-Z]*\n(.*?)\n?```\s*\Z", re.DOTALL)

__all__ = ["all_of", "function", "items", "json_schema", "length", "regex"]


def function(check: Callable[[str], Any], *, name: str | None = None) -> Check:
    """A function of the text as a check of this name (default: its own)."""
    return as_check(check, name)


def all_of(*checks: CheckLike, name: str = "all_of") -> Check:
    """All of them, in order; stops at the first that fails."""
    if not checks:
        raise InvalidRequest("all_of needs at least one check.", about="checks")
    return AllOf(tuple(as_check(check) for check in checks), name)


def json_schema(
    schema: Mapping[str, Any] | None = None, *, fenced: bool = False, name: str = "json_schema"
) -> Check:
    """JSON that fits the schema; without one, any JSON.

    fenced : take JSON inside one ``` fence too. Raises InvalidRequest for a schema that is none, and
    MissingExtra where jsonschema isn't installed.
    """
    validator = None if schema is None else _validator(schema)

    def fits(text: str) -> CheckResult:
        found, problem = _parsed(text, fenced=fenced)
        if problem is not None:
            return CheckResult.failed(problem)
        error = None if validator is None else next(validator.iter_errors(found), None)
        if error is None:
            return CheckResult.passed()
        # not the library's own message: that quotes the answer
        return CheckResult.failed(f"at {error.json_path}: {error.validator} {_short(error.validator_value)}")

    return FunctionCheck(fits, name)


def regex(pattern: str, *, whole: bool = False, flags: int = 0, name: str = "regex") -> Check:
    """The pattern is found in the text; `whole`: the text as a whole is an instance of it."""
    try:
        compiled = re.compile(pattern, flags)
    except re.error as error:
        raise InvalidRequest(f"{pattern!r} is no regular expression: {error}.", about=pattern) from error
    matches = compiled.fullmatch if whole else compiled.search

    def found(text: str) -> CheckResult:
        return CheckResult.passed() if matches(text) else CheckResult.failed(f"no match of {pattern!r}")

    return FunctionCheck(found, name)


def length(
    *, min_chars: int = 0, max_chars: int | None = None, min_words: int = 0, max_words: int | None = None,
    name: str = "length",
) -> Check:  # fmt: skip
    """So many characters (of the text without space around it), and so many words."""
    _check_bounds("chars", min_chars, max_chars)
    _check_bounds("words", min_words, max_words)

    def right(text: str) -> CheckResult:
        for found, low, high, unit in (
            (len(text.strip()), min_chars, max_chars, "characters"),
            (len(text.split()), min_words, max_words, "words"),
        ):
            if found < low or (high is not None and found > high):
                return CheckResult.failed(f"{found} {unit}, allowed {_range(low, high)}")
        return CheckResult.passed()

    return FunctionCheck(right, name)


def items(
    *,
    exactly: int | None = None,
    at_least: int = 0,
    at_most: int | None = None,
    of: str | Callable[[str], int] = "json",
    name: str = "items",
) -> Check:
    """So many items.

    of : "json": entries of the list, or of the one list in the object; "lines": lines with text; or a
        function that counts.
    """
    low, high = (at_least, at_most) if exactly is None else (exactly, exactly)
    _check_bounds("items", low, high)
    if of not in ("json", "lines") and not callable(of):
        raise InvalidRequest(f"of must be 'json', 'lines' or a function that counts; got {of!r}.", about="of")

    def counted(text: str) -> CheckResult:
        if of == "json":
            found, problem = _parsed(text, fenced=False)
            n_items = None if problem else _n_items(found)
            if n_items is None:
                return CheckResult.failed(problem or "no list, and no object with exactly one list")
        elif of == "lines":
            n_items = sum(bool(line.strip()) for line in text.splitlines())
        else:
            n_items = of(text)  # type: ignore[operator]
        if n_items < low or (high is not None and n_items > high):
            return CheckResult.failed(f"{n_items} items, allowed {_range(low, high)}")
        return CheckResult.passed()

    return FunctionCheck(counted, name)


def _validator(schema: Mapping[str, Any]) -> Any:
    try:
        import jsonschema
    except ModuleNotFoundError as error:
        raise MissingExtra("jsonschema", "checks") from error
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise InvalidRequest(
            f"This is no JSON schema: at {error.json_path}: {error.message}.", about=schema
        ) from error
    return kind(schema)


def _parsed(text: str, *, fenced: bool) -> tuple[Any, str | None]:
    inside = _FENCED.match(text) if fenced else None
    try:
        return json.loads(inside[1] if inside else text), None
    except ValueError as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        return None, f"not JSON{where}"


def _n_items(found: object) -> int | None:
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        return len(lists[0]) if len(lists) == 1 else None
    return len(found) if isinstance(found, list) else None


def _check_bounds(unit: str, low: int, high: int | None) -> None:
    if low < 0 or (high is not None and high < low):
        raise InvalidRequest(
            f"The bounds of {unit} must be 0 <= least <= most; got {low} and {high}.", about=unit
        )


def _range(low: int, high: int | None) -> str:
    return f"at least {low}" if high is None else f"{low} to {high}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."

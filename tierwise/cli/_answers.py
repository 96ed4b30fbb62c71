"""What is asked of an answer, and how: options of the commands that call Claude."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..classifier.errors import InvalidRequest, suggestion

if TYPE_CHECKING:
    from ..router.run import Check

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NAMES = (
    *("json", "json-schema", "regex", "min-chars", "max-chars", "min-words", "max-words", "items", "lines"),
    "grade",
)
CHECK_HELP = (
    "json; json-schema=FILE; regex=PATTERN; min-chars=N, max-chars=N, min-words=N, max-words=N; items=N (of "
    "a JSON list), lines=N; grade=TIER:CRITERIA (asks that tier, at its price). Repeatable: all must pass."
)


def check_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the command a `check`, or None."""

    @click.option("--check", "checks_", multiple=True, metavar="CHECK", help=CHECK_HELP)
    @wraps(command)
    def with_check(*args: Any, checks_: tuple[str, ...], **options: Any) -> Any:
        return command(*args, check=check_of(checks_), **options)

    return with_check


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the command `request`: the Options of every request."""

    @click.option("--system", help="The system prompt.")
    @click.option("--system-file", type=click.Path(path_type=Path), help="The system prompt, from a file.")
    @click.option("--max-tokens", type=click.IntRange(min=1), help="Where an answer ends.")
    @click.option("--effort", type=click.Choice(_EFFORTS))
    @click.option(
        "--schema", "schema_path", type=click.Path(path_type=Path), help="A JSON schema to answer in."
    )
    @wraps(command)
    def with_request(
        *args: Any,
        system: str | None,
        system_file: Path | None,
        max_tokens: int | None,
        effort: str | None,
        schema_path: Path | None,
        **options: Any,
    ) -> Any:
        from ..router.run import Options

        if system is not None and system_file is not None:
            raise InvalidRequest("Give --system or --system-file, not both.", about="system")
        text = system if system_file is None else _read(system_file)
        schema = None if schema_path is None else _schema(schema_path)
        request = Options(system=text, max_tokens=max_tokens, effort=effort, output_schema=schema)
        return command(*args, request=request, **options)

    return with_request


def check_of(given: tuple[str, ...]) -> Check | None:
    """All of these together; None for none. Raises InvalidRequest."""
    from ..router.run import checks

    made = [_check(each) for each in given]
    return None if not made else made[0] if len(made) == 1 else checks.all_of(*made)


def _check(given: str) -> Check:
    from ..router.run import Grade, checks

    name, _, value = given.partition("=")
    if name not in _NAMES:
        raise InvalidRequest(
            f"Unknown check {name!r}{suggestion(name, _NAMES)} Known: {', '.join(_NAMES)}.", about=given
        )
    if name == "json":
        return checks.json_schema()
    if not value:
        raise InvalidRequest(f"The check {name} needs a value: {name}=...", about=given)
    if name == "json-schema":
        return checks.json_schema(_schema(Path(value)))
    if name == "regex":
        return checks.regex(value)
    if name == "grade":
        tier, _, criteria = value.partition(":")
        if not criteria.strip():
            raise InvalidRequest("A grade is a tier and criteria: grade=sonnet:No claim is invented.")
        return Grade(tier, criteria)
    number = _whole(name, value)
    if name in ("items", "lines"):
        return checks.items(exactly=number, of="json" if name == "items" else "lines")
    return checks.length(**{name.replace("-", "_"): number}, name=name)


def _whole(name: str, value: str) -> int:
    if not value.isdecimal():
        raise InvalidRequest(f"{name} must be a whole number >= 0; got {value!r}.", about=name)
    return int(value)


def _schema(path: Path) -> dict[str, Any]:
    text = _read(path)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON.", about=path) from error
    if not isinstance(found, dict):
        raise InvalidRequest(f"{path} holds no JSON schema: expected an object.", about=path)
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidRequest(f"Can't read {path}: {why}.", about=path) from error

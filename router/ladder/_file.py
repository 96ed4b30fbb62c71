"""A ladder file, checked fact by fact before anything is built from it."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

from ...classifier.errors import InvalidLadder, suggestion
from .prices import PriceStep
from .rung import ROLES, Rung

LADDER_FORMAT = 1

_REQUIRED = ("tier", "model", "price", "checked_on", "source")
_DATE = (datetime.date, "a date, such as 2026-11-24, without quotes")
_COUNT, _NUMBER = (int, "a whole number >= 0"), ((int, float), "a number >= 0")
_TYPES: dict[str, tuple[Any, str]] = {
    "enabled": (bool, "true or false"),
    "accepts": (list, "a list of texts"),
    "price": (list, "a list of tables: [[rung.price]]"),
    "checked_on": _DATE,
    "retires_on": _DATE,
    "context_window_tokens": _COUNT,
    "max_output_tokens": _COUNT,
    "output_tokens_per_second": _NUMBER,
    "first_token_ms": _NUMBER,
}


def read_ladder(path: Path, enable: tuple[str, ...] = ()) -> tuple[str, tuple[Rung, ...], str]:
    """Name, rungs and unit of the ladder in a TOML file. Raises InvalidLadder, naming file, rung and fact."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidLadder(
            f"Can't read the ladder {path}: {error.strerror}. Name a tiers file, or unset TIERWISE_LADDER.",
            about=path,
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLadder(f"{path} is not a TOML file: {error}.", about=path) from error
    rungs = _parse_rungs(document, str(path), enable)
    return document.get("name", path.stem), rungs, document.get("unit", "token")


def _parse_rungs(document: dict[str, Any], where: str, enable: tuple[str, ...]) -> tuple[Rung, ...]:
    form, tables = document.get("format", LADDER_FORMAT), document.get("rung", [])
    if not isinstance(form, int):
        raise InvalidLadder(f"format of {where} must be a whole number; got {form!r}.", about=form)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidLadder(f"{where} must list its tiers as [[rung]] tables.", about=where)
    if form > LADDER_FORMAT:
        raise InvalidLadder(
            f"{where} has format {document['format']}; this tierwise reads up to {LADDER_FORMAT}. "
            "Upgrade tierwise.",
            about=where,
        )
    rungs = [_parse_rung(table, where) for table in tables]
    for name in enable:
        if name not in [rung.tier for rung in rungs]:
            known = [rung.tier for rung in rungs]
            raise InvalidLadder(f"No rung {name!r} in {where}{suggestion(name, known)}", about=name)
    return tuple(rung for rung in rungs if rung.enabled or rung.tier in enable)


def _parse_rung(table: dict[str, Any], where: str) -> Rung:
    name = table.get("tier", "without a name")
    for key in _REQUIRED:
        if not table.get(key):
            raise InvalidLadder(f"Rung {name!r} in {where} lacks {key!r}.", about=key)
    known = {*Rung.__dataclass_fields__, "price"} - {"prices"}
    for key in table:
        if key not in known:
            raise InvalidLadder(
                f"Rung {name!r} in {where} has an unknown fact {key!r}{suggestion(key, known)}", about=key
            )
    if table.get("role") not in (None, *ROLES):
        raise InvalidLadder(
            f"Rung {name!r} in {where}: role must be one of {', '.join(ROLES)}; got {table['role']!r}.",
            about=table["role"],
        )
    for key, value in table.items():
        _check_type(key, value, f"Rung {name!r} in {where}")
    values = {key: value for key, value in table.items() if key != "price"}
    values["accepts"] = tuple(table.get("accepts", ()))
    return Rung(**values, prices=PriceStep.parse_all(table["price"], f"rung {name!r} in {where}"))


def _check_type(key: str, value: object, where: str) -> None:
    allowed, words = _TYPES.get(key, (str, "a text"))
    right = isinstance(value, allowed) and isinstance(value, bool) == (allowed is bool)
    right = right and type(value) is not datetime.datetime
    if not right or (isinstance(value, (int, float)) and value < 0):
        raise InvalidLadder(f"{where}: {key} must be {words}; got {value!r}.", about=key)

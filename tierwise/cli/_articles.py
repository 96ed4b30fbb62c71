"""Articles from a file: the fields of each as a JSON object, one a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..classifier.errors import InvalidPipeline


def read_articles(path: Path) -> Sequence[Mapping[str, Any]]:
    """One JSON object a line. Raises InvalidPipeline, naming the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # texts may have other line ends in them
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidPipeline(
            f"Can't read the articles {str(path)!r}: {why}. "
            "Give a number, or a file with one JSON object a line.",
            about=path,
        ) from error
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            article = json.loads(line)
        except ValueError as error:
            raise InvalidPipeline(f"{path}: line {number} is not JSON: {error}.", about=number) from error
        if not isinstance(article, dict):
            raise InvalidPipeline(
                f"{path}: line {number} must be an object with an article's fields; got "
                f"{type(article).__name__}.",
                about=number,
            )
        found.append(article)
    if not found:
        raise InvalidPipeline(f"{path} has no articles; expected one JSON object a line.", about=path)
    return found

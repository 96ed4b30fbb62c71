"""Templates of steps: `{topic}` is a field of the article, `{steps.draft}` what the step "draft" wrote."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...classifier.errors import InvalidPipeline, suggestion

STEPS = "steps."
_FIELD = re.compile(r"[^\W\d]\w*")


class Template(NamedTuple):
    """A text in pieces: (text before, name of what is put after it, or None)."""

    pieces: tuple[tuple[str, str | None], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of the article, each once, in order."""
        return tuple(dict.fromkeys(n for _, n in self.pieces if n is not None and not n.startswith(STEPS)))

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps whose output is used."""
        names = (n for _, n in self.pieces if n is not None)
        return tuple(dict.fromkeys(n.removeprefix(STEPS) for n in names if n.startswith(STEPS)))

    @property
    def instruction(self) -> str:
        """The text with names in place of what is filled in: what there is to decide about."""
        return "".join(text + ("" if name is None else _in_words(name)) for text, name in self.pieces)

    @property
    def n_chars(self) -> int:
        """Of the text itself."""
        return sum(len(text) for text, _ in self.pieces)

    def uses_of(self, name: str) -> int:
        """How often a field, or `steps.` and a step, is put in."""
        return sum(used == name for _, used in self.pieces)

    def render(self, fields: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
        """The text, filled in; braces in what is filled in mean nothing. Fields must be there (`checked`)."""
        found: list[str] = []
        for text, name in self.pieces:
            found.append(text)
            if name is not None:
                value = outputs[name.removeprefix(STEPS)] if name.startswith(STEPS) else fields[name]
                found.append(text_of(value))
        return "".join(found)


def parse_template(text: str, where: str) -> Template:
    """Raises InvalidPipeline for a placeholder that is neither a field nor a step."""
    pieces: list[tuple[str, str | None]] = []
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise InvalidPipeline(
            f"{where}: the specification is no template: {error}. Write {{{{ and }}}} for braces that are "
            "meant as such, as in JSON.",
            about=text,
        ) from error
    for before, name, form, conversion in parsed:
        if name is not None and (form or conversion or not _is_placeholder(name)):
            found = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise InvalidPipeline(
                f"{where}: {{{found}}} can't be filled in. Expected {{field}} for a field of the article or "
                "{steps.name} for what a step wrote; write {{ and }} for braces that are meant as such.",
                about=found,
            )
        pieces.append((before, name))
    return Template(tuple(pieces))


def check_fields(needed: Mapping[str, str], article: Mapping[str, Any], where: str) -> None:
    """Raise InvalidPipeline for fields (name -> step that needs it) that are missing, null or no text."""
    missing = [name for name in needed if article.get(name) is None]
    if missing:
        name, *others = missing
        if name in article:
            raise InvalidPipeline(
                f"{where}: the field {name!r}, which the step {needed[name]!r} needs, is null. Give it a "
                'text, an empty one ("") where nothing is to stand there.',
                about=name,
            )
        has = ", ".join(map(repr, article)) or "no fields"
        more = f"It lacks {', '.join(map(repr, others))} too. " if others else ""
        raise InvalidPipeline(
            f"{where} lacks the field {name!r} that the step {needed[name]!r} needs"
            f"{suggestion(name, article)} {more}It has {has}.",
            about=name,
        )
    for name in needed:
        try:
            text_of(article[name]).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidPipeline(
                f"{where}: the field {name!r} has a lone surrogate at position {error.start}; it was decoded "
                "with the wrong codec. Decode it as UTF-8 or UTF-16.",
                about=name,
            ) from None


def text_of(value: Any) -> str:
    """Texts and numbers as they are, all else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_placeholder(name: str) -> bool:
    return bool(name[len(STEPS) :]) if name.startswith(STEPS) else _FIELD.fullmatch(name) is not None


def _in_words(name: str) -> str:
    return re.sub(r"[-_]+", " ", name.removeprefix(STEPS))

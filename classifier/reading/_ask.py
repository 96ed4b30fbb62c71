"""What a text asks, without the material that comes with it.

A specification is often a line of instruction over pages of mail, code or minutes. Material has words of any
tier in it; what is to be done stands in the ask.
"""

from __future__ import annotations

import re

LEAST_WORDS = 3  # a shorter line is a greeting or a heading
LEAST_QUOTED = 15  # characters; shorter quotations are names and terms, and part of the ask
_PAIRS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("`", "`"))
_OPENS = "[" + "".join(pair[0] for pair in _PAIRS) + "]"
_OPENING = re.compile(rf"{_OPENS}(?<!\S{_OPENS})")  # at the start of a word: else it closes, or means inches
_QUOTED = re.compile(
    "|".join(
        [
            "```(?<!\\S```).*?(?:```|$)",
            *(rf"{a}(?<!\S{a})[^{b}]{{{LEAST_QUOTED},}}(?:{b}|$)" for a, b in _PAIRS),
        ]
    ),
    re.DOTALL,
)


def ask_of(text: str) -> str:
    """The first line of at least LEAST_WORDS words, long quotations left out; `text` itself, the same object,
    where nothing is left out or too little left.

    >>> ask_of("Summarise this in two lines:\\nDear all, we decided to move the launch to May.")
    'Summarise this in two lines:'
    """
    bare = text.strip()
    if "\n" not in bare and not (_has_sign(bare) and _OPENING.search(bare)):
        return text
    unquoted, n_quoted = _QUOTED.subn(" ", bare)
    if not n_quoted and "\n" not in bare:
        return text
    lines = unquoted.split("\n")
    return next((line for line in lines if len(line.split(None, LEAST_WORDS)) >= LEAST_WORDS), text)


def _has_sign(text: str) -> bool:
    """Whether any of what may open a quotation occurs; most texts need no closer look."""
    return '"' in text or "“" in text or "„" in text or "«" in text or "`" in text

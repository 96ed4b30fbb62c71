"""What a text asks, without the material that comes with it.

A specification is often a line of instruction over pages of mail, code or minutes. Material has words of any
tier in it; what is to be done stands in the ask.
"""

from __future__ import annotations

import re

LEAST_WORDS = 3  # a shorter line is a greeting or a heading
LEAST_QUOTED = 25  # characters; shorter quotations are names and terms, and part of the ask
_PAIRS = ('""', "“”", "„“", "«»", "``")
_OPENING = re.compile("[" + "".join(pair[0] for pair in _PAIRS) + "]")
_QUOTED = re.compile(
    "|".join(
        ["```.*?(?:```|$)", *(f"{a}[^{b}]{{{LEAST_QUOTED},}}(?:{b}|$)" for a, b in _PAIRS)]
    ),
    re.DOTALL,
)


def ask_of(text: str) -> str:
    """The first line of at least LEAST_WORDS words, long quotations left out; `text` itself, the same object,
    where nothing is left out or too little left.

    >>> ask_of("Summarise this in two lines:\\nDear all, we decided to move the launch to May.")
    'Summarise this in two lines:'
    """
    if "\n" not in text and not _OPENING.search(text):
        return text
    lines = _QUOTED.sub(" ", text).split("\n")
    ask = next((line for line in lines if len(line.split(None, LEAST_WORDS)) >= LEAST_WORDS), text)
    return text if ask.split() == text.split() else ask

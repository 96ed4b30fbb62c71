"""A specification as the words that are read."""

from __future__ import annotations

MAX_WORDS_READ = 2_000
TEXT_BITS = 10
MAX_TEXTS = 1 << TEXT_BITS  # so many are read at once: the arrays stay small, the calls of NumPy few


def words_of(text: str) -> list[str]:
    """The distinct whitespace words, in order; of a very long text those of its two ends.

    Distinct, because a pasted table that says "invoice" fifty times asks for one thing.
    """
    return list(dict.fromkeys(running_words(text)))


def running_words(text: str) -> list[str]:
    """All whitespace words in order; of a very long text its two ends, where instructions stand."""
    words = text.split()
    if len(words) > MAX_WORDS_READ:
        half = MAX_WORDS_READ // 2
        return words[:half] + words[-half:]
    return words


def is_very_long(text: str) -> bool:
    """Whether only the ends of the text were read."""
    return len(text) > 2 * MAX_WORDS_READ and len(text.split()) > MAX_WORDS_READ

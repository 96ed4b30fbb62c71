"""WordPiece tokenisation in plain Python, one whitespace word at a time.

A word's pieces depend on nothing but the word, so whoever caches words (`_words.py`) pays for
this only once per distinct word. The result equals `tokenizers`' BERT pipeline (uncased) on
assigned characters; a test compares the two on real text. This module is the contract: training
and serving both use it, and its version is stored with every artifact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

TOKENIZER_VERSION = 1
MAX_PIECE_CHARS = 100  # BERT's own limit: a longer run of letters is one unknown piece
UNKNOWN = "[UNK]"
_ASCII_PARTS = re.compile(r"[a-z0-9]+|[^a-z0-9\s]")  # every ASCII symbol stands alone


class WordPiece:
    """Ids of the pieces of one word.

    >>> WordPiece(["[UNK]", "tag", "##ging", "!"]).ids("Tagging!")
    [1, 2, 3]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self._id_of = dict(zip(self.vocabulary, range(len(self.vocabulary)), strict=True))
        self._unknown = self._id_of[UNKNOWN]

    def ids(self, word: str) -> list[int]:
        """Piece ids of one whitespace-delimited word; empty for a word of control characters."""
        return [piece for part in split_word(word) for piece in self._pieces(part)]

    def _pieces(self, part: str) -> list[int]:
        if len(part) > MAX_PIECE_CHARS:
            return [self._unknown]
        pieces: list[int] = []
        start = 0
        while start < len(part):
            end = len(part)
            while end > start:
                piece = part[start:end] if start == 0 else "##" + part[start:end]
                found = self._id_of.get(piece)
                if found is not None:
                    break
                end -= 1
            else:
                return [self._unknown]  # greedy longest match: one gap makes the whole part unknown
            pieces.append(found)
            start = end
        return pieces


def split_word(word: str) -> Iterator[str]:
    """Lower-case the word, drop accents and control characters, set punctuation and CJK apart."""
    if word.isascii() and word.isprintable():
        yield from _ASCII_PARTS.findall(word.lower())
        return
    current: list[str] = []
    for char in _normalised(word):
        if char.isspace() or _stands_alone(char):
            if current:
                yield "".join(current)
                current = []
            if not char.isspace():
                yield char
        else:
            current.append(char)
    if current:
        yield "".join(current)


def _normalised(word: str) -> str:
    kept = "".join(c for c in word if c.isspace() or not _is_dropped(c))
    decomposed = unicodedata.normalize("NFD", kept)
    # one by one: lower-casing a whole word gives a Greek sigma at its end another form
    return "".join(c.lower() for c in decomposed if unicodedata.category(c) != "Mn")


def _is_dropped(char: str) -> bool:
    return char == "\ufffd" or unicodedata.category(char)[0] == "C"


def _stands_alone(char: str) -> bool:
    code = ord(char)
    if code < 128:
        return not char.isalnum()  # every ASCII symbol counts as punctuation, "$" and "+" included
    return unicodedata.category(char)[0] == "P" or _is_cjk(code)


def _is_cjk(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )

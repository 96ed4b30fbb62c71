"""Texts that the encoder is fitted on: task text, pieces of it, single words, plain prose."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Sequence
from pathlib import Path

SPAN_WORDS = (2, 3, 4, 5, 6, 8, 10, 14, 20)
SPANS_PER_TASK = 6
PROSE_WORDS = range(6, 81)


def spans(texts: Sequence[str], *, seed: int = 0) -> list[str]:
    """Random runs of words of each text: what the teacher makes of "by product area" alone."""
    chance = random.Random(seed)
    found: set[str] = set()
    for text in texts:
        words = text.split()
        for _ in range(SPANS_PER_TASK):
            length = chance.choice(SPAN_WORDS)
            if len(words) > length:
                start = chance.randrange(len(words) - length + 1)
                found.add(" ".join(words[start : start + length]))
    return sorted(found)


def prose(*, limit: int, seed: int = 0) -> list[str]:
    """Paragraphs of the standard library's docstrings: prose and code words on every machine."""
    found: set[str] = set()
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8", errors="ignore"))
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                    words = paragraph.split()
                    if len(words) in PROSE_WORDS:
                        found.add(" ".join(words))
    texts = sorted(found)
    random.Random(seed).shuffle(texts)
    return texts[:limit]

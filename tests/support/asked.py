"""Requests of a caller who leaves the choice of the tier to tierwise."""

from __future__ import annotations

EASY = "Tag these 40 tickets by product area"


def asking(text=EASY, **more):
    return {
        "model": "auto",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": text}],
        **more,
    }

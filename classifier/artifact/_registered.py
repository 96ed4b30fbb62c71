"""What serves, by a registered model of MLflow: its aliases count, its tags tell the rest.

`training/promotion/registry.py` writes them. The tag holds two pointers, before and after the last change;
the aliases, which are moved after it, say which of the two is true. A further tag says that they were moved:
whoever moves them back by hand then undoes no change, but makes one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ArtifactCorrupt
from ._pointer import Change, Pointer, parse_pointer

CHAMPION, CHALLENGER = "champion", "challenger"
POINTER_TAG, CHANGE_TAG = "tierwise.pointer", "tierwise.change."
DONE_TAG = "tierwise.done"  # serial of the last change whose aliases were moved


def registered_pointer(tags: Mapping[str, str], aliases: Mapping[str, Any], where: str) -> Pointer:
    """Raises ArtifactCorrupt or ArtifactTooNew, naming `where`."""
    before, after = _told(tags.get(POINTER_TAG), where)
    is_done = tags.get(DONE_TAG) == str(after.serial)
    found = _as_the_aliases_say((after,) if is_done else (after, before), aliases)
    try:
        changes = [json.loads(text) for name, text in sorted(tags.items()) if name.startswith(CHANGE_TAG)]
        history = tuple(Change(**change) for change in changes if change["serial"] <= found.serial)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise _by_hand(f"{CHANGE_TAG}…", where, error) from error
    return replace(found, history=history)


def _told(tag: str | None, where: str) -> tuple[Pointer, Pointer]:
    """The pointers before and after the last change, as the tag has them."""
    if tag is None:
        return Pointer(), Pointer()
    try:
        both = json.loads(tag)
        before, after = (json.dumps(both[name]) for name in ("before", "after"))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise _by_hand(POINTER_TAG, where, error) from error
    return parse_pointer(before, where), parse_pointer(after, where)


def _by_hand(tag: str, where: str, error: Exception) -> ArtifactCorrupt:
    return ArtifactCorrupt(
        f"The tag {tag} of {where} was changed by hand ({error}). Delete it to begin a new history.",
        about=where,
    )


def _as_the_aliases_say(told: tuple[Pointer, ...], aliases: Mapping[str, Any]) -> Pointer:
    """The one of these whose aliases are there, the newest first; others were set by hand."""
    champion, challenger = (aliases.get(name) for name in (CHAMPION, CHALLENGER))
    served = None if champion is None else str(champion)
    for each in told:
        if each.champion == served and (each.canary is None or each.canary.version == str(challenger)):
            return each
    last = told[0]
    if last.champion == served:  # the challenger was taken away
        return replace(last, canary=None)
    return replace(last, line=() if served is None else (*last.line, served), canary=None)

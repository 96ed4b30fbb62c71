"""Tokens of the service: made once, kept as hashes only.

A token has 256 random bits, so its plain SHA-256 can't be guessed back: there is nothing to slow down, as
there is for passwords that people choose.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ....classifier.errors import InvalidSetting
from .._stamp import stamp

PREFIX = "tw_"
_N_BYTES = 32
_MAX_NAME_CHARS = 100
_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = logging.getLogger("tierwise")


@dataclass(frozen=True)
class Token:
    """What is kept of a token: whose it is, its hash, and when it was made (UTC, ISO 8601)."""

    name: str
    sha256: str
    created_at: str


class TokenFile:
    """The tokens in a file; `look` reads it again where it has changed.

    Raises InvalidSetting where there are none, or the file can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._stamp = stamp(self._path)
        self._hashes = self._read()
        if not self._hashes:
            raise InvalidSetting(f"{path} holds no token. Make one: tierwise token new --tokens {path}")

    def name_of(self, token: bytes) -> str | None:
        """Whose token this is. Each is compared, in a time that doesn't depend on how much agrees."""
        given, found = hashlib.sha256(token).hexdigest(), None
        for name, known in self._hashes:
            if secrets.compare_digest(given, known):
                found = name
        return found

    def look(self) -> None:
        """A file that can't be read changes nothing; an empty one lets nobody in."""
        found = stamp(self._path)
        if found == self._stamp:
            return
        self._stamp = found
        try:
            self._hashes = self._read()
        except InvalidSetting as error:
            _log.warning("The tokens stay as they were. %s", error)

    def _read(self) -> list[tuple[str, str]]:
        return [(token.name, token.sha256) for token in read_tokens(self._path)]


def read_tokens(path: Path) -> list[Token]:
    """Raises InvalidSetting where this is no file of tokens."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        tokens = [Token(**each) for each in body["tokens"]]
        if not all(isinstance(t.name, str) and _SHA256.fullmatch(t.sha256) for t in tokens):
            raise ValueError
        return tokens
    except FileNotFoundError:
        raise InvalidSetting(f"No file {path}. Make a token: tierwise token new --tokens {path}") from None
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else 'it needs {"tokens": [...]} as JSON'
        raise InvalidSetting(
            f"{path} is not a file of tokens: {why}. Make another: tierwise token new --tokens FILE"
        ) from error


def new_token(path: Path, name: str) -> str:
    """Make one and store its hash. Raises InvalidSetting where the name is taken, or is none."""
    if not name.strip():
        raise InvalidSetting("A token needs a --name, to tell it from others and to revoke it by.")
    if not name.isprintable() or len(name) > _MAX_NAME_CHARS:  # lists and warnings show it
        raise InvalidSetting(f"The --name of a token is one line of at most {_MAX_NAME_CHARS} characters.")
    tokens = read_tokens(path) if path.exists() else []
    if any(token.name == name for token in tokens):
        raise InvalidSetting(f"{path} has a token {name!r} already. Choose another --name, or revoke it.")
    text = PREFIX + secrets.token_urlsafe(_N_BYTES)
    digest = hashlib.sha256(text.encode()).hexdigest()
    now = datetime.now(tz=UTC).isoformat(timespec="seconds")
    _write(path, [*tokens, Token(name, digest, now)])
    return text


def revoke_token(path: Path, name: str) -> None:
    """Raises InvalidSetting where there is none of this name."""
    tokens = read_tokens(path)
    kept = [token for token in tokens if token.name != name]
    if len(kept) == len(tokens):
        known = ", ".join(token.name for token in tokens) or "none"
        raise InvalidSetting(f"{path} has no token {name!r}. It has: {known}.")
    _write(path, kept)


def _write(path: Path, tokens: Sequence[Token]) -> None:
    """Whole or not at all, and for its owner only."""
    text = json.dumps({"tokens": [asdict(token) for token in tokens]}, indent=1)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    except OSError as error:
        raise InvalidSetting(f"Can't write {path}: {error.strerror}.") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)

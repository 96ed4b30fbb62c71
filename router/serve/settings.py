"""What the operator sets of the service. Checked once, frozen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...classifier.errors import InvalidSetting
from ..policy import Policy

_HOST = re.compile(r"[a-z0-9._-]+")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """How the service runs.

        Settings(log="outcomes.db")                                   # for this machine only
        Settings(host="0.0.0.0", tokens="tokens.json", log="postgresql+psycopg://…")

    Parameters
    ----------
    host, port : where it listens. Beyond loopback `tokens` is required.
    model : a model folder, a store, or models:/NAME@ALIAS; watched, and swapped when it changes (default:
        TIERWISE_MODEL, else the model that ships).
    log : path or url of the outcome log; without one nothing is logged or learned.
    policy : what the operator decides (default: `Policy()`).
    tokens : file of `tierwise token new`; where given, every request but /healthz and /readyz needs one.
    allowed_hosts : names that a Host header may give, besides loopback's. Without tokens only these and
        loopback's are answered; with tokens any, unless some are given.
    trusted_proxies : addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
    requests_per_s, burst : of one token, or of one address where there are no tokens; None: no limit.
    max_body_bytes, max_tasks : of one request.
    body_timeout_s, header_timeout_s : in which a client must have sent them.
    drain_s : that requests in flight have to finish when the service is stopped.
    watch_s : between two looks at the model.
    history_max_age_s : an outcome that another process recorded is felt after this at the latest; one that
        came through this service is felt at once.
    log_timeout_s : that an outcome waits for other writers of the log, before it is answered 503.
    upstream_url : where /v1/messages is forwarded to.

    Raises InvalidSetting, naming the setting.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    model: str | os.PathLike[str] | None = None
    log: str | os.PathLike[str] | None = None
    policy: Policy | None = None
    tokens: str | os.PathLike[str] | None = None
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    requests_per_s: float | None = None
    burst: int = 200
    max_body_bytes: int = 32 * MIB
    max_tasks: int = 10_000
    body_timeout_s: float = 30.0
    header_timeout_s: float = 10.0
    drain_s: float = 30.0
    watch_s: float = 2.0
    history_max_age_s: float = 1.0
    log_timeout_s: float = 5.0
    upstream_url: str = "https://api.anthropic.com"

    def __post_init__(self) -> None:
        if not isinstance(self.port, int) or isinstance(self.port, bool) or not 0 <= self.port <= 65_535:
            raise _invalid("port", self.port, "a whole number from 0 to 65,535")
        for name in ("body_timeout_s", "header_timeout_s", "watch_s", "log_timeout_s"):
            _check_positive(name, getattr(self, name))
        for name in ("drain_s", "history_max_age_s"):
            _check_positive(name, getattr(self, name), zero=True)
        if self.requests_per_s is not None:
            _check_positive("requests_per_s", self.requests_per_s)
        for name in ("burst", "max_body_bytes", "max_tasks"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise _invalid(name, value, "a whole number >= 1")
        for name, check in (("allowed_hosts", _check_host), ("trusted_proxies", _check_proxy)):
            object.__setattr__(self, name, _names(name, getattr(self, name), check))
        if not _is_address(self.upstream_url):
            allowed = "a url that begins with https:// and names a host, such as https://api.anthropic.com"
            raise _invalid("upstream_url", self.upstream_url, allowed)
        if not self.is_loopback and self.tokens is None:
            raise InvalidSetting(
                f"host {self.host!r} can be reached from other machines, so a token is required. Make one: "
                "tierwise token new --tokens FILE, and start with --tokens FILE.",
                about="tokens",
            )

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def model_source(self) -> str | os.PathLike[str] | None:
        """What `model` says, else TIERWISE_MODEL; None is the model that ships."""
        return self.model or os.environ.get("TIERWISE_MODEL") or None

    @property
    def store(self) -> Path | None:
        """The folder of the model, where it is one."""
        source = self.model_source
        if source is None or (isinstance(source, str) and source.startswith(("models:/", "runs:/"))):
            return None
        return Path(source)


def _check_positive(name: str, value: object, *, zero: bool = False) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (0 <= value < float("inf")) or (value == 0 and not zero):  # type: ignore[operator]
        raise _invalid(name, value, "a number >= 0" if zero else "a number > 0")


def _names(setting: str, value: Any, check: Callable[[str], None]) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(each, str) and each for each in value):
        raise _invalid(setting, value, "names, such as ('routing.example.org',)")
    found = tuple(each.lower() for each in value)
    for each in found:
        check(each)
    return found


def _is_address(url: str) -> bool:
    """Paths of the API are put behind it."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that don't close, a port that is none
        return False
    is_plain = not (parts.query or parts.fragment or any(each.isspace() for each in url))
    return parts.scheme in ("http", "https") and is_whole and is_plain


def _check_host(text: str) -> None:
    """One with a scheme or a port would be allowed never, and nobody told."""
    try:
        _HOST.fullmatch(text) or ip_address(text)
    except ValueError:
        allowed = "a name or an address without scheme and port, such as routing.example.org"
        raise _invalid("allowed_hosts", text, allowed) from None


def _check_proxy(text: str) -> None:
    """One that can't be an address would be trusted never, and nobody told."""
    try:
        text == "*" or ip_network(text, strict=False)
    except ValueError:
        allowed = "an address, a network such as 10.0.0.0/8, or * for any"
        raise _invalid("trusted_proxies", text, allowed) from None


def _invalid(name: str, found: object, allowed: str) -> InvalidSetting:
    return InvalidSetting(f"{name} must be {allowed}; got {found!r}.", about=name)

"""MessagesServer: the loopback server as users of tests see it."""

from __future__ import annotations

import asyncio
import threading
import tomllib
from collections.abc import Iterable
from math import fsum
from types import TracebackType
from typing import Any

from ..classifier.errors import MissingExtra
from ..data import TIERS
from ..router.ladder import Ladder
from ._answers import Playbook, Script, Scripted
from ._calls import Call
from ._http import serve
from ._service import Service


class MessagesServer:
    """Speaks Messages (streams too), count_tokens, models and batches on a free port of 127.0.0.1.

        with MessagesServer(answers=lambda request: Answer("ok", output_tokens=500)) as server:
            message = server.client().messages.create(model="claude-haiku-5-5", ...)
            server.calls[0].cost_usd

    It refuses what the API refuses: unknown parameters, ones that the model doesn't accept, max_tokens above
    the model's cap, prompts longer than its window, a wrong key, retired and unknown models. Tokens are
    counted as a quarter of the characters (`tokens_in`), unless an `Answer` says otherwise.

    Parameters
    ----------
    answers : a text, `Answer` or `Fault` for all requests; a list of them in order of arrival (the last one
        stays); a quick function of the request's body; or a mapping from model ids or tiers ("*": all
        others) to any of these. It is called in the server's thread.
    ladder : the models that are served, with limits, prices and accepted parameters (default: the ladder
        that ships with all its rungs; TIERWISE_LADDER is not read).
    retired : model ids that answer with 404.
    api_key : the only key that is let in.
    batch_polls : how often a batch says that it is in progress before it has ended.

    It serves from `start()` to `stop()`, or as a context manager, in a thread of its own.
    """

    def __init__(
        self,
        answers: Script | None = None,
        *,
        ladder: Ladder | None = None,
        retired: Iterable[str] = (),
        api_key: str = "sk-ant-loopback",
        batch_polls: int = 0,
    ) -> None:
        found = ladder or _all_rungs()
        rungs = {rung.model: rung for rung in found.rungs}
        self.api_key = api_key
        self._playbook = Playbook(answers, {rung.model: rung.tier for rung in found.rungs})
        self._service = Service(rungs, set(retired), self._playbook, api_key, batch_polls)
        self._clients: list[Any] = []
        self._port: int | None = None
        self._trouble: Exception | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """For `base_url=`. Raises RuntimeError before `start()`."""
        if self._port is None:
            raise RuntimeError("The server isn't running: use it in a with statement, or call start() first.")
        return f"http://127.0.0.1:{self._port}"

    @property
    def calls(self) -> tuple[Call, ...]:
        """All requests so far, in order of arrival of their answers; items of batches are among them."""
        return tuple(self._service.calls)

    @property
    def cost_usd(self) -> float:
        """What all calls so far would have cost."""
        return fsum(call.cost_usd for call in self.calls)

    def then(self, *answers: Scripted) -> None:
        """The next requests get these, one each, before the script goes on."""
        self._playbook.then(*answers)

    def retire(self, model: str) -> None:
        """From now on this model answers with 404."""
        self._service.retired.add(model)

    def client(self, **options: Any) -> Any:
        """An `anthropic.Anthropic` that talks to this server, without retries; `stop()` closes it."""
        made = _anthropic().Anthropic(**{**self._defaults(), **options})
        self._clients.append(made)
        return made

    def async_client(self, **options: Any) -> Any:
        """An `anthropic.AsyncAnthropic` that talks to this server; close it with `async with`."""
        return _anthropic().AsyncAnthropic(**{**self._defaults(), **options})

    def _defaults(self) -> dict[str, Any]:
        return {"base_url": self.url, "api_key": self.api_key, "max_retries": 0}

    def start(self) -> MessagesServer:
        """Serve, and return when connections are taken."""
        self._thread = threading.Thread(target=self._run, name="tierwise-messages-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise self._trouble
        self._service.url = self.url
        return self

    def stop(self) -> None:
        """Close all connections; the record stays."""
        while self._clients:
            self._clients.pop().close()
        if self._thread is not None and self._loop is not None and self._until is not None:
            self._loop.call_soon_threadsafe(self._until.set)
            self._thread.join()
            self._thread, self._port = None, None
            self._ready.clear()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, RuntimeError, ImportError) as error:  # no socket, or h11 is missing
            self._trouble = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._until = asyncio.get_running_loop(), asyncio.Event()
        await serve(self._service.respond, self._opened, self._until)

    def _opened(self, port: int) -> None:
        self._port = port
        self._ready.set()

    def __enter__(self) -> MessagesServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _all_rungs() -> Ladder:
    """The ladder that ships, with the rungs that are off."""
    named = tomllib.loads(TIERS.read_text(encoding="utf-8"))["rung"]
    return Ladder.load(TIERS, enable=[rung["tier"] for rung in named])


def _anthropic() -> Any:
    try:
        import anthropic
    except ModuleNotFoundError as error:
        raise MissingExtra("anthropic", "testing") from error
    return anthropic

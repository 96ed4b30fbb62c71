"""Performs the steps of the core: through `anthropic.Anthropic`, or in asyncio through `AsyncAnthropic`."""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import takewhile
from typing import Any, TypeVar

from ...classifier.errors import InvalidRequest, MissingExtra
from ._leave import LEAVING, last_words, raised_by
from ._request import Request
from ._retired import Retired
from ._steps import Api, Ask, Outside, Remembered, Send, Sent, Sleep, Steps, Tell, Together, Told
from ._stream import Seen, readable

T = TypeVar("T")
OUTSIDE = Outside(time.monotonic, random.random)
_LISTS = ("list", "results")
_CONNECT_S = 30.0  # the SDK has 5; an event loop that is busy with a thousand calls needs more
_LONGEST_S = 1e6  # a socket waits no longer than some 24 days; who sets no limit (math.inf) gets this


def default_client(*, is_async: bool = False) -> Any:
    """A client with the key of the environment."""
    try:
        import anthropic
    except ModuleNotFoundError as error:
        raise MissingExtra("anthropic", "anthropic") from error
    return anthropic.AsyncAnthropic() if is_async else anthropic.Anthropic()


class _Driver:
    """Retries are ours, so the client's own are switched off. Make one per client and keep it."""

    def __init__(self, client: Any) -> None:
        import anthropic
        import httpx2

        wanted = anthropic.AsyncAnthropic if isinstance(self, AsyncDriver) else anthropic.Anthropic
        if isinstance(client, (anthropic.Anthropic, anthropic.AsyncAnthropic)) and not isinstance(
            client, wanted
        ):
            raise InvalidRequest(
                f"This call needs an anthropic.{wanted.__name__}; got an {type(client).__name__}.",
                about="client",
            )
        if not hasattr(client, "with_options"):
            raise InvalidRequest(
                f"client must be an anthropic.{wanted.__name__}; got {type(client).__name__}.", about="client"
            )
        self._messages = client.with_options(max_retries=0).messages
        self._retired = Retired()
        self._timeout = httpx2.Timeout
        # TypeError: no key, or a parameter that the SDK doesn't know. ValueError: an answer that is no JSON.
        self._errors = (
            anthropic.AnthropicError,
            httpx2.HTTPError,
            httpx2.StreamError,
            TimeoutError,
            TypeError,
            ValueError,
        )

    def _kwargs(self, step: Send) -> dict[str, Any]:
        timeout_s = min(step.timeout_s, _LONGEST_S)
        timeout = self._timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        return {**step.request.kwargs, "timeout": timeout}


class Driver(_Driver):
    """Blocking."""

    def run(self, steps: Steps[T]) -> T:
        """The result of the steps, or what they raise."""
        value: Any = None
        seen = Seen()
        try:
            while True:
                step = steps.send(value)
                try:
                    value = self._perform(step, seen)
                except LEAVING as left:
                    with raised_by(left):
                        for tell in last_words(steps, step, seen):
                            tell.hook(*tell.arguments)
                    raise
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()

    def _perform(self, step: Any, seen: Seen) -> Any:
        match step:
            case Send():
                return self._send(step, seen)
            case Api():
                return self._api(step)
            case Sleep():
                return time.sleep(step.seconds)
            case Together():
                return self._together(step)
            case Ask():
                return _told(step)
            case Remembered():
                return self._retired
            case Tell():
                return step.hook(*step.arguments)

    def _send(self, step: Send, seen: Seen) -> Sent:
        started_s, seen.message = time.perf_counter(), None
        try:
            kwargs = self._kwargs(step)
            if step.request.stream:
                ends_s = time.monotonic() + step.timeout_s
                with self._messages.stream(**kwargs) as stream, readable():
                    for event in stream:
                        seen.take(event, stream)
                        if time.monotonic() > ends_s:
                            raise TimeoutError  # the client's timeout is for one piece only
                message = seen.message
            else:
                message = self._messages.create(**kwargs)
        except self._errors as error:
            return Sent(None, error, seen.message, _ms_since(started_s))
        return Sent(message, None, seen.message, _ms_since(started_s))

    def _api(self, step: Api) -> Sent:
        try:
            found = getattr(self._messages.batches, step.method)(**step.arguments, timeout=step.timeout_s)
            return Sent(_listed(step, found) if step.method in _LISTS else found, None)
        except self._errors as error:
            return Sent(None, error)

    def _together(self, step: Together) -> list[Any]:
        with ThreadPoolExecutor(step.at_once, thread_name_prefix="tierwise-batch") as pool:
            futures = [pool.submit(self.run, part) for part in step.parts]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:  # also of Ctrl-C: what has begun is waited for
                pool.shutdown(cancel_futures=True)
            raised = [future.exception() for future in futures if not future.cancelled()]
            for error in raised:
                if error is not None:
                    raise error
            return [future.result() for future in futures]


class AsyncDriver(_Driver):
    """In asyncio."""

    async def run(self, steps: Steps[T]) -> T:
        """The result of the steps, or what they raise."""
        value: Any = None
        seen = Seen()
        try:
            while True:
                step = steps.send(value)
                try:
                    value = await self._perform(step, seen)
                except asyncio.CancelledError as left:
                    with raised_by(left):
                        for tell in last_words(steps, step, seen):
                            await self._perform(tell, seen)
                    raise
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()

    async def _perform(self, step: Any, seen: Seen) -> Any:
        match step:
            case Send():
                return await self._send(step, seen)
            case Api():
                return await self._api(step)
            case Sleep():
                return await asyncio.sleep(step.seconds)
            case Together():
                return await self._together(step)
            case Ask():
                return await _atold(step)
            case Remembered():
                return self._retired
            case Tell():
                said = step.hook(*step.arguments)
                return await said if inspect.isawaitable(said) else said

    async def _send(self, step: Send, seen: Seen) -> Sent:
        started_s, seen.message = time.perf_counter(), None
        try:
            async with asyncio.timeout(step.timeout_s):
                message = await self._answer(step.request, self._kwargs(step), seen)
        except self._errors as error:
            return Sent(None, error, seen.message, _ms_since(started_s))
        return Sent(message, None, seen.message, _ms_since(started_s))

    async def _api(self, step: Api) -> Sent:
        try:
            called = getattr(self._messages.batches, step.method)(**step.arguments, timeout=step.timeout_s)
            # "list" gives a paginator, which is iterated without being awaited
            found = called if step.method == "list" else await called
            return Sent(await _alisted(step, found) if step.method in _LISTS else found, None)
        except self._errors as error:
            return Sent(None, error)

    async def _together(self, step: Together) -> list[Any]:
        room = asyncio.Semaphore(step.at_once)
        raised: list[Exception] = []

        async def perform(part: Steps[Any]) -> Any:
            async with room:
                if raised:
                    return None
                try:
                    return await self.run(part)
                except Exception as error:
                    raised.append(error)

        found = await asyncio.gather(*map(perform, step.parts))
        if raised:
            raise raised[0]
        return found

    async def _answer(self, request: Request, kwargs: dict[str, Any], seen: Seen) -> Any:
        if not request.stream:
            return await self._messages.create(**kwargs)
        async with self._messages.stream(**kwargs) as stream:
            with readable():
                async for event in stream:
                    seen.take(event, stream)
        return seen.message


def _listed(step: Api, found: Any) -> list[Any]:
    enough = step.enough
    return list(found if enough is None else takewhile(lambda each: not enough(each), found))


async def _alisted(step: Api, found: Any) -> list[Any]:
    listed: list[Any] = []
    async for each in found:
        if step.enough is not None and step.enough(each):
            break
        listed.append(each)
    return listed


def _told(step: Ask) -> Told:
    try:
        value = step.function(step.text)
    except Exception as error:  # a user's function may raise anything; the check says that it didn't run
        return Told(None, error)
    if inspect.iscoroutine(value):
        value.close()
        return Told(None, InvalidRequest("An async check needs arun or aexecute.", about=step.function))
    return Told(value, None)


async def _atold(step: Ask) -> Told:
    try:
        value = step.function(step.text)
        if inspect.isawaitable(value):
            value = await value
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():  # the run is cancelled, and not what the check waited for
            raise
        return Told(None, error)
    except Exception as error:  # as above
        return Told(None, error)
    return Told(value, None)


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1000.0

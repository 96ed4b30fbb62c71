"""The caller leaves in mid-call: a task of asyncio is cancelled, or Ctrl-C. What was in flight is in the log."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest
from held_log import held

from tierwise import OutcomeLog, Router, predict_tier
from tierwise.classifier.errors import CallInterrupted
from tierwise.router.run import Grade, Hooks, Limits, Options, aexecute, checks
from tierwise.router.run._attempt import attempt_steps
from tierwise.router.run._check import Surroundings, as_check
from tierwise.router.run._drive import OUTSIDE
from tierwise.router.run._steps import Ask, Interrupt, Sent
from tierwise.testing import Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
MANY_S = 60.0
AT_ONCE_S = 10.0  # half of what it would wait otherwise: a busy machine takes a second or two for nothing


@pytest.fixture
def plain_log(tmp_path):
    with OutcomeLog(tmp_path / "log.db") as made:
        yield made


async def arrived(server, n_calls):
    """Until the server has answered so many, and a moment more: then the next step is under way."""
    ends = time.monotonic() + MANY_S
    while len(server.calls) < n_calls:
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)


class Silent:
    """A script: it gives these answers; asked once more, it says nothing."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), threading.Event()

    def __call__(self, request):
        if self.answers:
            return self.answers.pop(0)
        self.asked.set()
        return Fault.hang()

    async def was_asked(self):
        assert await asyncio.to_thread(self.asked.wait, MANY_S)


def cancelled(server, log, when, **options):
    """Run a task, cancel it, and say how long that took."""

    async def go():
        async with server.async_client() as client:
            router = Router(log=log, client=client)
            running = asyncio.create_task(router.arun(TAG, task_type="tags", **options))
            await when()
            started = time.monotonic()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            took_s = time.monotonic() - started
            await asyncio.to_thread(router.close)
        return took_s

    return asyncio.run(go())


def test_a_request_that_was_out_is_an_attempt_whose_cost_is_not_exact(plain_log):
    silent = Silent(Fault.error(529))
    with MessagesServer(silent) as server:
        took_s = cancelled(server, plain_log, silent.was_asked, limits=Limits(first_backoff_s=0.001))
    assert took_s < AT_ONCE_S
    [row] = plain_log.attempts()
    assert (row.status, row.error, row.n_requests) == ("error", "CallInterrupted", 2)
    assert not row.cost_is_exact
    assert plain_log.stats().n_outcomes == 0


def test_a_wait_between_two_requests_is_told_apart(plain_log):
    with MessagesServer(Fault.error(529)) as server:
        cancelled(server, plain_log, lambda: arrived(server, 1), limits=Limits(first_backoff_s=30))
    [row] = plain_log.attempts()
    assert (row.error, row.n_requests, row.cost_is_exact) == ("CallInterrupted", 1, True)


def test_what_a_stream_has_announced_is_counted(plain_log):
    """The second stream is cancelled; of the first, which was cut, the beginning is known."""
    silent = Silent(Fault.cut())
    with MessagesServer(silent) as server:
        options, limits = Options(stream=True), Limits(first_backoff_s=0.001)
        cancelled(server, plain_log, silent.was_asked, options=options, limits=limits)
        [row] = plain_log.attempts()
        assert row.cost_usd == pytest.approx(server.cost_usd)
    assert (row.n_requests, row.cost_is_exact) == (2, False)


@pytest.fixture
def begun(ladder):
    """An attempt as steps, with a check and a hook; it asks for its request to be sent."""
    task = predict_tier(TAG)
    around = Surroundings(task.task, ladder, Limits(), OUTSIDE)
    return attempt_steps(1, task, Options(), as_check(str.islower), Hooks(on_end=print), around)


def test_who_leaves_before_the_answer_is_told_one_end_and_no_more(begun):
    model = next(begun).request.kwargs["model"]
    told = begun.throw(Interrupt())
    _, attempt = told.arguments
    assert (attempt.status, attempt.cost_is_exact) == ("error", False)
    assert (type(attempt.error), attempt.error.about) == (CallInterrupted, model)
    with pytest.raises(Interrupt):
        begun.send(None)


def test_who_leaves_during_the_check_is_told_one_end_and_no_more(begun):
    with MessagesServer("sure") as server:
        message = server.client().messages.create(**next(begun).request.kwargs)
    assert begun.send(Sent(message, None)) == Ask(str.islower, "sure")
    told = begun.throw(Interrupt())
    _, attempt = told.arguments
    assert (attempt.status, attempt.check.status, attempt.check.detail) == (
        "completed",
        "not_run",
        "interrupted",
    )
    with pytest.raises(Interrupt):
        begun.send(None)


def test_an_answer_that_was_being_graded_is_paid_and_unjudged(plain_log):
    silent = Silent()
    with MessagesServer({"haiku": "[]", "*": silent}) as server:
        check = checks.all_of(checks.json_schema(), Grade("sonnet", "good"))
        cancelled(server, plain_log, silent.was_asked, check=check)
        [row] = plain_log.attempts()
        assert row.cost_usd == pytest.approx(server.cost_usd)
    assert (row.status, row.n_requests, row.cost_is_exact) == ("completed", 2, False)
    assert plain_log.stats().n_outcomes == 0


def test_an_answer_whose_async_check_was_waited_for_is_paid_and_unjudged(plain_log):
    checking = asyncio.Event()

    async def slow(text):
        checking.set()
        await asyncio.sleep(MANY_S)

    with MessagesServer("[]") as server:
        cancelled(server, plain_log, checking.wait, check=slow)
        [row] = plain_log.attempts()
        assert row.cost_usd == pytest.approx(server.cost_usd)
    assert (row.status, row.n_requests, row.cost_is_exact) == ("completed", 1, True)


def test_a_log_that_is_held_by_another_does_not_delay_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'log.db'}"
    silent = Silent()
    with OutcomeLog(url, timeout_s=20) as log, MessagesServer(silent) as server:
        log.stats()

        async def go():
            async with server.async_client() as client:
                router = Router(log=log, client=client, log_wait_s=20)
                running = asyncio.create_task(router.arun(TAG))
                await silent.was_asked()
                with held(url):
                    started = time.monotonic()
                    running.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await running
                    assert time.monotonic() - started < AT_ONCE_S
                await asyncio.to_thread(router.close)

        asyncio.run(go())
        assert [row.error for row in log.attempts()] == ["CallInterrupted"]


def test_a_hook_that_raises_does_not_stand_in_the_way():
    from tierwise import predict_tier

    told = []

    async def on_end(decision, attempt):
        told.append(attempt.error)
        raise RuntimeError("the hook's own")

    async def go(server):
        async with server.async_client() as client:
            running = asyncio.create_task(
                aexecute(predict_tier(TAG), client=client, hooks=Hooks(on_end=on_end))
            )
            await silent.was_asked()
            running.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await running
        assert isinstance(caught.value.__cause__, RuntimeError)

    silent = Silent()
    with MessagesServer(silent) as server:
        asyncio.run(go(server))
    assert [type(error).__name__ for error in told] == ["CallInterrupted"]


LEFT = """
import sys, anthropic
from tierwise import Router
url, key, log = sys.argv[1:]
with anthropic.Anthropic(base_url=url, api_key=key) as client, Router(log=log, client=client) as router:
    router.run("Tag it, JSON out")
"""


LEFT_WRAPPED = """
import sys, anthropic, tierwise
url, key, log = sys.argv[1:]
with tierwise.wrap(anthropic.Anthropic(base_url=url, api_key=key), log=log) as client:
    messages = [{"role": "user", "content": "Tag it, JSON out"}]
    client.messages.create(model="auto", max_tokens=100, messages=messages)
"""


EXITS = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit('terminated'))\n"


@pytest.mark.parametrize(
    ("number", "last_words"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "terminated")]
)
@pytest.mark.parametrize(
    ("program", "status", "error"),
    [(LEFT, "error", "CallInterrupted"), (LEFT_WRAPPED, "broken_off", None)],
    ids=["run", "wrap"],
)
def test_ctrl_c_or_an_exit_in_mid_request(plain_log, tmp_path, program, status, error, number, last_words):
    silent = Silent()
    with MessagesServer(silent) as server:
        command = [
            sys.executable,
            "-c",
            EXITS + program,
            server.url,
            server.api_key,
            str(tmp_path / "log.db"),
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        with process:
            assert silent.asked.wait(MANY_S)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
    assert said.rstrip().endswith(last_words)
    [row] = plain_log.attempts()
    assert (row.status, row.error, row.n_requests, row.cost_is_exact) == (status, error, 1, False)

"""`tierwise run` is killed at random moments, and interrupted: nothing is lost, only what was in flight paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tierwise import OutcomeLog
from tierwise.testing import Answer, MessagesServer


def ticket_of(request):
    return int(request["messages"][0]["content"].split()[2].strip(","))


def slow_and_sometimes_wrong(request):
    """Haiku fails at every fifth ticket; all take a moment, so that kills meet requests in flight."""
    wrong = "haiku" in request["model"] and ticket_of(request) % 5 == 0
    return Answer("Sure!" if wrong else "[1]", delay_s=0.02 + ticket_of(request) % 7 * 0.01)


class Command:
    """`tierwise run` on a file of so many tickets, as a process of its own, with a log or without."""

    def __init__(self, folder, server, n_tasks, *, has_log=False):
        self.log = folder / "log.db" if has_log else None
        self.server, self.file = server, folder / "tasks.jsonl"
        self.journal, self.out = folder / "tasks.jsonl.journal", folder / "out.jsonl"
        rows = [{"id": f"t{n}", "specification": f"Tag ticket {n:04d}, JSON out"} for n in range(n_tasks)]
        self.file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        keys = {"ANTHROPIC_API_KEY": server.api_key, "ANTHROPIC_BASE_URL": server.url}
        self.environment = {**os.environ, **keys, "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self):
        command = [sys.executable, "-m", "tierwise", "run", "--file", self.file, "--check", "json", "--json"]
        command += [] if self.log is None else ["--log", self.log]
        with open(self.out, "w") as out:  # a pipe that nobody reads would fill up and stop it
            return subprocess.Popen(
                command, stdout=out, stderr=subprocess.PIPE, env=self.environment, text=True
            )

    def ended(self, process):
        """What it printed, and what it said on stderr."""
        _, err = process.communicate(timeout=600)
        return self.out.read_text().splitlines(), err

    def started_and_seen(self, n_calls):
        """Running, and so many requests further; or ended by itself."""
        process, wanted = self.start(), len(self.server.calls) + n_calls
        while len(self.server.calls) < wanted and process.poll() is None:
            time.sleep(0.002)
        return process

    def lines(self):
        if not self.journal.exists():
            return []
        whole = self.journal.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


def open_in(lines):
    """Keys of tasks that were begun and not ended."""
    state = {}
    for line in lines:
        if line["kind"] in ("begin", "done", "paused", "error"):
            state[line["key"]] = line["kind"] == "begin"
    return {key for key, is_open in state.items() if is_open}


def kill_and_resume(folder, n_kills, n_tasks, seed, *, has_log=False):
    chance, n_open, ever_open = random.Random(seed), 0, set()
    with MessagesServer(slow_and_sometimes_wrong) as server:
        command = Command(folder, server, n_tasks, has_log=has_log)
        ends = []
        for _ in range(n_kills):
            before = command.lines()
            process = command.started_and_seen(chance.randint(0, 2 * n_tasks // n_kills))
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            process.communicate()
            ends.append(process.returncode)
            after = command.lines()
            assert after[: len(before)] == before  # nothing that was written is lost
            n_open += len(open_in(after))
            ever_open |= open_in(after)
        time.sleep(0.2)  # for answers on their way to the dead
        last = command.start()
        out, err = command.ended(last)
        calls, cost_usd = server.calls, server.cost_usd
    assert last.returncode == 0, err
    assert ends.count(-signal.SIGKILL) >= n_kills / 2  # the others had come to their ends
    if has_log:
        check_log(command.log, calls, n_open, ever_open)
    return (
        [json.loads(line) for line in out],
        calls,
        cost_usd,
        command.lines(),
        n_open,
        ever_open,
    )


def check_all(results, calls, cost_usd, lines, n_open, ever_open, *, n_tasks):
    assert [each["key"] for each in sorted(results, key=lambda each: each["number"])] == [
        f"t{number}" for number in range(n_tasks)
    ]
    assert {each["status"] for each in results} == {"passed"}
    assert {each["key"] for each in results if each["was_in_flight"]} == ever_open
    paid = Counter((f"t{ticket_of(call.request)}", call.model) for call in calls if call.usage)
    known = Counter((line["key"], line["attempt"]["model"]) for line in lines if line["kind"] == "attempt")
    assert not known - paid
    lost = paid - known  # answers that nobody was there to write down
    assert {key for key, _ in lost} <= ever_open
    assert lost.total() <= n_open
    twice = {key for (key, _), n in paid.items() if n > 1}
    assert twice <= ever_open
    for result in results:
        wrong = int(result["key"][1:]) % 5 == 0
        assert result["tier"] == ("sonnet" if wrong else "haiku")
    price = {call.model: call.cost_usd for call in calls if call.usage and call.usage["output_tokens"] == 1}
    known_usd = sum(each["cost_usd"] for each in results)
    assert cost_usd - known_usd == pytest.approx(
        sum(n * price[model] for (_, model), n in lost.items()), abs=5e-6 * max(lost.total(), 1)
    )


def check_log(path, calls, n_open, ever_open):
    """It has what the server saw, but for what was in flight: those attempts waited for their rows."""
    with OutcomeLog(path, create=False) as log:
        attempts = log.attempts()
        rows = log.to_pandas(columns=["decision_id", "specification"])
    key_of = {
        row.decision_id: f"t{int(row.specification.split()[2].strip(','))}" for row in rows.itertuples()
    }
    paid = Counter((f"t{ticket_of(call.request)}", call.model) for call in calls if call.usage)
    logged = Counter((key_of[each.decision_id], each.model) for each in attempts)
    assert not logged - paid
    lost = paid - logged
    assert {key for key, _ in lost} <= ever_open
    assert lost.total() <= 2 * n_open  # at two tiers
    usd, logged_usd = Counter(), Counter()
    for call in calls:
        usd[f"t{ticket_of(call.request)}"] += call.cost_usd
    for each in attempts:
        logged_usd[key_of[each.decision_id]] += each.cost_usd
    for key in set(usd) - ever_open:
        assert usd[key] == pytest.approx(logged_usd[key])


def test_five_kills_lose_nothing_and_pay_twice_only_what_was_in_flight(tmp_path):
    check_all(*kill_and_resume(tmp_path, 5, 60, seed=3), n_tasks=60)


def test_three_kills_leave_a_log_that_agrees_with_the_server(tmp_path):
    check_all(*kill_and_resume(tmp_path, 3, 40, seed=5, has_log=True), n_tasks=40)


@pytest.mark.slow
def test_fifty_kills_leave_a_log_that_agrees_with_the_server(tmp_path):
    check_all(*kill_and_resume(tmp_path, 50, 600, seed=6, has_log=True), n_tasks=600)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_pay_twice_only_what_was_in_flight(tmp_path):
    check_all(*kill_and_resume(tmp_path, 50, 600, seed=4), n_tasks=600)


def test_ctrl_c_finishes_what_is_in_flight_says_how_to_go_on_and_loses_nothing(tmp_path):
    with MessagesServer(Answer("[1]", delay_s=0.3)) as server:
        command = Command(tmp_path, server, 60)
        process = command.started_and_seen(10)
        process.send_signal(signal.SIGINT)
        out, err = command.ended(process)
        assert process.returncode == 130, err
        assert f"what is done is in {command.journal}; run the same again to go on" in err
        assert "Traceback" not in err
        assert open_in(command.lines()) == set()
        n_calls = len(server.calls)
        assert len(out) == n_calls < 60
        last = command.start()
        out, err = command.ended(last)
        assert (last.returncode, len(out), len(server.calls)) == (0, 60, 60)


def test_a_second_ctrl_c_leaves_at_once_and_what_was_in_flight_is_named_later(tmp_path):
    with MessagesServer(
        lambda request: Answer("[1]", delay_s=0.0 if ticket_of(request) < 8 else 60)
    ) as server:
        command = Command(tmp_path, server, 20)
        process = command.started_and_seen(8)
        while len(open_in(command.lines())) < 8 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "\n"
        assert process.stderr.readline().startswith("finishing what is in flight")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert len(open_in(command.lines())) == 8

"""tierwise predict: one task or thousands, from an argument, a file or stdin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tierwise import predict_tier, predict_tiers
from tierwise.cli import main

TAG = (
    "Tag each of these support tickets with one product area from the list: billing, login, export. CSV out."
)
DRAFT = "Draft a blog post of 900 words on why our bakery switched to sourdough."
PLAN = "Should we split the monolith, and if so where? Consider team, deployments and the next two years."


def predict(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["predict", *arguments], input=stdin)


def decisions(result: Result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([TAG, "--items", "240", "--verifiable"], {"tier": "haiku", "mode": "batch"}),
        ([TAG, "--items", "240", "--verifiable", "--time-sensitive"], {"tier": "haiku", "mode": "sync"}),
        ([DRAFT], {"tier": "sonnet", "mode": "sync", "reason": "classifier", "fallback": False}),
        ([PLAN], {"tier": "opus", "plan": ["opus"]}),
        ([TAG, "--live"], {"tier": "sonnet", "reason": "floor:live"}),
        ([TAG, "--no-live"], {"tier": "haiku"}),
        ([PLAN, "--pin", "haiku"], {"tier": "haiku", "reason": "pin"}),
        ([PLAN, "--ceiling", "sonnet"], {"tier": "sonnet", "reason": "ceiling"}),
        ([TAG, "--floor", "opus"], {"tier": "opus", "reason": "floor"}),
        ([TAG, "--role", "orchestrator"], {"tier": "opus", "reason": "floor:orchestrator"}),
        ([TAG, "--attempts", "haiku", "--attempts", "sonnet"], {"tier": "opus", "reason": "floor:attempts"}),
        ([TAG, "--deterministic"], {"mode": "none", "model": None}),
        ([TAG, "--enable", "fable", "--pin", "fable"], {"tier": "fable"}),
        (["fix it"], {"tier": "sonnet", "reason": "too_short", "fallback": True}),
        ([""], {"tier": "sonnet", "reason": "empty", "fallback": True}),
        ([DRAFT, "--correction-minutes", "6", "--hourly-rate-usd", "80"], {"reason": "expected_cost"}),
    ],
)
def test_each_option_reaches_the_decision(arguments, expected):
    (decision,) = decisions(predict("--json", *arguments))
    assert decision | expected == decision


def test_json_is_what_python_answers():
    (shown,) = decisions(predict(TAG, "--json", "--items", "240", "--task-type", "ticket-tagging"))
    answer = predict_tier(TAG, items=240, task_type="ticket-tagging").to_dict()
    shown.pop("decision_id"), answer.pop("decision_id")
    assert shown == json.loads(json.dumps(answer))


def test_a_stricter_rate_of_under_tiering_never_lowers_a_tier():
    tiers = ["haiku", "sonnet", "opus"]
    lines = "".join(f"{text}\n" for text in (TAG, DRAFT, PLAN, "Summarise the minutes for our board."))
    strict = decisions(predict("--json", "--format", "text", "--max-under-tier", "0.01", stdin=lines))
    loose = decisions(predict("--json", "--format", "text", "--max-under-tier", "0.12", stdin=lines))
    assert all(tiers.index(a["tier"]) >= tiers.index(b["tier"]) for a, b in zip(strict, loose, strict=True))


JSON_LINES = "".join(json.dumps({"specification": text, "items": 240}) + "\n" for text in (TAG, DRAFT))
CSV = f'items,specification\n240,"{TAG}"\n240,{DRAFT}\n'
TEXT = f"{TAG}\n\n   {DRAFT}\n"


@pytest.mark.parametrize(
    ("stdin", "form", "items"),
    [
        (JSON_LINES, "auto", 240),
        (JSON_LINES, "jsonl", 240),
        ("\n\n" + JSON_LINES.replace("\n", "\n\n"), "auto", 240),
        (CSV, "auto", 240),
        (CSV.replace("\n", "\r\n"), "csv", 240),
        ("\ufeff" + CSV, "auto", 240),  # as Excel writes it
        (TEXT, "text", None),
        (TEXT.rstrip(), "text", None),
    ],
)
def test_stdin_in_each_format_gives_the_tasks_in_order(stdin, form, items):
    shown = decisions(predict("--json", "--format", form, stdin=stdin.encode()))
    answers = predict_tiers([{"specification": text, "items": items} for text in (TAG, DRAFT)])
    assert [row["probabilities"] for row in shown] == [answer.probabilities for answer in answers]


def test_a_file_is_read_as_stdin_is(tmp_path: Path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(JSON_LINES, encoding="utf-8")
    for arguments, stdin in (["--file", str(path)], ""), (["--file", "-"], JSON_LINES):
        assert decisions(predict("--json", *arguments, stdin=stdin))[0]["tier"] == "haiku"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("live\nyes", {"reason": "floor:live"}),
        ("live\n0", {"tier": "haiku"}),
        ("live\n", {"tier": "haiku"}),
        ("attempts\nhaiku; sonnet", {"tier": "opus"}),
        ("role\norchestrator", {"tier": "opus"}),
    ],
)
def test_csv_cells_become_facts_and_empty_cells_are_facts_not_given(cell, expected):
    name, value = cell.split("\n")
    (decision,) = decisions(predict("--json", stdin=f'specification,{name}\n"{TAG}",{value}\n'))
    assert decision | expected == decision


@pytest.mark.parametrize(
    "stdin",
    [
        json.dumps({"id": "t-7", "specification": TAG}) + "\n" + json.dumps({"specification": DRAFT}),
        f'id,specification\nt-7,"{TAG}"\n,{DRAFT}\n',
    ],
)
def test_the_id_of_a_row_is_in_its_answer_and_is_no_fact(stdin):
    first, second = decisions(predict("--json", stdin=stdin))
    assert (first["id"], first["tier"]) == ("t-7", "haiku")
    assert "id" not in second


def test_a_csv_text_longer_than_the_csv_modules_limit_is_routed():
    (decision,) = decisions(predict("--json", stdin='specification\n"' + "word " * 30_000 + '"\n'))
    assert decision["reason"] == "very_long"


def test_the_table_has_a_row_per_task_then_what_they_cost_together():
    lines = predict(stdin=JSON_LINES).stdout.splitlines()
    assert lines[0].split() == ["tier", "mode", "needed", "reason", "cost", "USD", "task"]
    assert [line.split()[0] for line in lines[1:3]] == ["haiku", "sonnet"]
    assert lines[4].startswith("2 tasks, $")
    assert any(line.startswith("all on opus: $") for line in lines)
    assert "mix: haiku 1, sonnet 1" in lines


def test_a_step_without_a_model_has_no_tier_and_no_probability():
    row = predict("curl -fsS https://example.com", "--deterministic").stdout.splitlines()[1]
    assert row.split()[:4] == ["-", "none", "-", "deterministic"]


def test_one_task_has_no_totals():
    assert len(predict(DRAFT).stdout.splitlines()) == 2


def test_a_model_that_cannot_be_loaded_gives_the_production_tier(tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    (decision,) = decisions(predict(PLAN, "--json"))
    assert (decision["tier"], decision["reason"]) == ("sonnet", "model_unavailable")


def test_the_real_command_reads_stdin_and_stops_quietly_when_its_reader_does():
    command = [sys.executable, "-m", "tierwise", "predict", "--json"]
    done = subprocess.run(command, input=JSON_LINES, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["tier"] for line in done.stdout.splitlines()] == ["haiku", "sonnet"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as started:
        started.stdout.close()
        _, error = started.communicate(JSON_LINES * 500, timeout=60)
    assert "Traceback" not in error


def test_totals_say_whether_corrections_are_in_them():
    tasks = "specification\nTag these tickets by area\nDraft the launch email to customers\n"
    assert "Token costs only" in predict(stdin=tasks).output
    priced = predict("--correction-minutes", "6", "--hourly-rate-usd", "80", stdin=tasks).output
    assert "Tokens and expected corrections." in priced


def test_nothing_is_shown_as_certain():
    assert "100%" not in predict("Tag these 40 tickets by product area").output

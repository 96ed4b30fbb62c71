"""tierwise log and tierwise outcome: files in and out, counts, forgetting; bad input is exit 2 and clear."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result
from small_decisions import decided

from tierwise import OutcomeLog
from tierwise.cli import main
from tierwise.data import IMAGES

ROWS = [
    {"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "task_type": "meta"},
    {"tier": "haiku", "verdict": "failed", "at": "2026-02-02T00:00:00Z", "task_type": "meta"},
    {"tier": "opus", "verdict": "refused", "at": "2026-02-03T00:00:00Z"},
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def assert_refused(result: Result, message: str) -> None:
    """Exit 2, and one line on stderr that says this."""
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.startswith("tierwise: ")
    assert result.stderr.count("\n") == 1


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture
def bad(rows):
    with rows.open("a", encoding="utf-8") as out:
        out.write('{"tier": "opus", "verdict": "claen", "at": "2026-02-03T00:00:00Z"}\n{broken\n')
    return rows


def test_rows_come_in_and_twice_is_once(log_url, rows):
    first, again = (
        run("log", "import", rows, "--log", log_url),
        run("log", "import", rows, "--log", log_url, "--json"),
    )
    assert first.output == "3 rows: 3 new decisions, 3 new verdicts, 0 verdicts known already\n"
    assert json.loads(again.stdout) == {
        "n_rows": 3, "n_decisions": 0, "n_outcomes": 0, "n_known": 3, "bad": [], "bad_path": None,
    }  # fmt: skip


def test_a_half_bad_file_is_refused_in_one_line(sqlite_url, bad):
    message = "Nothing was imported: 2 of 5 rows can't be taken. line 4: verdict must be one of"
    assert_refused(run("log", "import", bad, "--log", sqlite_url), message)
    with OutcomeLog(sqlite_url) as log:
        assert log.stats().n_decisions == 0


def test_with_partial_the_rest_comes_in_and_the_bad_rows_are_written_out(sqlite_url, bad, tmp_path):
    result = run("log", "import", bad, "--log", sqlite_url, "--partial", "--bad", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert result.stdout.startswith("5 rows: 3 new decisions")
    four, five, last = result.stderr.splitlines()
    assert four.startswith("4: verdict must be")
    assert five.startswith("5: not JSON")
    assert last == f"2 bad rows were left out and written to {tmp_path / 'out.jsonl'}"
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_tier_that_is_not_on_the_ladder_makes_a_row_bad(sqlite_url, rows, tmp_path, monkeypatch):
    with rows.open("a", encoding="utf-8") as out:
        out.write('{"tier": "sonet", "verdict": "clean", "at": "2026-02-03T00:00:00Z"}\n')
    message = (
        "Nothing was imported: 1 of 4 rows can't be taken. line 4: tier 'sonet' is none of the ladder's; "
        "did you mean 'sonnet'? It has haiku, sonnet, opus; for others: --ladder or --any-tier (in Python tiers=). "
        "Correct them, or import the rest with --partial (in Python partial=True)."
    )
    assert_refused(run("log", "import", rows, "--log", sqlite_url), message)
    partial = run("log", "import", rows, "--log", sqlite_url, "--partial")
    assert (partial.exit_code, partial.stdout[:25]) == (0, "4 rows: 3 new decisions, ")
    assert partial.stderr.startswith("4: tier 'sonet' is none of the ladder's")
    images = run("log", "import", rows, "--log", sqlite_url, "--ladder", IMAGES)
    assert_refused(
        images, "line 1: tier 'haiku' is none of the ladder's. It has fast, standard, ultra; for others"
    )
    monkeypatch.setenv("TIERWISE_LADDER", str(IMAGES))
    assert_refused(
        run("log", "import", rows, "--log", sqlite_url), "It has fast, standard, ultra; for others"
    )
    every = run("log", "import", rows, "--log", sqlite_url, "--any-tier")
    assert every.stdout.startswith("4 rows: 1 new decisions, ")


def test_what_was_exported_comes_back_whatever_the_ladder_of_today(sqlite_url, tmp_path, monkeypatch):
    with OutcomeLog(sqlite_url) as log:
        log.record_outcome(decided("d1"), "clean")
    run("log", "export", tmp_path / "out.jsonl", "--log", sqlite_url)
    monkeypatch.setenv("TIERWISE_LADDER", str(IMAGES))
    result = run("log", "import", tmp_path / "out.jsonl", "--log", tmp_path / "other.db")
    assert result.output == "1 rows: 1 new decisions, 1 new verdicts, 0 verdicts known already\n"


def test_many_bad_rows_are_each_named_before_the_last_line(sqlite_url, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"tier": "opus"}\n' * 1_200, encoding="utf-8")
    result = run("log", "import", path, "--log", sqlite_url)
    *named, more, last = result.stderr.splitlines()
    assert (result.exit_code, len(named), more) == (2, 1_000, "and 200 more")
    assert named[0] == "1: a row without a verdict needs decided_at."
    assert last.startswith("tierwise: Nothing was imported: 1,200 of 1,200 rows")


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_all_goes_out_and_comes_back(log_url, sqlite_url, tmp_path, rows, form):
    run("log", "import", rows, "--log", log_url)
    out, other = tmp_path / f"out.{form}", tmp_path / "other.db"
    result = run("log", "export", out, "--log", log_url)
    assert result.output == f"3 rows: {out}\n"
    assert run("log", "import", out, "--log", other).exit_code == 0
    counts = [run("log", "stats", "--log", url, "--json").stdout for url in (log_url, other)]
    assert counts[0] == counts[1]
    assert json.loads(run("log", "export", out, "--log", log_url, "--json").stdout) == {
        "rows": 3,
        "path": str(out),
    }


def test_counts_are_a_table_per_type_and_tier(log_url, rows):
    run("log", "import", rows, "--log", log_url)
    head, no_type, meta, blank, totals, text = run("log", "stats", "--log", log_url).stdout.splitlines()[:6]
    assert head.split("  ")[0] == "task type"
    assert no_type.split() == ["-", "opus", "0", "0", "0", "1", "0", "-", "2026-02-03", "00:00Z"]
    assert meta.split() == [
        "meta",
        "haiku",
        "1",
        "0",
        "1",
        "0",
        "0",
        "50%",
        "[12%,",
        "88%]",
        "2026-02-02",
        "00:00Z",
    ]
    assert (blank, totals) == ("", "3 decisions, 3 verdicts, 0 decisions without one")
    assert text.startswith("3 with text stored as 'none': can't teach what a text means")


def test_an_empty_log_says_so(sqlite_url):
    OutcomeLog(sqlite_url).close()
    assert run("log", "stats", "--log", sqlite_url).stdout.startswith("no outcomes yet\n")


def test_forgetting_and_expiring_say_how_many(sqlite_url, rows):
    run("log", "import", rows, "--log", sqlite_url)
    assert run("log", "forget", "--task-type", "meta", "--log", sqlite_url).output == "forgot 2 decisions\n"
    assert run("log", "expire", "--days", 1, "--text-only", "--log", sqlite_url).output == "removed 0 texts\n"
    assert run("log", "expire", "--days", 1, "--log", sqlite_url, "--json").output == '{"decisions": 1}\n'


def test_an_outcome_is_recorded_by_id(log_url):
    with OutcomeLog(log_url) as log:
        log.record_decision(decided("d1"))
        result = run("outcome", "d1", "corrected", "--log", log_url, "--note", "too long")
        assert result.output == "sonnet: corrected (basis: person); it counts\n"
        again = run("outcome", "d1", "corrected", "--log", log_url)
        assert again.output.endswith("it counts; the log knew it already\n")
        weaker = run(
            "outcome", "d1", "clean", "--basis", "check", "--at", "2026-02-01T00:00:00Z", "--log", log_url
        )
        assert weaker.output == "sonnet: clean (basis: check); a stronger or later verdict counts\n"
        found = json.loads(run("outcome", "d1", "failed", "--log", log_url, "--json").stdout)
        assert (found["verdict"], found["replaced"], found["is_new"]) == ("failed", "corrected", True)
        assert log.history("meta") == {"sonnet": (0, 1)}


def test_the_log_may_be_named_by_the_environment(sqlite_url, rows, monkeypatch):
    monkeypatch.setenv("TIERWISE_LOG", sqlite_url)
    run("log", "import", rows)
    assert "3 decisions" in run("log", "stats").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "stats"], "Which log? Give --log"),
        (["log", "stats", "--log", "nowhere.db"], "There is no log at sqlite:///nowhere.db"),
        (["log", "stats", "--log", "mysql://u:hunter2@h/x"], "A log can't be kept in 'mysql'"),
        (["log", "import", "nowhere.csv", "--log", "URL"], "Can't read nowhere.csv: No such file"),
        (["log", "import", "x.xlsx", "--log", "URL"], "The ending of a file says its format"),
        (
            ["log", "import", "x.csv", "--log", "URL", "--store-text", "some"],
            "store_text must be one of full",
        ),
        (["log", "export", "x.xlsx", "--log", "URL"], "The ending of a file says its format"),
        (["log", "forget", "--log", "URL"], "give --task-type or --decision-id"),
        (["log", "forget", "--task-type", "x", "--log", "URL"], "holds nothing of the type 'x'"),
        (["outcome", "d1", "clean", "--log", "URL"], "no decision with the id 'd1'"),
        (["outcome", "d1", "claen", "--log", "URL"], "did you mean 'clean'"),
        (["outcome", "d1", "clean", "--at", "2026-02-01", "--log", "URL"], "at must say its time zone"),
        (
            ["outcome", "d1", "clean", "--at", "2999-02-01T00:00:00Z", "--log", "URL"],
            "must not lie in the future",
        ),
    ],
)
def test_bad_input_is_exit_2_and_one_line(sqlite_url, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    OutcomeLog(sqlite_url).close()
    assert_refused(run(*[sqlite_url if each == "URL" else each for each in arguments]), message)
    assert "hunter2" not in message
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("log.db")] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["expire", "--days", "nan"], "nan is no finite number"),
        (["expire", "--days", "1e300"], "is not in the range"),
        (["stats", "--worth-usd", "inf"], "inf is no finite number"),
    ],
)
def test_what_is_no_number_of_days_or_dollars_is_refused(sqlite_url, arguments, message):
    OutcomeLog(sqlite_url).close()
    result = run("log", *arguments, "--log", sqlite_url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_real_command_refuses_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "tierwise", "log", "stats", "--log", str(tmp_path / "nowhere.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tierwise: There is no log at")

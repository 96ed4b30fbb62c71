"""tierwise log stats: what should move, in words and as JSON; tierwise log demo: something to try it on."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from small_model import small_model

from tierwise import OutcomeLog
from tierwise.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "log.md"
START = datetime(2026, 1, 1, tzinfo=UTC)
TAG = "Tag these 40 tickets by product area, one label each, JSON out"
FAQ = "Write the product FAQ for our new kettle"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def stats(url: str, *options: object) -> str:
    result = run("log", "stats", "--log", url, *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def row_of(shown: str, name: str) -> str:
    """The last line that begins with this type: the counts stand before."""
    return [line for line in shown.splitlines() if line.startswith(name)][-1]


@pytest.fixture
def url(log_url):
    """One type ready to go down, one that must go up, one held by a pin, one that is new."""
    parts = [
        ("faq", FAQ, "haiku", "clean", 60, {}),
        ("faq", FAQ, "sonnet", "clean", 100, {}),
        ("tag", TAG, "haiku", "corrected", 20, {}),
        ("pinned", TAG, "sonnet", "clean", 20, {"pin": "sonnet"}),
        ("new", FAQ, "sonnet", "clean", 1, {}),
        ("odd", "zxqv wvut qqqq zzzz pppp", "haiku", "clean", 1, {}),
    ]
    frame = pd.DataFrame(
        {"task_type": kind, "specification": text, "tier": tier, "verdict": verdict, **facts}
        for kind, text, tier, verdict, n, facts in parts
        for _ in range(n)
    )
    frame["at"] = [START + timedelta(hours=hour) for hour in range(len(frame))]
    with OutcomeLog(log_url) as log:
        log.import_frame(frame)
    return log_url


def test_types_that_move_stand_in_tables_with_their_evidence(url):
    shown = stats(url)
    down, up = shown.index("Ready to go down"), shown.index("Must go up")
    assert shown.index("202 decisions") < down < shown.index("\nfaq ", down) < up < shown.index("\ntag ", up)
    faq = row_of(shown, "faq")
    assert faq.split()[1:3] == ["sonnet", "haiku"]
    assert "haiku 60/60, sonnet 100/100" in faq
    assert faq.split()[5] == "60%"  # what the policy asks
    tag = row_of(shown, "tag")
    assert tag.split()[1] == "haiku"
    assert "haiku 0/20" in tag
    assert " -" in tag  # it costs more


def test_where_no_text_was_kept_none_is_said_to_speak(log_url):
    frame = pd.DataFrame({"task_type": "faq", "tier": ["haiku"] * 60 + ["sonnet"] * 100, "verdict": "clean"})
    frame["at"] = [START + timedelta(hours=hour) for hour in range(len(frame))]
    with OutcomeLog(log_url) as log:
        log.import_frame(frame)
    shown = stats(log_url)
    assert row_of(shown, "faq").split()[1:6] == ["sonnet", "haiku", "97%", "-", "60%"]
    assert json.loads(stats(log_url, "--json"))["movements"]["types"][0]["text_probability"] is None


def test_a_demotion_that_outcomes_have_earned_is_said(url):
    """FAQs are Sonnet's by their text; here they are done by Haiku already, and stay there."""
    assert "earned by outcomes" not in stats(url)
    later = [START + timedelta(hours=300 + hour) for hour in range(60)]
    frame = pd.DataFrame(
        {"task_type": "faq", "specification": FAQ, "tier": "haiku", "verdict": "clean", "at": later}
    )
    with OutcomeLog(url) as log:
        log.import_frame(frame)
    (said,) = [line for line in stats(url).splitlines() if "earned by outcomes" in line]
    assert re.search(r"faq at haiku \(>?\d+% sure, by text \d+%\)", said)


def test_what_a_rule_holds_what_stays_and_what_is_unsure_are_said_in_words(url):
    lines = stats(url).splitlines()
    (held,) = [line for line in lines if line.startswith("pinned stays at sonnet")]
    assert "The caller pinned this tier. Without that: haiku" in held
    assert held.endswith("sure; by the text, no outcome shows it yet).")
    assert "1 type stays where it is." in lines
    assert "Too little is known of 1 type: odd." in lines


def test_too_little_volume_is_said(url):
    assert "by cost alone routing does not pay at this volume" in stats(url)
    some = stats(url, "--worth-usd", "0.000001", "--baseline", "opus")
    assert "less than opus for everything (tokens only" in some
    assert "does not pay" not in some


def test_routing_that_costs_more_is_not_called_a_small_saving(url):
    shown = stats(url, "--baseline", "haiku")
    assert "a month more than haiku for everything" in shown
    assert "By cost alone routing does not pay here, whatever the volume" in shown
    assert "That is under" not in shown


def test_a_price_of_corrections_is_in_the_sums(url):
    shown = stats(url, "--correction-minutes", 6, "--hourly-rate-usd", 60)
    assert "tokens and expected corrections" in shown
    assert row_of(shown, "tag").split()[5] == "-"  # no threshold: cost decides
    assert row_of(shown, "tag").endswith("by expected cost")
    assert "by expected cost" not in stats(url)


def test_json_has_counts_and_movements(url):
    found = json.loads(stats(url, "--json", "--baseline", "opus"))
    assert (found["n_decisions"], found["trouble"]) == (202, None)
    moving = found["movements"]
    assert (moving["baseline"], moving["worth_usd"], moving["priced"]) == ("opus", 10.0, False)
    by_type = {each["task_type"]: each for each in moving["types"]}
    assert {kind: each["direction"] for kind, each in by_type.items()} == {
        "faq": "down",
        "tag": "up",
        "pinned": "held",
        "new": "stay",
        "odd": "unsure",
    }
    assert by_type["faq"]["outcomes"] == {"haiku": [60, 0], "sonnet": [100, 0]}


def test_another_model_may_be_asked(url, tmp_path):
    small_model().save(tmp_path / "small")
    other = json.loads(stats(url, "--json", "--model", tmp_path / "small"))["movements"]
    mine = json.loads(stats(url, "--json"))["movements"]
    assert other["types"][0]["text_probability"] != mine["types"][0]["text_probability"]


def test_without_a_model_the_counts_are_still_shown(url, monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    shown = stats(url)
    assert "202 decisions" in shown
    assert shown.splitlines()[-1].startswith("What should move can't be said. Without a model")
    assert json.loads(stats(url, "--json"))["movements"] is None


def test_a_log_without_outcomes_says_that_nothing_can_be_said(log_url):
    OutcomeLog(log_url).close()
    assert stats(log_url).splitlines()[-1].startswith("Nothing can be said of what should move")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--baseline", "sonet"], "'sonet'"),
        (["--model", "nowhere"], "nowhere"),
        (["--correction-minutes", "6"], "both correction_minutes and hourly_rate_usd"),
        (["--worth-usd", "-1"], "-1"),
    ],
)
def test_bad_options_are_exit_2(sqlite_url, options, message):
    OutcomeLog(sqlite_url).close()
    result = run("log", "stats", "--log", sqlite_url, *options)
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]


def test_the_demo_fills_a_log_once_and_says_that_it_is_simulated(log_url):
    shown = run("log", "demo", "--log", log_url, "--decisions", 120).stdout
    assert shown.startswith("120 simulated decisions and ")
    assert shown.endswith("Next, with the same --log: tierwise log stats\n")  # a url may hold a password
    again = json.loads(run("log", "demo", "--log", log_url, "--decisions", 120, "--json").stdout)
    assert (again["n_decisions"], again["n_outcomes"]) == (0, 0)
    assert "120 decisions" in stats(log_url)


def test_the_page_shows_what_it_says_of_the_demonstration_log(sqlite_url):
    assert run("log", "demo", "--log", sqlite_url).exit_code == 0
    shown = PAGE.read_text(encoding="utf-8").partition("tierwise log stats --log demo.db\n")[2]
    lines = [line for line in shown.partition("```")[0].splitlines() if line.strip() and line != "…"]
    printed = stats(sqlite_url).splitlines()
    assert len(lines) > 5
    assert [line for line in lines if line not in printed] == []

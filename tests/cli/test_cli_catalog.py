"""tierwise catalog: the ladder, and whether its facts are still true."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from genai_prices.data import providers

from tierwise.cli import main
from tierwise.data import IMAGES, TIERS

TODAY = datetime.datetime.now(tz=datetime.UTC).date()


def catalog(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["catalog", *map(str, arguments)])


def ladder_file(folder: Path, **facts: object) -> Path:
    """A ladder of one rung: Opus, at the price that its maker lists, checked today."""
    (maker,) = (provider for provider in providers if provider.id == "anthropic")
    (opus,) = (model for model in maker.models if model.id == "claude-opus-5-5")
    values = {"tier": '"opus"', "model": '"claude-opus-5-5"', "checked_on": TODAY, "source": '"a test"'}
    price = {"input": opus.prices.input_mtok, "output": opus.prices.output_mtok}
    lines = ["[[rung]]", *(f"{name} = {value}" for name, value in (values | facts).items())]
    lines += ["[[rung.price]]", *(f"{name} = {value}" for name, value in price.items())]
    path = folder / "ladder.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_table_shows_each_price_step_and_the_sources():
    result = catalog()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:4] == ["tier", "role", "model", "prompt"]
    assert [line.split()[0] for line in lines[1:5]] == ["haiku", "haiku", "sonnet", "opus"]
    assert "<= 100,000" in lines[1]
    assert "longer" in lines[2]
    assert "USD per million tokens" in lines[5]
    assert [line.split(":")[0] for line in lines[6:]] == ["haiku", "sonnet", "opus"]


def test_columns_are_aligned():
    lines = catalog().stdout.splitlines()[:5]
    for name in ("model", "input", "checked"):
        start = lines[0].index(f" {name}") + 1
        assert all(line[start - 1] == " " != line[start] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "tiers"),
    [
        ([], ["haiku", "haiku", "sonnet", "opus"]),
        (["--enable", "fable"], ["haiku", "haiku", "sonnet", "opus", "fable"]),
        (["--ladder", IMAGES], ["fast", "standard", "ultra"]),
        (["--ladder", TIERS], ["haiku", "haiku", "sonnet", "opus"]),
    ],
)
def test_json_has_a_row_per_price_step_lowest_rung_first(arguments, tiers):
    rows = json.loads(catalog("--json", *arguments).stdout)
    assert [row["tier"] for row in rows] == tiers
    for row in rows:
        assert row["output"] > 0
        assert datetime.date.fromisoformat(row["checked"])


def test_the_ladder_of_the_environment_is_shown(monkeypatch):
    monkeypatch.setenv("TIERWISE_LADDER", str(IMAGES))
    result = catalog()
    assert "ultra" in result.stdout
    assert "USD per million images" in result.stdout


@pytest.mark.parametrize(
    ("facts", "exit_code", "message"),
    [
        ({}, 0, "check: all facts hold"),
        ({"checked_on": TODAY - datetime.timedelta(90)}, 0, "check: all facts hold"),
        (
            {"checked_on": TODAY - datetime.timedelta(91)},
            1,
            "stale: opus: facts of claude-opus-5-5 were last",
        ),
        ({"retires_on": TODAY + datetime.timedelta(61)}, 0, "check: all facts hold"),
        ({"retires_on": TODAY + datetime.timedelta(60)}, 1, "retiring: opus: claude-opus-5-5 retires on"),
        ({"retires_on": TODAY}, 1, "retiring: opus"),
        (
            {"retires_on": TODAY - datetime.timedelta(1), "replaced_by": '"claude-opus-9"'},
            1,
            "; replace it with claude-opus-9",
        ),
        ({"model": '"no-such-model"'}, 1, "unknown: opus: genai-prices does not know no-such-model"),
        ({"model": '"claude-haiku-5-5"'}, 1, "price: opus: input of claude-haiku-5-5 is ["),
    ],
)
def test_check_says_what_no_longer_holds(tmp_path, facts, exit_code, message):
    result = catalog("--check", "--ladder", ladder_file(tmp_path, **facts))
    assert message in result.stderr
    assert result.exit_code == exit_code
    assert "opus" in result.stdout


def test_check_counts_its_findings(tmp_path):
    facts = {"checked_on": datetime.date(2020, 1, 1), "retires_on": datetime.date(2021, 1, 1)}
    result = catalog("--check", "--ladder", ladder_file(tmp_path, **facts))
    assert result.stderr.splitlines()[-1] == "check: 2 findings"


BROKEN = {
    "not = toml = at all": "is not a TOML file",
    "": "has no rung that is switched on",
    '[[rung]]\ntier = "a"': "lacks 'model'",
    "format = 99": "has format 99; this tierwise reads up to 1",
    'format = "1"': "format",
    "rung = 3": "rung",
    "rung = [3]": "rung",
    '[[rung]]\ntier = "a"\nmodel = "m"\nchecked_on = "yesterday"\nsource = "s"\nprice = [{input=1, output=1}]': (
        "checked_on"
    ),
    '[[rung]]\ntier = "a"\nmodel = "m"\nchecked_on = 2026-01-01\nsource = "s"\nprice = {input=1, output=1}': (
        "price"
    ),
    '[[rung]]\ntier = "a"\nmodel = "m"\nchecked_on = 2026-01-01\nsource = "s"\nprice = [{input=1, outptu=1}]': (
        "output"
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_ladder_is_exit_2_and_one_line_that_names_the_file(tmp_path, text, message):
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    result = catalog("--check", "--ladder", path)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ladder", "nowhere.toml"], "Can't read the ladder nowhere.toml: No such file"),
        (["--ladder", "."], "Can't read the ladder .: "),
        (["--enable", "fabel"], "No rung 'fabel'"),
        (["--enable", "fabel"], "did you mean 'fable'?"),
    ],
)
def test_bad_arguments_are_exit_2_and_one_clear_line(arguments, message):
    result = catalog(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr

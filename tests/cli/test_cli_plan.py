"""tierwise plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tierwise import OutcomeLog
from tierwise.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "run.md"

OWN = """
name = "own"
[[step]]
name = "tags"
specification = "Assign up to five tags from the list to this article. Return JSON. {text}"
output_tokens = 100
check = { json = true }
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["plan", *map(str, arguments)])


def test_without_a_file_it_plans_the_article_pipeline_that_ships():
    done = run()
    assert done.exit_code == 0, done.output
    assert done.output.startswith("article: 1 article;")
    assert "publish-check  -       none" in done.output


def test_the_page_shows_what_it_prints():
    shown = PAGE.read_text(encoding="utf-8").partition("tierwise plan --articles 20 ")[2].partition("```")[0]
    lines = [line for line in shown.splitlines()[1:] if line.strip() and line != "…"]
    assert len(lines) == 9
    printed = run("--articles", 20).output.splitlines()
    assert [line for line in lines if line not in printed] == []


def test_a_number_of_articles_and_json(own):
    found = json.loads(run(own, "--articles", 21, "--json").output)
    assert (found["articles"], found["steps"][0]["mode"]) == (21, "batch")


@pytest.mark.parametrize("separator", ["x", "\u2028", "\x85"], ids=["none", "line separator", "next line"])
def test_a_file_of_articles_is_counted(own, tmp_path, separator):
    articles, first = tmp_path / "articles.jsonl", f'{{"text": "{"x" * 799}{separator}"}}'
    articles.write_text(f'\ufeff{first}\r\n\n{{"text": ""}}\n', encoding="utf-8", newline="")
    found = json.loads(run(own, "--articles", articles, "--json").output)
    assert found["articles"] == 2
    assert found["steps"][0]["input_tokens"] == 17 + 100  # 67 characters, and 400 on average


def test_policy_and_log_are_heeded(own, tmp_path):
    log = tmp_path / "log.db"
    assert run(own, "--log", log).exit_code == 2  # it isn't made by a plan
    assert not log.exists()
    OutcomeLog(log).close()
    assert json.loads(run(own, "--log", log, "--json").output)["steps"][0]["tier"] == "haiku"
    priced = run(own, "--correction-minutes", 10, "--hourly-rate-usd", 60, "--json")
    assert json.loads(priced.output)["steps"][0]["reason"] == "expected_cost"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.toml"], "Can't read the pipeline gone.toml"),
        (["--articles", "0"], "articles must be a whole number >= 1"),
        (["--articles", "gone.jsonl"], "Can't read the articles 'gone.jsonl': No such file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 must be an object with an article's fields; got list"),
        ("\n", "has no articles"),
        ('{"txt": "x"}', "Article 1 lacks the field 'text' that the step 'tags' needs; did you mean 'txt'?"),
    ],
)
def test_bad_articles_are_named_by_line(own, tmp_path, content, said):
    articles = tmp_path / "articles.jsonl"
    articles.write_text(content, encoding="utf-8")
    done = run(own, "--articles", articles)
    assert done.exit_code == 2
    assert said in done.output

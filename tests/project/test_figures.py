"""The tables of figures in README, docs and data/README: what stands there is what a command has stored."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks._machine import as_json, champion
from benchmarks.seeds import counted
from docs._figures import MARKED, RESULTS, Figures, Goal, Row, filled, shown
from docs.generate import DOCUMENTS, FIGURES, stale_texts
from tierwise.training.seeds.tasks import read_seeds

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"^ *```.*?^ *```$", flags=re.MULTILINE | re.DOTALL)
TIMING = re.compile(r"\d\s?(?:ms|µs|MB|×|tasks/s|a second)(?!\w)")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_figure_that_no_result_holds_is_stale(tmp_path, name):
    """Of the first table of the document, the first digit of its last row."""
    text = (ROOT / name).read_text(encoding="utf-8")
    body = MARKED.search(text)[2]
    row = [line for line in body.splitlines() if line.startswith("|")][-1]
    digit = re.search(r"\d", row)
    changed = f"{row[: digit.start()]}{(int(digit[0]) + 1) % 10}{row[digit.end() :]}"
    assert filled(text.replace(row, changed), FIGURES) == text
    for each in DOCUMENTS:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / each, tmp_path / each)
    (tmp_path / name).write_text(text.replace(row, changed), encoding="utf-8")
    assert stale_texts(tmp_path)[name] == text


def test_every_table_of_figures_is_shown_once_and_every_marker_is_closed():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS]
    names = [found[1] for text in texts for found in MARKED.finditer(text)]
    assert sorted(names) == sorted(FIGURES)
    assert len(names) == sum(text.count("<!-- figures:") for text in texts)


@pytest.mark.parametrize("name", [*DOCUMENTS, "docs/deploy.md", "CONTRIBUTING.md"])
def test_timings_and_sizes_stand_in_tables_made_from_results_only(name):
    text = CODE.sub("", MARKED.sub("", (ROOT / name).read_text(encoding="utf-8")))
    assert [line for line in text.splitlines() if TIMING.search(line)] == []


def test_a_missed_goal_says_so():
    result = {"median_us": 40, "ratio": [190, 300]}
    assert Goal("60 µs", "median_us", at_most=60).shown(result) == "60 µs"
    assert Goal("30 µs", "median_us", at_most=30).shown(result) == "30 µs: **missed**"
    assert Goal("200×", "ratio[0]", at_least=200).shown(result) == "200×: **missed**"


def test_a_marker_or_a_path_that_nothing_answers_is_an_error():
    with pytest.raises(KeyError, match="no-such-table"):
        filled("<!-- figures:no-such-table -->\n<!-- /figures -->", FIGURES)
    with pytest.raises(KeyError, match="no_such_figure"):
        shown(Figures("`make`", ("", ""), [Row("a", "seeds", ["{no_such_figure}"])]))


def test_results_say_on_what_and_with_which_champion_they_were_measured():
    for path in RESULTS.glob("*.json"):
        machine = json.loads(path.read_text(encoding="utf-8"))["machine"]
        assert machine["commit"], path.name
        assert machine["champion"].keys() == champion().keys(), path.name


def test_a_list_of_numbers_takes_one_line():
    results = {"a": [1, -2.5, 1e-9], "b": [{"c": ["x", "[ 1,  2 ]"]}]}
    assert '"a": [1, -2.5, 1e-09],' in as_json(results)
    assert json.loads(as_json(results)) == results


def test_the_counts_of_the_seed_tasks_are_those_of_the_file():
    stored = json.loads((RESULTS / "seeds.json").read_text(encoding="utf-8"))
    settled = (ROOT / "data" / "settled_labels.jsonl").read_text(encoding="utf-8").splitlines()
    assert counted(read_seeds(), len(settled)) == {name: stored[name] for name in stored if name != "machine"}

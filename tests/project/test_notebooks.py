"""Every notebook runs from top to bottom, and is stored without outputs; on another log too, by one line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tierwise import OutcomeLog, predict_tier
from tierwise.router.log.demo import fill

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
READING = ("01_read_the_log", "03_why_and_how_sure")
RETRAIN = "02_retrain"
LINE = 'LOG = "demo"'
OF_ANOTHER_LADDER = {
    "specification": "Plan the merger",
    "task_type": "plans",
    "tier": "fable",
    "verdict": "clean",
    "at": "2026-01-05T09:00:00Z",
}
OF_LOGS = [path for path in NOTEBOOKS if LINE in path.read_text(encoding="utf-8").replace('\\"', '"')]


def executed(path: Path, folder: Path, **replaced: str) -> list[nbformat.NotebookNode]:
    """The outputs of all cells. A cell that fails raises."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for name, value in replaced.items():
            if cell.source.startswith(f"{name} = "):
                cell.source = f"{name} = {value!r}"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def text_of(outputs: list[nbformat.NotebookNode]) -> str:
    return "".join(each.text for each in outputs if each.output_type == "stream")


def n_plots(outputs: list[nbformat.NotebookNode]) -> int:
    return sum("image/png" in each.get("data", {}) for each in outputs)


def test_the_notebooks_are_there():
    assert {*READING, RETRAIN, "fit_again"} <= {path.stem for path in NOTEBOOKS}
    assert {*READING, RETRAIN} <= {path.stem for path in OF_LOGS}


def test_an_extra_brings_what_they_need():
    root = NOTEBOOKS[0].parents[1]
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"tierwise[train,log]", "ipykernel>=6"} <= set(extras["optional-dependencies"]["notebooks"])
    assert "`[notebooks]`" in (root / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_cleared(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells if cell.cell_type == "code" and cell.outputs] == []


@pytest.mark.parametrize("path", OF_LOGS, ids=lambda path: path.stem)
def test_the_log_is_named_in_one_line_which_is_the_first(path):
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert code[0].startswith(LINE)
    assert "\n" not in code[0]
    assert sum(source.count("LOG = ") for source in code) == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    outputs = executed(path, tmp_path)
    if path.stem in ("fit_again", "03_why_and_how_sure"):
        assert "Why, the decisive rule first" in text_of(outputs)
    if path.stem in READING:
        assert text_of(outputs).startswith("simulated:")
        assert n_plots(outputs) == 5
    if path.stem == RETRAIN:
        assert_retrained(outputs, "simulated:")


def assert_retrained(outputs: list[nbformat.NotebookNode], begins: str) -> None:
    """Fitted, compared, judged, and done what the gate said."""
    text = text_of(outputs)
    assert text.startswith(begins)
    assert n_plots(outputs) == 2
    assert "Challenger minus champion" in text
    verdict = text.split("gate: ")[1].split()[0]
    done = {"promote": "promote ", "canary": "canary ", "refuse": "Refused, nothing was changed"}[verdict]
    assert f"\n{done}" in text.split("gate: ")[1]
    assert "serves: " in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", OF_LOGS, ids=lambda path: path.stem)
def test_it_runs_on_ones_own_log(path, tmp_path):
    url = str(tmp_path / "own.db")
    with OutcomeLog(url) as log:
        fill(log, 400, seed=3)
        log.import_frame(pd.DataFrame([OF_ANOTHER_LADDER] * 3))
    outputs = executed(path, tmp_path, LOG=url)
    assert path.stem not in READING or text_of(outputs).startswith(url)
    if path.stem == RETRAIN:
        assert_retrained(outputs, url)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_retraining_is_tracked_in_a_local_store(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (path,) = [path for path in NOTEBOOKS if path.stem == RETRAIN]
    outputs = executed(path, tmp_path, TRACK=True)
    assert "Logged(name='tierwise', version='1'" in text_of(outputs)
    assert (tmp_path / "mlflow.db").exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_decisions", [0, 3])
def test_a_log_without_outcomes_is_said(tmp_path, n_decisions):
    url = str(tmp_path / "own.db")
    with OutcomeLog(url) as log:
        for number in range(n_decisions):
            log.record_decision(predict_tier(f"Tag these {number} tickets by product area", task_type="tags"))
    (path,) = [path for path in NOTEBOOKS if path.stem == "01_read_the_log"]
    outputs = executed(path, tmp_path, LOG=url)
    assert f"{n_decisions} decisions, 0 verdicts" in text_of(outputs)
    assert "There is nothing to read yet. Record verdicts" in text_of(outputs)
    assert not [output for output in outputs if output.output_type != "stream"]

"""Files: written whole and read back the same, in three formats."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_decisions import HOUR, NOON, SetClock, decided

from tierwise.classifier.errors import BadRows, InvalidOutcome, MissingExtra
from tierwise.router.log import OutcomeLog

FORMATS = ("jsonl", "csv", "parquet")


def filled(log: OutcomeLog) -> OutcomeLog:
    odd = 'Say "hi", then;\r\nstop\tat → 数 ' + "x" * 200_000
    log.record_outcome(
        decided("d1", text=odd, items=3, live=True, attempts=("haiku",)), "clean", note="a\n,b"
    )
    log.record_outcome("d1", "corrected", basis="check", at=NOON - HOUR)
    log.record_outcome("d1", "failed", basis="check", at=NOON - 2 * HOUR)
    log.record_decision(decided("d2", task_type=None), at=NOON - HOUR, follows="d1")
    log.record_outcome(decided("d3", deterministic=True, verifiable=False), "refused")
    return log


def content(log: OutcomeLog) -> list[dict]:
    from tierwise.router.log.files._export import exported_rows

    with log._database.read() as connection:
        return list(exported_rows(connection))


@pytest.fixture
def log(open_log):
    return filled(open_log(clock=SetClock()))


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_read_back_is_the_same_log(log, tmp_path, form):
    assert log.export(tmp_path / f"out.{form}") == 5
    with OutcomeLog(tmp_path / "copy.db", clock=SetClock()) as copy:
        report = copy.import_file(tmp_path / f"out.{form}")
        assert (report.n_rows, report.n_decisions, report.n_outcomes) == (5, 3, 4)
        assert content(copy) == content(log)
        assert copy.history("meta") == log.history("meta")
        assert copy.stats() == log.stats()
        assert [copy.replay(name).same for name in ("d1", "d2", "d3")] == [True] * 3
    assert log.import_file(tmp_path / f"out.{form}").n_known == 4


def test_the_frame_of_a_log_read_back_gives_the_same_history(log, tmp_path):
    with OutcomeLog(tmp_path / "copy.db", clock=SetClock()) as copy:
        copy.import_frame(log.to_pandas())
        pd.testing.assert_frame_equal(copy.to_pandas(), log.to_pandas())


@pytest.mark.parametrize("form", FORMATS)
def test_what_pandas_reads_from_an_export_is_what_the_log_has(log, tmp_path, form):
    path = tmp_path / f"out.{form}"
    log.export(path)
    read = {"jsonl": lambda p: pd.read_json(p, lines=True), "csv": pd.read_csv, "parquet": pd.read_parquet}[
        form
    ]
    frame = read(path)
    assert frame.decision_id.tolist() == ["d1", "d1", "d1", "d2", "d3"]
    assert pd.to_datetime(frame["at"])[1] == NOON - HOUR


@pytest.mark.parametrize("form", FORMATS)
def test_a_text_that_is_empty_is_still_one(open_log, tmp_path, form):
    log, other = open_log(clock=SetClock()), OutcomeLog(tmp_path / "other.db", clock=SetClock())
    for decision_id, text in (("d1", ""), ("d2", " \n ")):
        log.record_outcome(decided(decision_id, text=text), "failed")
    log.export(tmp_path / f"out.{form}")
    with other:
        other.import_file(tmp_path / f"out.{form}")
        found = other.to_pandas(columns=["decision_id", "specification", "text_stored"])
    assert sorted(map(tuple, found.to_numpy())) == [("d1", "", "full"), ("d2", " \n ", "full")]


LINES = [
    '{"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "task_type": "meta", "items": 3}',
    '{"tier": "haiku", "verdict": "claen", "at": "2026-02-01T00:00:00Z", "task_type": "meta"}',
    "{broken",
    "",
    "[1, 2]",
    '{"tier": "haiku", "verdict": "failed", "at": "2026-02-01T00:00:00Z", "task_type": "meta", "itmes": 3}',
    '{"tier": "opus", "verdict": "failed", "at": "2026-02-01T00:00:00Z", "task_type": "meta"}',
]
CSV = """\ufefftier,verdict,at,task_type,items,live,attempts,specification
haiku,clean,2026-02-01T00:00:00Z,meta,3,yes,,"two
lines"
haiku,claen,2026-02-01T00:00:00Z,meta,3,yes,,a
haiku,clean,2026-02-01T00:00:00Z,meta,many,,,a
haiku,clean,2026-02-01T00:00:00Z,meta,,perhaps,,a
haiku,clean,2026-02-01T00:00:00Z,meta
opus, failed ,2026-02-01T00:00:00Z,meta,,no,haiku sonnet,b
"""


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [("half.jsonl", "\n".join(LINES), [2, 3, 5, 6]), ("half.csv", CSV, [4, 5, 6, 7])],
)
def test_a_half_bad_file_imports_nothing_or_with_partial_the_rest(open_log, tmp_path, name, text, bad):
    log = open_log(clock=SetClock())
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        BadRows, match=rf"Nothing was imported: 4 of 6 rows .* line {bad[0]}: .*line {bad[-1]}: "
    ) as caught:
        log.import_file(path)
    assert [row.number for row in caught.value.rows] == bad
    assert (log.stats().n_decisions, sorted(p.name for p in tmp_path.glob("half*"))) == (0, [name])
    report = log.import_file(path, partial=True)
    assert [row.number for row in report.bad] == bad
    assert log.history("meta") == {"haiku": (1, 0), "opus": (0, 1)}
    assert report.bad_path == tmp_path / f"{name}.bad.jsonl"
    written = [json.loads(line) for line in report.bad_path.read_text(encoding="utf-8").splitlines()]
    assert [row["row"] for row in written] == bad
    assert all(row["error"] for row in written)


def test_bad_rows_once_corrected_are_imported(open_log, tmp_path):
    log = open_log(clock=SetClock())
    (tmp_path / "in.jsonl").write_text("\n".join(LINES[:2]), encoding="utf-8")
    report = log.import_file(tmp_path / "in.jsonl", partial=True, bad_path=tmp_path / "bad.jsonl")
    corrected = report.bad_path.read_text(encoding="utf-8").replace("claen", "clean")
    report.bad_path.write_text(corrected, encoding="utf-8")
    log.import_file(report.bad_path)
    assert log.history("meta") == {"haiku": (2, 0)}


def test_a_bad_row_of_a_csv_is_imported_once_what_was_named_is_corrected(open_log, tmp_path):
    """Its other cells stand in the file of bad rows as what they are, and not as the texts of a CSV."""
    head = "specification,task_type,tier,verdict,at,items,verifiable,attempts,propensity\n"
    row = "Tag it,tags,sonnet,clean,2026-01-01T09:00:00Z,three,yes,haiku,0.9\n"
    (tmp_path / "in.csv").write_text(head + row, encoding="utf-8")
    log = open_log()
    report = log.import_file(tmp_path / "in.csv", partial=True, bad_path=tmp_path / "bad.jsonl")
    [bad] = report.bad_path.read_text(encoding="utf-8").splitlines()
    assert json.loads(bad)["error"] == "items must be a whole number >= 0; got 'three'."
    report.bad_path.write_text(bad.replace('"three"', "3"), encoding="utf-8")
    assert log.import_file(report.bad_path).n_outcomes == 1
    [found] = log.to_pandas().to_dict("records")
    assert (found["items"], found["verifiable"], found["attempts"], found["propensity"]) == (
        3,
        True,
        ("haiku",),
        0.9,
    )


@pytest.mark.parametrize(("name", "unit"), [("in.csv", "line 2"), ("in.parquet", "row 1")])
def test_the_row_that_another_contradicts_is_counted_as_all_rows_of_its_file(open_log, tmp_path, name, unit):
    rows = pd.DataFrame({"decision_id": "d1", "tier": ["haiku", "opus"], "verdict": "clean", "at": NOON})
    getattr(rows, f"to_{name.split('.')[1]}")(tmp_path / name, index=False)
    with pytest.raises(BadRows, match=f"'d1' is another decision in {unit}: use ids of their own"):
        open_log().import_file(tmp_path / name)


def test_a_bad_row_that_no_encoding_can_write_is_written_out_as_json_writes_it(open_log, tmp_path):
    log = open_log(clock=SetClock())
    row = '{"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "note": "\\ud800 \\ud83d\\ude00 é"}'
    (tmp_path / "in.jsonl").write_text(f"{row}\n{LINES[0]}\n", encoding="utf-8")
    report = log.import_file(tmp_path / "in.jsonl", partial=True)
    (written,) = report.bad_path.read_text(encoding="utf-8").splitlines()
    assert (json.loads(written)["note"], report.n_decisions) == (json.loads(row)["note"], 1)


@pytest.mark.parametrize("kind", ["live", "items", "propensity"])
def test_a_text_in_the_cell_of_a_flag_or_number_is_not_quoted_whole(open_log, tmp_path, kind):
    log = open_log(clock=SetClock())
    (tmp_path / "in.csv").write_text(f"tier,{kind}\nhaiku,{'a long text ' * 400}\n", encoding="utf-8")
    with pytest.raises(BadRows) as caught:
        log.import_file(tmp_path / "in.csv")
    assert len(caught.value.rows[0].message) < 250


@pytest.mark.parametrize(
    ("bad_path", "message"),
    [
        ("in.jsonl", "Bad rows would be written over in.jsonl itself: choose another file for them"),
        ("sub/../in.jsonl", "Bad rows would be written over"),
        ("nowhere/bad.jsonl", "Can't write nowhere/bad.jsonl: there is no folder nowhere"),
    ],
)
def test_nothing_is_imported_where_the_bad_rows_have_no_place(
    open_log, tmp_path, bad_path, message, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    log = open_log(clock=SetClock())
    Path("sub").mkdir()
    Path("in.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    with pytest.raises(InvalidOutcome, match=message):
        log.import_file("in.jsonl", partial=True, bad_path=bad_path)
    assert (log.stats().n_decisions, Path("in.jsonl").read_text(encoding="utf-8")) == (0, "\n".join(LINES))


def test_bad_rows_that_can_not_be_written_after_all_are_told_with_what_was_imported(open_log, tmp_path):
    log = open_log(clock=SetClock())
    (tmp_path / "in.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    (tmp_path / "bad.jsonl").mkdir()
    message = "Can't write .*bad.jsonl: .* The other 2 rows are in the log; import again, .*adds nothing"
    with pytest.raises(InvalidOutcome, match=message):
        log.import_file(tmp_path / "in.jsonl", partial=True, bad_path=tmp_path / "bad.jsonl")
    assert log.stats().n_decisions == 2


def test_what_could_not_be_read_is_written_out_as_it_stood(open_log, tmp_path):
    log = open_log(clock=SetClock())
    (tmp_path / "in.jsonl").write_text("{broken\n", encoding="utf-8")
    report = log.import_file(tmp_path / "in.jsonl", partial=True)
    assert json.loads(report.bad_path.read_text(encoding="utf-8"))["unreadable"] == "{broken"
    with pytest.raises(BadRows, match="write its columns in place of 'unreadable'"):
        log.import_file(report.bad_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.xlsx",
            b"",
            "The ending of a file says its format: .jsonl, .ndjson, .csv, .parquet; got 'x.xlsx'",
        ),
        ("nowhere.csv", None, "Can't read .*nowhere.csv: No such file"),
        ("x.jsonl", "é".encode("latin-1"), "line 1: it is not UTF-8; convert it"),
        ("x.csv", "tier,é\n".encode("latin-1"), "is not UTF-8"),
        ("x.csv", b"tier,vredict\n", "Unknown column 'vredict'; did you mean 'verdict'"),
        ("x.csv", b"", "A row needs a 'tier'"),
        ("x.csv", b'tier,verdict,"at\n', "x.csv is not CSV: unexpected end of data"),
        ("x.csv", b"tier,at,tier\n", "Column 'tier' is there twice: which of them counts\\?"),
        ("x.csv", b"tier;verdict;at\n", "Unknown column 'tier;verdict;at': columns are separated by commas."),
        ("x.csv", b"tier\tverdict\n", r"Unknown column 'tier\\tverdict': columns are separated by commas."),
        ("x.parquet", b"no parquet, nor anything else", r"is not a Parquet file: .*[^.]\.$"),
    ],
)
def test_a_file_that_can_not_be_read_is_named(tmp_path, sqlite_url, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with OutcomeLog(sqlite_url) as log, pytest.raises(InvalidOutcome, match=message):
        log.import_file(tmp_path / name)


def test_an_export_that_fails_leaves_the_old_file(log, tmp_path, monkeypatch):
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("tierwise.router.log.files._written.to_json", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log.export(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in Path(tmp_path).glob("*out*")] == ["out.jsonl"]


def test_an_export_to_nowhere_is_one_clear_error(log, tmp_path):
    with pytest.raises(InvalidOutcome, match=r"Can't write .*out.csv: No such file or directory"):
        log.export(tmp_path / "nowhere" / "out.csv")


def test_a_cell_that_is_too_long_is_one_bad_row(open_log, tmp_path):
    log = open_log(clock=SetClock())
    row = "haiku,clean,2026-02-01T00:00:00Z,"
    rows = ["tier,verdict,at,note", row, row + "x" * 2_000_001, row]
    (tmp_path / "in.csv").write_text("\n".join(rows), encoding="utf-8")
    report = log.import_file(tmp_path / "in.csv", partial=True)
    assert (report.n_decisions, [row.number for row in report.bad]) == (2, [3])
    assert "not CSV: field larger than field limit" in report.bad[0].message


def test_without_pyarrow_the_line_that_installs_it_is_named(log, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"'pyarrow'.* pip install 'tierwise\[parquet\]'"):
        log.export(tmp_path / "out.parquet")
    assert list(tmp_path.glob("*out*")) == []

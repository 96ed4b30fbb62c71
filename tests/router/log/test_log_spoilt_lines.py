"""Lines of a file that can't be read: each is one bad row, and spoils no other."""

from __future__ import annotations

import json

import pytest
from small_decisions import SetClock

from tierwise.classifier.errors import BadRows

ROW = b"haiku,clean,2026-02-01T00:00:00Z,"


@pytest.mark.parametrize(
    ("content", "number", "message"),
    [
        (
            ROW + b'"left open\n' + ROW + b"x\n",
            4,
            "not CSV: unexpected end of data; the row begins on line 3",
        ),
        (
            ROW + b'"left open\n' + ROW + b'"x"\n',
            4,
            "the row begins on line 3: is a quotation mark left open?",
        ),
        (ROW + b'"a" b\n', 3, "not CSV: ',' expected after '\"'"),
        (ROW + "grüße\n".encode("latin-1"), 3, "specification: it is not UTF-8; convert it."),
    ],
)
def test_of_a_csv_file_one_row_that_can_not_be_read_spoils_no_other(
    open_log, tmp_path, content, number, message
):
    log = open_log(clock=SetClock())
    (tmp_path / "in.csv").write_bytes(b"tier,verdict,at,specification\n" + ROW + b"one\n" + content)
    with pytest.raises(BadRows, match=f"Nothing was imported: 1 of 2 rows can't be taken. line {number}: "):
        log.import_file(tmp_path / "in.csv")
    report = log.import_file(tmp_path / "in.csv", partial=True)
    assert (report.n_decisions, [row.number for row in report.bad]) == (1, [number])
    assert message in report.bad[0].message
    [bad] = map(json.loads, report.bad_path.read_text(encoding="utf-8").splitlines())
    as_it_stood = content.decode("utf-8", "surrogateescape")
    assert bad.get("unreadable", as_it_stood) == as_it_stood
    assert "unreadable" in bad or bad["specification"] == "gr\udcfc\udcdfe"


def test_of_json_lines_one_that_is_not_utf_8_spoils_no_other(open_log, tmp_path):
    log = open_log(clock=SetClock())
    row = '{"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "specification": "grüße"}\n'
    (tmp_path / "in.jsonl").write_bytes(row.encode() + row.encode("latin-1") + row.encode())
    with pytest.raises(BadRows, match="1 of 3 rows can't be taken. line 2: it is not UTF-8; convert it."):
        log.import_file(tmp_path / "in.jsonl")
    report = log.import_file(tmp_path / "in.jsonl", partial=True)
    assert (report.n_decisions, [row.number for row in report.bad]) == (2, [2])
    [bad] = map(json.loads, report.bad_path.read_text(encoding="utf-8").splitlines())
    assert bad["unreadable"].encode("utf-8", "surrogateescape") == row.rstrip().encode("latin-1")

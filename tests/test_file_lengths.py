"""A file is one idea."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_no_source_file_is_longer_than_300_lines():
    folders = (
        "tierwise",
        "classifier",
        "router",
        "training",
        "data",
        "tests",
        "docs",
        "benchmarks",
        "examples",
    )
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 40
    lengths = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}

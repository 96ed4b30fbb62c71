"""A file is one idea."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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


def test_what_tests_share_is_in_files_of_its_own():
    """A test module that another one imports can't be changed, or run, by itself."""
    folder = ROOT / "tests"
    tests = {path.stem for path in folder.rglob("test_*.py")}
    found = {}
    for path in folder.rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE)
        if taken := tests.intersection(imported):
            found[path.name] = taken
    assert found == {}

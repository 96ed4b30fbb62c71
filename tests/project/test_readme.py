"""The Python code of README and docs runs as it stands there, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(ROOT.glob("docs/*.md")) + [
    ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "data/README")
]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
BLOCK = re.compile(r"^ *```(?:python|py)\b[^\n]*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[int, str]]:
    """(line of the first statement, code) of each Python block."""
    return [(text.count("\n", 0, found.start(1)) + 1, dedent(found[1])) for found in BLOCK.finditer(text)]


WITH_CODE = [path for path in DOCUMENTS if blocks(path.read_text(encoding="utf-8"))]


def test_python_blocks_are_found_and_others_are_not():
    text = "a\n```python\nx = 1\ny = 2\n```\n```bash\nls\n```\n1. in a list\n   ```py\n   z = 3\n   ```\n"
    assert blocks(text) == [(3, "x = 1\ny = 2\n"), (11, "z = 3\n")]


def test_readme_and_the_pages_that_show_python_are_found():
    assert {path.name for path in WITH_CODE} >= {"README.md", "log.md", "retrain.md", "run.md"}


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(path):
    dead = []
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        to = path.parent / target if target else path
        if not to.exists() or (anchor and anchor not in _anchors(to.read_text(encoding="utf-8"))):
            dead.append(f"{target}#{anchor}")
    assert dead == []


@pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: path.name)
@pytest.mark.allow_hosts(["127.0.0.1"])  # the loopback server, and nothing else
def test_the_code_runs_from_top_to_bottom(path, tmp_path, monkeypatch, capsys):
    """One namespace for all blocks of a page, as a reader would paste them one after the other."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__readme__"}
    for line, code in blocks(path.read_text(encoding="utf-8")):
        placed = "\n" * (line - 1) + code  # so that a failure names the line of the page
        exec(compile(placed, str(path), "exec"), namespace)
    assert capsys.readouterr().err == ""

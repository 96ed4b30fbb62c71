"""examples/article_pipeline.py, run as a user runs it, with the loopback server in place of the API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tierwise.testing import MessagesServer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "article_pipeline.py"


def answer(request):
    text = request["messages"][0]["content"]
    if "schema.org" in text:
        return json.dumps({"@context": "https://schema.org", "@type": "Article", "headline": "Heat"})
    if "Checklist:" in text:
        return '{"names a source": "pass"}'
    return "{}" if "JSON" in text else "word " * 700


def test_the_example_plans_runs_and_pays_once(tmp_path):
    with MessagesServer(answer) as server:
        environment = {**os.environ, "ANTHROPIC_API_KEY": server.api_key, "ANTHROPIC_BASE_URL": server.url}
        command = [sys.executable, str(EXAMPLE)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(server.calls) == 2 * 7
        cost = f"${server.cost_usd:.4f}"
    *_, first, second, heat, insulation = done.stdout.splitlines()
    assert done.stdout.startswith("article: 1 article; tokens")
    assert first == f"2 of 2 done, 16 new steps, {cost}"
    assert second == f"2 of 2 done, 0 new steps, {cost}"
    assert heat == 'heat-pump done {"publish": true}'
    assert insulation == 'insulation done {"publish": true}'

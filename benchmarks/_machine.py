"""Where and with what a figure was measured, and where results are written."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """Processor, cores, Python, library versions, commit, and the champion that ships."""
    info = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in _lines(info) if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in ("numpy", "safetensors", "scikit-learn")},
        "commit": commit.stdout.strip() or "unknown",
        "champion": champion(),
    }


def champion() -> dict[str, Any]:
    """The version of the champion that ships, and to how many seed tasks it is fitted."""
    model = TierModel.load(CHAMPION)
    return {"version": model.version, "seed_tasks": model.manifest["training"]["rows"]}


def write(name: str, results: dict[str, Any]) -> Path:
    """Store results beside the machine they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(as_json({"machine": machine(), **results}), encoding="utf-8")
    return path


def as_json(results: dict[str, Any]) -> str:
    """A line a value, but a list of numbers on one line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return re.sub(r"\[\n([-+\d.,e\s]+?)\n\s*\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []

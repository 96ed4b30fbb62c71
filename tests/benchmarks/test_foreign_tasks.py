"""Tasks that are measured and never fitted: none of them is a seed, and each is labelled as its file says."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.held_out import FIRST, FOREIGN, FOUR, HARD
from tierwise.training.seeds.tasks import TIERS, read_seeds


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def words_of(text):
    return " ".join(text.lower().split())


@pytest.mark.parametrize("path", [FOREIGN, HARD], ids=["foreign", "hard"])
def test_no_task_is_there_twice_or_among_those_that_are_fitted(path):
    rows = rows_of(path)
    assert len({row["id"] for row in rows}) == len(rows)
    texts = {words_of(row["specification"]) for row in rows}
    assert len(texts) == len(rows)
    assert not texts & {words_of(seed.task.specification) for seed in read_seeds()}


def test_each_author_has_as_many_tasks_of_each_tier_and_second_labels_agree_nearly_always():
    rows = rows_of(FOREIGN)
    counts = Counter((row["domain"], row["tier"]) for row in rows)
    assert set(counts) == {(author, tier) for author in (*FIRST, *FOUR) for tier in TIERS}
    assert all(len({counts[author, tier] for tier in TIERS}) == 1 for author in (*FIRST, *FOUR))
    twice = [row for row in rows if "second_label" in row]
    assert {row["domain"] for row in twice} == set(FOUR)
    assert sum(row["second_label"] == row["tier"] for row in twice) >= 0.98 * len(twice)

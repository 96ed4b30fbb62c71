"""The seed tasks are balanced, distinct, and can't be told apart by a trick."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from tierwise.data import FOLDER
from tierwise.training.seeds.tasks import TIERS, read_seeds

NEAR_DUPLICATE = 0.8  # cosine of character 3- to 5-grams
FREQUENT = 0.1  # grams in more of the texts tell no two apart, and take most of the time
AT_ONCE = 1_000  # rows compared with those before them: the matrix of all would take gigabytes
COMMON = 150  # rows with the word


@pytest.fixture(scope="module")
def seeds():
    return read_seeds()


def test_there_are_enough_of_each_tier_and_kind(seeds):
    shares = np.bincount([seed.needed for seed in seeds]) / len(seeds)
    assert len(seeds) >= 900
    assert len({seed.task_type for seed in seeds}) >= 60
    assert shares.min() > 0.28
    assert shares.max() < 0.38


def test_ids_and_texts_are_distinct(seeds):
    assert len({seed.id for seed in seeds}) == len(seeds)
    assert len({seed.task.specification.lower() for seed in seeds}) == len(seeds)


def test_there_are_no_near_duplicates(seeds):
    texts = [seed.task.specification for seed in seeds]
    grams = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), max_df=FREQUENT, dtype=np.float32
    ).fit_transform(texts)
    found = []
    for start in range(0, len(texts), AT_ONCE):
        similar = (grams[start : start + AT_ONCE] @ grams[: start + AT_ONCE].T).tocoo()
        near = similar.data > NEAR_DUPLICATE
        rows, columns = similar.row[near] + start, similar.col[near]
        found += [
            (texts[i], texts[j])
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
            if j < i and not _same_family(seeds[i], seeds[j])
        ]
    assert found == []


def _same_family(a, b):
    return bool({a.triple, a.pair} & {b.triple, b.pair} - {None})


def test_near_boundary_triples_are_complete(seeds):
    tiers = defaultdict(list)
    for seed in seeds:
        if seed.triple:
            tiers[seed.triple].append(seed.needed)
    complete = [name for name, found in tiers.items() if sorted(found) == [0, 1, 2]]
    assert len(complete) >= 60
    assert len(tiers) - len(complete) <= 1  # one lost a tier when a disagreement was settled


def test_length_does_not_give_the_tier_away(seeds):
    """The best guess from length alone is hardly better than a constant."""
    words = np.array([len(seed.task.specification.split()) for seed in seeds])
    needed = np.array([seed.needed for seed in seeds])
    bins = np.digitize(words, np.quantile(words, np.linspace(0, 1, 11)[1:-1]))
    right = sum(np.bincount(needed[bins == each]).max() for each in np.unique(bins))
    assert right / len(seeds) < 0.42
    medians = [np.median(words[needed == tier]) for tier in range(3)]
    assert max(medians) / min(medians) < 1.5


def test_no_single_word_gives_the_tier_away(seeds):
    """The best guess from one word stays wrong more often than right, and common words are shared."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    totals = Counter(seed.needed for seed in seeds)
    for seed in seeds:
        for word in set(seed.task.specification.lower().split()):
            counts[word][seed.needed] += 1
    right = {
        word: max(found.values()) + max(totals[tier] - found[tier] for tier in range(3))
        for word, found in counts.items()
    }
    best = max(right, key=right.__getitem__)
    assert right[best] / len(seeds) < 0.47, best
    common = [word for word, found in counts.items() if found.total() >= COMMON]
    assert len(common) > 80
    assert [word for word in common if len(counts[word]) < 3] == []


def test_every_row_was_labelled_twice_and_disagreements_are_settled_in_writing(seeds):
    lines = (FOLDER / "settled_labels.jsonl").read_text(encoding="utf-8").splitlines()
    settled = [json.loads(line) for line in lines]
    by_id = {row["id"]: row for row in settled}
    assert all(seed.second_label in TIERS for seed in seeds)
    differing = {seed.id for seed in seeds if seed.second_label != TIERS[seed.needed]}
    assert differing <= set(by_id)
    assert all(row["first_label"] != row["second_label"] and len(row["why"]) > 20 for row in settled)

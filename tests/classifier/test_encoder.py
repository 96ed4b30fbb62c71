"""Static embeddings: sums of quantised piece vectors."""

from __future__ import annotations

import numpy as np
import pytest
from small_model import small_reader

from tierwise.classifier.reading._encoder import LENGTH_EXPONENT, StaticEncoder, length_weight, quantised

ENCODER = StaticEncoder(
    ["[UNK]", "tag", "##s"],
    np.array([[1, 1], [10, -20], [3, 4]], dtype=np.int8),
    np.array([1.0, 0.5, 2.0], dtype=np.float32),
)


@pytest.mark.parametrize(
    ("word", "vector"),
    [("tag", [5, -10]), ("Tags", [11, -2]), ("zzz", [1, 1]), ("\u200b", [0, 0]), ("tag?", [6, -9])],
)
def test_a_word_is_the_sum_of_its_pieces(word, vector):
    found = ENCODER.word_vector(word)
    assert found.tolist() == vector
    assert found.dtype == np.float32


def test_a_text_is_the_weighted_sum_of_its_words():
    found = ENCODER.embed([["tag", "tags"], [], ["zzz"]])
    assert found.shape == (3, ENCODER.n_dims)
    np.testing.assert_allclose(
        found, [[16 * 2**-LENGTH_EXPONENT, -12 * 2**-LENGTH_EXPONENT], [0, 0], [1, 1]], rtol=1e-6
    )


def test_a_longer_text_weighs_each_word_less_and_an_empty_one_is_no_error():
    weights = [length_weight(n) for n in range(6)]
    assert weights[:2] == [1.0, 1.0]
    assert weights[1:] == sorted(weights[1:], reverse=True)
    assert min(weights) > 0


def test_quantised_vectors_differ_by_less_than_a_step():
    vectors = np.random.default_rng(0).normal(size=(50, 8))
    vectors[7] = 0.0
    table, scale = quantised(vectors)
    assert (table.dtype, scale.dtype) == (np.int8, np.float32)
    error = np.abs(table * scale[:, None] - vectors).max(axis=1)
    assert (error <= 0.004 * np.abs(vectors).max(axis=1) + 1e-9).all()
    assert (table[7] == 0).all()
    assert np.isfinite(scale).all()


def test_quantising_what_was_quantised_changes_nothing():
    encoder = small_reader().encoder
    table, scale = quantised(encoder.table * encoder.scale[:, None])
    np.testing.assert_allclose(table * scale[:, None], encoder.table * encoder.scale[:, None], atol=1e-2)

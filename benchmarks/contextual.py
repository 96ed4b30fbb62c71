"""What serving within its budgets costs in accuracy: a transformer that reads each word in its context.

    python -m benchmarks.contextual         (half an hour on one core)

MiniLM, the encoder's teacher, is fitted to four fifths of the seed tasks, all its layers, and so is the
reader that is served; both read the last fifth, whole task types held out. Nothing of it ships: a text takes
the transformer many times as long.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import click
import numpy as np
from sklearn.model_selection import GroupKFold
from tqdm import tqdm

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.training.seeds.crossval import NO_GUARDS
from tierwise.training.seeds.distil import Teacher
from tierwise.training.seeds.head import fit_reader
from tierwise.training.seeds.tasks import TIERS, SeedTask, read_seeds

from ._machine import write

BATCH, LEAST_RATE = 32, 0.01  # of the learning rate, which falls from step to step
RATE, RATE_OF_HEAD, WARM_STEPS = 6e-5, 1e-3, 50
SMOOTHING, WEIGHT_DECAY, LARGEST_STEP = 0.05, 0.01, 1.0
MAX_TOKENS = 96


@click.command()
@click.option("--epochs", default=2, show_default=True)
def main(epochs: int) -> None:
    seeds = read_seeds()
    types = [seed.task_type for seed in seeds]
    fitted, held_out = next(GroupKFold(5, shuffle=True, random_state=0).split(types, groups=types))
    some, others = [seeds[i] for i in fitted], [seeds[i] for i in held_out]
    results: dict[str, Any] = {
        "fitted_tasks": len(some),
        "held_out_tasks": len(others),
        "epochs": epochs,
        "served_reader": _static(some, others),
        "transformer": _contextual(some, others, epochs),
    }
    for name, found in results.items():
        print(f"{name}: {found}")
    print(f"written to {write('contextual', results)}")


def _static(some: Sequence[SeedTask], others: Sequence[SeedTask]) -> dict[str, Any]:
    encoder = TierModel.load(CHAMPION).reader.encoder
    needed = np.array([seed.needed for seed in some])
    reader = fit_reader([seed.task for seed in some], needed, encoder, n_tiers=len(TIERS), guards=NO_GUARDS)
    tasks = [seed.task for seed in others]
    reader.read_many(tasks)
    begun = time.perf_counter()
    for task in tasks:
        reader.read(task)
    each_us = 1e6 * (time.perf_counter() - begun) / len(tasks)
    return _figures(reader.read_many(tasks).logits, others, each_us)


def _contextual(some: Sequence[SeedTask], others: Sequence[SeedTask], epochs: int) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    model = Teacher.load().model
    head = torch.nn.Linear(model.get_embedding_dimension(), len(TIERS))

    def logits(texts: Sequence[str]) -> Any:
        tokens = model.tokenizer(
            list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        return head(model(dict(tokens))["sentence_embedding"] * head.in_features**0.5)

    _fit(model, head, logits, some, epochs)
    model.eval()
    texts = [seed.task.specification for seed in others]
    with torch.inference_mode():
        found = np.concatenate([logits(texts[i : i + BATCH]).numpy() for i in range(0, len(texts), BATCH)])
        begun = time.perf_counter()
        for text in texts[:200]:
            logits([text])
        each_us = 1e6 * (time.perf_counter() - begun) / 200
    return _figures(found, others, each_us)


def _fit(model: Any, head: Any, logits: Any, some: Sequence[SeedTask], epochs: int) -> None:
    import torch

    parts = [
        {"params": list(model.parameters()), "lr": RATE, "most": RATE},
        {"params": list(head.parameters()), "lr": RATE_OF_HEAD, "most": RATE_OF_HEAD},
    ]
    optimiser = torch.optim.AdamW(parts, weight_decay=WEIGHT_DECAY)
    batches = [batch for epoch in islice(_epochs(some), epochs) for batch in epoch]
    model.train()
    for step, batch in enumerate(tqdm(batches, disable=None)):
        share = max(min(1.0, step / WARM_STEPS) * (1.0 - step / len(batches)), LEAST_RATE)
        for part in optimiser.param_groups:
            part["lr"] = share * part["most"]
        needed = torch.tensor([some[i].needed for i in batch])
        found = logits([some[i].task.specification for i in batch])
        loss = torch.nn.functional.cross_entropy(found, needed, label_smoothing=SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_STEP)
        optimiser.step()


def _epochs(some: Sequence[SeedTask]) -> Iterator[list[list[int]]]:
    """Batches of texts of about the same length, in any order."""
    chance = np.random.default_rng(0)
    chars = np.array([len(seed.task.specification) for seed in some])
    while True:
        order = np.argsort(chars * chance.uniform(0.8, 1.25, len(chars))).tolist()
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        yield [batches[i] for i in chance.permutation(len(batches))]


def _figures(logits: np.ndarray, others: Sequence[SeedTask], each_us: float) -> dict[str, Any]:
    off = np.abs(logits.argmax(axis=1) - np.array([seed.needed for seed in others]))
    return {
        "accuracy": round(float((off == 0).mean()), 4),
        "two_tier_errors": round(float((off == 2).mean()), 4),
        "one_text_us": round(each_us),
    }


if __name__ == "__main__":
    main()

"""A reader as arrays, and back."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..belief._passing import Widths
from ..reading._encoder import StaticEncoder
from ..reading._guards import Guards
from ..reading._lexicon import Lexicon
from ..reading._reader import Reader
from ..reading._shape import FEATURES, Shape
from ..reading._wordpiece import TOKENIZER_VERSION
from ..reading.features import FACT_FEATURES
from ._folder import Folder

_SHAPE = ("centre", "spread", "weights")


def arrays_of(reader: Reader) -> dict[str, NDArray[Any]]:
    """Everything numeric that the reader is made of; texts are stored as UTF-8, NUL between them."""
    lexicon, shape = reader.lexicon, reader.shape
    of_asked = {} if reader.asked is None else {"head.asked": _short(reader.asked)}
    of_shape = {} if shape is None else {f"shape.{name}": getattr(shape, name) for name in _SHAPE}
    return {
        **of_asked,
        **of_shape,
        "encoder.table": reader.encoder.table,
        "encoder.scale": reader.encoder.scale,
        "lexicon.units": _as_bytes(lexicon.units),
        "lexicon.marks": _as_bytes(lexicon.marks),
        "lexicon.familiarity": np.array(lexicon.familiarity, dtype=np.float32),
        "lexicon.pairs": lexicon.pairs,
        "head.lexical": _short(reader.lexical),
        "head.embedding": reader.embedding,
        "head.facts": reader.facts,
        "head.bias": reader.bias,
    }


def manifest_of(reader: Reader) -> dict[str, Any]:
    """What the manifest must say for `reader_from` to accept the arrays."""
    table = hashlib.sha256(reader.encoder.table.tobytes() + reader.encoder.scale.tobytes())
    return {
        "tokenizer_version": TOKENIZER_VERSION,
        "encoder": {"n_dims": reader.encoder.n_dims, "fingerprint": table.hexdigest()[:16]},
        "fact_features": list(FACT_FEATURES),
        "guards": reader.guards.to_dict(),
    }


def reader_from(folder: Folder) -> Reader:
    """Raises KeyError or ValueError where arrays are missing or don't fit each other."""
    arrays, manifest = folder.arrays, folder.manifest
    _require(manifest["tokenizer_version"] == TOKENIZER_VERSION, "tokenizer_version")
    _require(tuple(manifest["fact_features"]) == FACT_FEATURES, "fact_features")
    table, scale = arrays["encoder.table"], arrays["encoder.scale"]
    lexicon = Lexicon(
        _as_texts(arrays["lexicon.units"]),
        arrays["lexicon.pairs"],
        _as_texts(arrays["lexicon.marks"]),
        arrays["lexicon.familiarity"].tolist(),
    )
    n_tiers = len(manifest["tiers"])
    n_columns = n_tiers * (1 if manifest.get("correction") is None else 2)
    _check_numbers(manifest, n_tiers)
    known = (lexicon.pairs >= 0) & (lexicon.pairs < len(lexicon.units))
    _require(bool(known.all()), "lexicon.pairs")
    _require(len(lexicon.familiarity) == len(lexicon.units), "lexicon.familiarity")
    _require(table.dtype == np.int8 and table.shape[0] == len(folder.vocabulary), "encoder.table")
    _require(scale.shape == (len(folder.vocabulary),), "encoder.scale")
    _require(arrays["head.lexical"].shape == (len(lexicon), n_columns), "head.lexical")
    _require(arrays["head.embedding"].shape == (table.shape[1], n_columns), "head.embedding")
    _require(arrays["head.facts"].shape == (len(FACT_FEATURES), n_columns), "head.facts")
    _require(arrays["head.bias"].shape == (n_columns,), "head.bias")
    asked = arrays.get("head.asked")
    _require(asked is None or asked.shape == (len(lexicon), n_tiers), "head.asked")
    return Reader(
        StaticEncoder(folder.vocabulary, table, scale),
        lexicon,
        Guards(**manifest["guards"]),
        lexical=arrays["head.lexical"].astype(np.float32),
        embedding=arrays["head.embedding"],
        facts=arrays["head.facts"],
        bias=arrays["head.bias"],
        asked=None if asked is None else asked.astype(np.float32),
        shape=_shape_from(arrays, n_columns),
    )


def _shape_from(arrays: Mapping[str, NDArray[Any]], n_columns: int) -> Shape | None:
    if "shape.weights" not in arrays:
        return None
    for name, of_column in zip(_SHAPE, ((), (), (n_columns,)), strict=True):
        _require(arrays[f"shape.{name}"].shape == (len(FEATURES), *of_column), f"shape.{name}")
    _require(bool((arrays["shape.spread"] > 0).all()), "shape.spread")
    return Shape(*(arrays[f"shape.{name}"] for name in _SHAPE))


def widths_from(manifest: Mapping[str, Any]) -> Widths:
    """The model's widths; a model of format 1 was made for the standard ones."""
    widths: dict[str, float] = manifest["widths"]
    if manifest.get("format_version") == 1:
        kept = {each.name for each in fields(Widths)}
        widths = {name: value for name, value in widths.items() if name in kept}
    return Widths(**widths)


def _check_numbers(manifest: dict[str, Any], n_tiers: int) -> None:
    """What the model computes with besides its arrays."""
    _require(len(set(manifest["tiers"])) == n_tiers, "tiers")
    _require(len(manifest["uninformed"]) == n_tiers, "uninformed")
    _require(abs(sum(manifest["uninformed"]) - 1) < 1e-6, "uninformed")
    rows = [(row["max_under_tier"], row["lambda_down"], row["lambda_up"]) for row in manifest["thresholds"]]
    _require(len(rows) > 0, "thresholds")
    numbers = [*itertools.chain(*rows), *manifest["widths"].values(), *manifest["guards"].values()]
    _require(all(math.isfinite(number) for number in numbers), "a number of the manifest")


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise ValueError(f"{name} does not fit the rest of the model")


def _short(weights: NDArray[np.float32]) -> NDArray[np.floating]:
    """In half precision, where that is what they are."""
    with np.errstate(over="ignore"):
        half = weights.astype(np.float16)
    return half if np.array_equal(half, weights) else weights


def _as_bytes(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\0".join(texts).encode("utf-8"), dtype=np.uint8)


def _as_texts(stored: NDArray[np.uint8]) -> list[str]:
    whole = stored.tobytes().decode("utf-8")
    return whole.split("\0") if whole else []

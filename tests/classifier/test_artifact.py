"""A model folder that must not be used is refused, by name and with what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save
from small_model import small_model

from tierwise.classifier.artifact._folder import ARRAYS, MANIFEST, VOCABULARY, read_folder, seal_of
from tierwise.classifier.artifact._format import FORMAT_VERSION
from tierwise.classifier.artifact._stored import reader_from
from tierwise.classifier.errors import ArtifactCorrupt, ArtifactMissing, ArtifactTooNew
from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task

FILES = (MANIFEST, ARRAYS, VOCABULARY)
TASK = Task("tag the ticket plan")
MISSING = object()


@pytest.fixture
def folder(tmp_path) -> Path:
    """A good model."""
    path = tmp_path / "model"
    small_model(asks=True).save(path)
    return path


def edit_manifest(folder: Path, **entries: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest.update(entries)
    kept = {name: value for name, value in manifest.items() if value is not MISSING}
    kept["seal"] = seal_of(kept)
    (folder / MANIFEST).write_text(json.dumps(kept), encoding="utf-8")


def replace_file(folder: Path, name: str, content: bytes, **entries: Any) -> None:
    """Put other bytes in a file and declare them: a well-formed folder with wrong contents."""
    hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    (folder / name).write_bytes(content)
    edit_manifest(folder, sha256={**hashes, name: hashlib.sha256(content).hexdigest()}, **entries)


def edit_arrays(folder: Path, edit: Callable[[dict], Any], *, declare: bool = True) -> None:
    arrays = load((folder / ARRAYS).read_bytes())
    edit(arrays)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    declared = {name: {"shape": list(a.shape), "dtype": str(a.dtype)} for name, a in arrays.items()}
    replace_file(folder, ARRAYS, save(arrays), **({"arrays": declared} if declare else {}))


def test_a_good_folder_is_read(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert TierModel.load(folder).posterior(TASK) is not None
    found = read_folder(folder)
    assert found.manifest["format_version"] == FORMAT_VERSION
    assert not any(array.flags.writeable for array in found.arrays.values())


@pytest.mark.parametrize("name", [ARRAYS, VOCABULARY])
@pytest.mark.parametrize("keep", [0, 1, 0.5, -1], ids=["nothing", "one byte", "half", "all but one byte"])
def test_a_truncated_file_is_refused(folder, name, keep):
    content = (folder / name).read_bytes()
    end = len(content) // 2 if keep == 0.5 else keep
    (folder / name).write_bytes(content[:end])
    with pytest.raises(
        ArtifactCorrupt, match=f"{name} was changed or cut short: its sha256 is .*Restore"
    ) as caught:
        TierModel.load(folder)
    assert caught.value.about == folder


@pytest.mark.parametrize("name", [ARRAYS, VOCABULARY])
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_one_changed_byte_is_refused(folder, name, place):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2 if place == 0.5 else place] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactCorrupt, match=f"{name} was changed"):
        TierModel.load(folder)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (MANIFEST, ArtifactMissing, "No model at .*has no manifest.json. Give the folder of a model"),
        (ARRAYS, ArtifactCorrupt, r"lacks arrays\.safetensors \(No such file.*restore the folder"),
        (VOCABULARY, ArtifactCorrupt, r"lacks vocabulary\.txt"),
    ],
)
def test_a_missing_file_is_named(folder, name, error, message):
    (folder / name).unlink()
    with pytest.raises(error, match=message):
        TierModel.load(folder)


def test_a_path_without_a_model_is_missing(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for path, message in [
        (tmp_path / "nowhere", "No model at"),
        (tmp_path, "No model at"),
        (tmp_path / "file", "Can't read"),
    ]:
        with pytest.raises(ArtifactMissing, match=message):
            TierModel.load(path)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", ArtifactCorrupt, "is not a model manifest"),
        (b"{", ArtifactCorrupt, "is not a model manifest"),
        (b"[1]", ArtifactCorrupt, "is not a model manifest"),
        (b"3", ArtifactCorrupt, "is not a model manifest"),
        (b"null", ArtifactCorrupt, "is not a model manifest"),
        (b"{}", ArtifactCorrupt, r"is not a model manifest \('format_version'\)"),
        (b"\xff\xfe", ArtifactMissing, "Can't read"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(folder, content, error, message):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(error, match=message):
        TierModel.load(folder)


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 99, "2", 2.5, None])
def test_a_newer_format_is_refused(folder, version):
    edit_manifest(folder, format_version=version)
    with pytest.raises(
        ArtifactTooNew, match=rf"has format .*reads up to {FORMAT_VERSION}\. Upgrade tierwise"
    ):
        TierModel.load(folder)


BAD_ENTRIES = [
    *[
        (name, MISSING)
        for name in ("tiers", "widths", "uninformed", "guards", "sha256", "arrays", "thresholds")
    ],
    *[(name, None) for name in ("tiers", "widths", "uninformed", "guards", "sha256", "arrays", "thresholds")],
    *[(name, []) for name in ("tiers", "uninformed", "sha256", "arrays", "thresholds", "fact_features")],
    ("tokenizer_version", 2),
    ("fact_features", ["items_known"]),
    ("tiers", ["haiku", "opus"]),
    ("tiers", ["haiku", "haiku", "opus"]),
    ("uninformed", [0.5, 0.5]),
    ("uninformed", [float("nan")] * 3),
    ("uninformed", ["a", "b", "c"]),
    ("widths", {"nope": 1}),
    ("widths", {"omega": "wide"}),
    ("widths", {"omega": float("nan")}),
    ("guards", {"nope": 1}),
    ("guards", {"min_words": "three"}),
    ("thresholds", [{"max_under_tier": 0.05}]),
]


@pytest.mark.parametrize(("name", "value"), BAD_ENTRIES, ids=lambda v: "missing" if v is MISSING else repr(v))
def test_a_manifest_with_a_missing_or_senseless_entry_is_refused(folder, name, value):
    edit_manifest(folder, **{name: value})
    with pytest.raises(ArtifactCorrupt):
        TierModel.load(folder)


def shaped(name: str, *shape: int) -> Callable[[dict], Any]:
    return lambda arrays: arrays.update({name: np.zeros(shape, dtype=arrays[name].dtype)})


WRONG_ARRAYS = {
    "table of too few pieces": (shaped("encoder.table", 2, 4), "encoder.table does not fit"),
    "table of floats": (
        lambda a: a.update({"encoder.table": np.zeros((6, 4))}),
        "encoder.table does not fit",
    ),
    "scale": (shaped("encoder.scale", 5), "encoder.scale does not fit"),
    "lexical rows": (shaped("head.lexical", 3, 3), "head.lexical does not fit"),
    "lexical tiers": (shaped("head.lexical", 14, 2), "head.lexical does not fit"),
    "asked": (shaped("head.asked", 14, 2), "head.asked does not fit"),
    "embedding": (shaped("head.embedding", 5, 3), "head.embedding does not fit"),
    "facts": (shaped("head.facts", 2, 3), "head.facts does not fit"),
    "bias": (shaped("head.bias", 2), "head.bias does not fit"),
    "familiarity": (shaped("lexicon.familiarity", 4), "lexicon.familiarity does not fit"),
    "pairs of three": (shaped("lexicon.pairs", 2, 3), "is not a complete model"),
    "flat pairs": (shaped("lexicon.pairs", 2), "is not a complete model"),
    "units that are no text": (lambda a: a["lexicon.units"].__setitem__(0, 255), "is not a complete model"),
    "pairs of unknown units": (lambda a: a["lexicon.pairs"].__setitem__((0, 0), 99), "lexicon.pairs"),
    "an array too few": (lambda a: a.pop("head.bias"), "is not a complete model: KeyError"),
}


@pytest.mark.parametrize(("edit", "message"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_arrays_that_do_not_fit_each_other_are_refused(folder, edit, message):
    edit_arrays(folder, edit)
    with pytest.raises(ArtifactCorrupt, match=message):
        TierModel.load(folder)


def test_arrays_other_than_declared_are_refused(folder):
    edit_arrays(folder, shaped("head.bias", 4), declare=False)
    with pytest.raises(ArtifactCorrupt, match="Array 'head.bias' of .*manifest declares"):
        TierModel.load(folder)
    edit_arrays(folder, lambda arrays: arrays.pop("head.bias"), declare=False)
    with pytest.raises(ArtifactCorrupt, match="holds the arrays .*its manifest declares"):
        TierModel.load(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["encoder.scale", "head.lexical", "head.bias", "lexicon.familiarity"])
def test_numbers_that_are_not_finite_are_refused(folder, name, value):
    edit_arrays(folder, lambda arrays: arrays[name].reshape(-1).__setitem__(0, value))
    with pytest.raises(ArtifactCorrupt, match=f"Array '{name}' of .* holds NaN or infinity"):
        TierModel.load(folder)


BF16 = json.dumps({"x": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
UNREADABLE = r"arrays\.safetensors can't be read as safetensors: "
FOREIGN = {
    "a pickle": (ARRAYS, b"\x80\x04K\x01." * 20, UNREADABLE),
    "nothing": (ARRAYS, b"", UNREADABLE + ".*header too small"),
    "numbers that NumPy lacks": (
        ARRAYS,
        len(BF16).to_bytes(8, "little") + BF16 + b"\0\0",
        UNREADABLE + "'BF16'",
    ),
    "a vocabulary in Latin-1": (VOCABULARY, "[UNK]\ncaf\xe9".encode("latin-1"), "is not UTF-8"),
    "a vocabulary without [UNK]": (VOCABULARY, b"a\nb\nc\nd\ne\nf", "is not a complete model"),
    "a shorter vocabulary": (VOCABULARY, b"[UNK]\na", "encoder.table does not fit"),
}


@pytest.mark.parametrize(("name", "content", "message"), FOREIGN.values(), ids=FOREIGN)
def test_foreign_contents_are_refused_even_with_the_right_hash(folder, name, content, message):
    replace_file(folder, name, content)
    with pytest.raises(ArtifactCorrupt, match=message):
        TierModel.load(folder)


def test_files_of_two_models_are_never_mixed(folder, tmp_path):
    small_model(seed=1).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / ARRAYS, folder / ARRAYS)
    with pytest.raises(ArtifactCorrupt, match="was changed"):
        TierModel.load(folder)


def test_a_model_without_any_word_of_its_own_can_be_stored(tmp_path):
    small_model(units=(), pairs=(), marks=(), familiarity=()).save(tmp_path / "model")
    assert len(reader_from(read_folder(tmp_path / "model")).lexicon) == 0


@pytest.mark.parametrize("asks", [False, True])
def test_a_stored_model_reads_as_before(tmp_path, asks):
    model = small_model(asks=asks)
    model.save(tmp_path / "model")
    tasks = [Task("tag the ticket plan"), Task("tag the ticket:\nplan the tags")]
    expected = model.reader.read_many(tasks).logits
    np.testing.assert_array_equal(TierModel.load(tmp_path / "model").reader.read_many(tasks).logits, expected)

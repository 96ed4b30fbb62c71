"""Word pieces equal those of `tokenizers`, id for id."""

from __future__ import annotations

import ast
import json
import sysconfig
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from tierwise.classifier.reading._wordpiece import MAX_PIECE_CHARS, WordPiece, split_word
from tierwise.data import SEED_TASKS

SMALL = ("[UNK]", "tag", "##ging", "##s", "!", "中", "e")

TEXTS = {
    "plain": "Tag these support tickets by product area, please.",
    "accents": "Café crème, naïve façade; Zoë, Ångström, Škoda, œuvre, Việt Nam, ñandú",
    "combining accents": unicodedata.normalize("NFD", "Café crème Ångström Việt"),
    "capitals with a special lower case": "İSTANBUL STRASSE Straße ẞ ǅ Ǆ ﬁne ﬂow",
    "greek": "Η γρήγορη αλεπού ΚΑΙ",
    "greek capitals that end in sigma": "ΟΔΟΣ ΣΟΦΟΣ, ΑΣ Σ",
    "cyrillic": "Опишите причины падения продаж; Ёжик, й",
    "cjk": "東京の天気を要約する 中文文本 한국어 텍스트 ｆｕｌｌｗｉｄｔｈ 豈更車",
    "rare cjk": "𠀀𠀁 a𪛖b 㐀",
    "emoji": "Ship it 🚀🚀 👩‍💻 👍🏽 ❤️ 🇩🇪 ✅",
    "arabic": "اكتب مُلخَّصًا للتقرير، من فضلك؟",
    "hebrew": "שָׁלוֹם עולם",
    "devanagari": "हिन्दी में सारांश लिखें।",
    "thai": "สรุปรายงานนี้",
    "code": "def f(x: int) -> dict[str, int]: return {'a_b': x**2, \"c\": x != 1}  # TODO",
    "json": '{"items":[{"id":1,"price":9.99},null,true]}',
    "html": '<a href="https://example.com/a?b=c&d=%20">A&amp;B</a>',
    "paths and flags": r"C:\Users\me --max-tokens=4096 ./run.sh && x|y $HOME `ls` ~/.bashrc a@b.org",
    "punctuation": "“quoted” ‘single’ «guillemets» — – … • · ¿qué? ¡no! §5 ¶ † 5′ 6″",
    "symbols": "€5 £3 ¥100 5×3≠15 ±2 °C ½ ² → ← ∑ √ ™ © ® ½kg",
    "numbers": "1,234.56 12:30 2024-11-24 1e-4 0xFF ٣٤ Ⅷ",
    "soft hyphen, zero width, byte order mark": "so\u00adft zero\u200bwidth \ufeffmark a\u200db \ufffd",
    "odd spaces": "a\u00a0b\u2003c\u3000d\u2028e\tf\r\ng",
    "private use": "a\ue000b \uf8ff",
    "exactly the longest word": "a" * MAX_PIECE_CHARS,
    "one more than the longest": "a" * (MAX_PIECE_CHARS + 1) + " tag",
    "long run of signs": "=" * 300 + " " + "-_" * 80,
    "only accents": "\u0301\u0301 \u0301a",
    "empty": "",
    "blank": " \n\t ",
}


@pytest.fixture(scope="module")
def ours(champion) -> WordPiece:
    return champion.reader.encoder.pieces


@pytest.fixture(scope="module")
def theirs(ours) -> BertWordPieceTokenizer:
    vocabulary = {piece: index for index, piece in enumerate(ours.vocabulary)}
    return BertWordPieceTokenizer(vocab=vocabulary, lowercase=True)


def ids(pieces: WordPiece, text: str) -> list[int]:
    return [found for word in text.split() for found in pieces.ids(word)]


def unlike(ours: WordPiece, theirs: BertWordPieceTokenizer, texts) -> list[str]:
    encoded = theirs.encode_batch(list(texts), add_special_tokens=False)
    return [text for text, other in zip(texts, encoded, strict=True) if ids(ours, text) != other.ids]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_has_the_same_pieces(ours, theirs, text):
    assert ids(ours, text) == theirs.encode(text, add_special_tokens=False).ids


def test_seed_tasks_have_the_same_pieces(ours, theirs):
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["specification"] for line in lines]
    assert len(texts) > 1000
    assert unlike(ours, theirs, texts) == []


def test_docstrings_of_the_standard_library_have_the_same_pieces(ours, theirs):
    texts = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:60]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                texts.append(ast.get_docstring(node) or "")
    assert sum(map(bool, texts)) > 500
    assert unlike(ours, theirs, texts) == []


def long_assigned(char: str) -> bool:
    """Every tokenizer's Unicode tables know it: it was what it is in 2002, and it is no control."""
    category = unicodedata.category(char)
    return category == unicodedata.ucd_3_2_0.category(char) and category not in ("Cc", "Cn", "Cs")


CHARACTERS = st.one_of(
    st.characters(max_codepoint=0x24F), st.characters(exclude_categories=("Cc", "Cn", "Cs"))
).filter(long_assigned)


@settings(max_examples=400)
@given(st.text(CHARACTERS, max_size=30))
def test_any_text_of_assigned_characters_has_the_same_pieces(ours, theirs, text):
    assume(not any(special in text for special in ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")))
    assert ids(ours, text) == theirs.encode(text, add_special_tokens=False).ids


@settings(max_examples=200)
@given(st.text(alphabet=" aAeéÉßİıΣσςöÖ中豈가\u0301\u0327.,-_'$\u00ad🙂", max_size=25))
def test_hard_characters_side_by_side_have_the_same_pieces(ours, theirs, text):
    assert ids(ours, text) == theirs.encode(text, add_special_tokens=False).ids


SPLITS = [
    ("Tagging", ["tagging"]),
    ("Tagging!", ["tagging", "!"]),
    ("a_b", ["a", "_", "b"]),
    ("$5+x", ["$", "5", "+", "x"]),
    ("CAFÉ", ["cafe"]),
    ("a中b", ["a", "中", "b"]),
    ("a\u200bb", ["ab"]),
    ("\u200b\u00ad", []),
    ("\ufffd", []),
    ("a b", ["a", "b"]),
    ("", []),
]


@pytest.mark.parametrize(("word", "parts"), SPLITS, ids=[repr(word) for word, _ in SPLITS])
def test_a_word_is_split_at_punctuation_and_cjk(word, parts):
    assert list(split_word(word)) == parts


PIECES = [
    ("tag", [1]),
    ("Tagging!", [1, 2, 4]),
    ("taggings", [1, 2, 3]),
    ("tagx", [0]),
    ("xtag", [0]),
    ("é", [6]),
    ("中中", [5, 5]),
    ("\u200b", []),
    ("tag-tag", [1, 0, 1]),
    ("e" * 101, [0]),
]


@pytest.mark.parametrize(("word", "expected"), PIECES, ids=[repr(word[:10]) for word, _ in PIECES])
def test_the_longest_known_piece_wins_and_a_gap_makes_all_unknown(word, expected):
    assert WordPiece(SMALL).ids(word) == expected


def test_a_vocabulary_needs_an_unknown_piece():
    with pytest.raises(KeyError, match="UNK"):
        WordPiece(["tag"])

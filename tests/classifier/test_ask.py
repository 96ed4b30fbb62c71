"""What a text asks, without the material that comes with it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.classifier.reading._ask import ask_of
from tierwise.classifier.task import Task

LETTER = "Dear all, the board met on Monday and decided to close the plant"

ASKS = {
    "one line": ("Summarise the letter in two lines", None),
    "material below": (f"Summarise this in two lines:\n\n{LETTER}\nSigned", "Summarise this in two lines:"),
    "a greeting first": (f"Hi there\nSummarise the letter below\n{LETTER}", "Summarise the letter below"),
    "a quotation": (f'Translate "{LETTER}" into Polish', "Translate   into Polish"),
    "curly quotes": (f"Translate “{LETTER}” into Polish", "Translate   into Polish"),
    "German quotes": (f"Translate „{LETTER}“ into Polish", "Translate   into Polish"),
    "guillemets": (f"Translate «{LETTER}» into Polish", "Translate   into Polish"),
    "code": ("Rename x to y in ```x = 1\nprint(x)``` please", "Rename x to y in   please"),
    "a quotation left open": (f'Translate into Polish: "{LETTER}', "Translate into Polish:  "),
    "inches": ('Cut the 5" pipes to fit the old frame, 6" tubes stay as they are', None),
    "a quotation that only closes": (f'Translate {LETTER}" into Polish, please, and keep the names', None),
    "a quotation over lines": (f'Translate "{LETTER}\n{LETTER}" into Polish', "Translate   into Polish"),
    "a name in quotes": ('Rename the tag "spring sale" to "sale"', None),
    "too little left": (f'"{LETTER}" in Polish', None),
    "short lines only": ("Translate:\nguten Tag\nhallo", None),
    "blank lines around": ("\nTranslate the greeting\n", None),
    "empty": ("", None),
}


@pytest.mark.parametrize(("text", "ask"), ASKS.values(), ids=ASKS)
def test_the_ask_is_the_first_line_without_long_quotations(text, ask):
    if ask is None:
        assert ask_of(text) is text
    else:
        assert ask_of(text) == ask


@given(st.text(alphabet='ab "“”„«»`\n', max_size=120))
def test_an_ask_has_words_and_is_part_of_its_text(text):
    ask = ask_of(text)
    if ask is not text:
        assert len(ask.split()) >= 3
        assert "\n" not in ask
        assert len(ask) <= len(text)


@pytest.mark.parametrize("sign", ['"', "“", "„", "«", "`", "```", "\n", '"a', "`a ", "\na b"])
def test_a_text_of_ten_megabytes_is_cut_in_no_time(sign):
    text = "Summarise the letter " + sign * (10_000_000 // len(sign))
    start = time.process_time()
    ask_of(text)
    assert time.process_time() - start < 5.0


STRATEGY = (
    "Dear board,\nwe must decide whether to close the Lyon plant, weigh the trade-offs against our ten-year "
    "position, and design a strategy for the talks with the unions.\nRegards, Ada"
)
CLERKS_WORK = "Ticket 12: tag, format, extract names to CSV"


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        (f"Extract all names from this mail as a JSON list:\n\n{STRATEGY}", "haiku"),
        (f'Extract all names from this mail as a JSON list: "{STRATEGY}"', "haiku"),
        (f"Decide what we should do about this, and defend it:\n\n{CLERKS_WORK}", "opus"),
    ],
    ids=["strategy below", "strategy quoted", "clerk's work below"],
)
def test_what_is_asked_outweighs_what_comes_with_it(champion, text, tier):
    needed = champion.needed_probabilities([Task(text)])[0]
    assert champion.tiers[needed.argmax()] == tier

"""The pages in a real Chromium: keys, focus, widths, colours, and without scripts."""

from __future__ import annotations

import time

import pytest
from browser import CHROMIUM, WHY_NOT, browser
from pages_served import counted, pages

from tierwise import predict_tier
from tierwise.router.log import OutcomeLog
from tierwise.router.log.demo import fill
from tierwise.router.log.figures._unjudged import unjudged

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
PATHS = ("/", "/types", "/review", "/model")
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"  # innerWidth grows with what is too wide


@pytest.fixture(scope="module")
def page():
    with browser() as found:
        yield found


@pytest.fixture
def served(sqlite_url, champion):
    with OutcomeLog(sqlite_url) as log:
        fill(log, 40)
        with pages(log, model=champion) as client:
            for path in PATHS:
                counted(client, path)
            yield client


def how_many_wait(client) -> int:
    with client.state.log._database.read() as connection:
        return unjudged(connection).n


def url(client, path: str) -> str:
    return str(client.base_url).rstrip("/") + path


@pytest.mark.parametrize("key", ["c", "r", "f"])
def test_one_key_gives_a_verdict_and_shows_the_next(page, served, key):
    page.look(1280)
    page.open(url(served, "/review"))
    first = page.wait_for("document.querySelector('[name=decision_id]').value")
    before = how_many_wait(served)
    page.press(key)
    page.wait_for(f"document.querySelector('.done')?.innerText.includes({first!r})")
    assert page.js("document.querySelector('[name=decision_id]').value") != first
    assert how_many_wait(served) == before - 1
    verdict = {"c": "clean", "r": "corrected", "f": "failed"}[key]
    said = served.get(f"/decisions/{first}").text
    assert f'<th scope="row">{verdict} <b>(counts)</b>' in said


def test_n_goes_on_without_a_verdict(page, served):
    page.look(1280)
    page.open(url(served, "/review"))
    first = page.wait_for("document.querySelector('[name=decision_id]').value")
    before = how_many_wait(served)
    page.press("n")
    page.wait_for(f"document.querySelector('[name=decision_id]')?.value !== {first!r}")
    assert "after=" in page.js("location.href")
    assert how_many_wait(served) == before


def test_letters_typed_into_the_note_are_no_verdict(page, served):
    page.look(1280)
    page.open(url(served, "/review"))
    before = how_many_wait(served)
    page.js("document.querySelector('[name=note]').focus()")
    page.press("c")
    page.wait_for("document.querySelector('[name=note]').value === 'c'")
    assert how_many_wait(served) == before


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_in_the_note_is_no_verdict_and_then_a_key_is(page, served, scripts):
    page.look(1280, scripts=scripts)
    page.open(url(served, "/review"))
    before = how_many_wait(served)
    first = page.js("document.querySelector('[name=decision_id]').value")
    page.js("document.querySelector('[name=note]').focus()")
    for key in ("o", "k", "Enter"):
        page.press(key)
    time.sleep(0.5)  # in which a form would have been sent
    assert how_many_wait(served) == before
    if scripts:
        page.press("r")
        page.wait_for("document.querySelector('.done')?.innerText.startsWith('Corrected')")
        assert ">ok</td>" in served.get(f"/decisions/{first}").text


def test_a_verdict_can_be_given_with_scripts_switched_off(page, served):
    page.look(1280, scripts=False)
    page.open(url(served, "/review"))
    before = how_many_wait(served)
    page.press("c")
    assert how_many_wait(served) == before
    page.js("document.querySelector('button.failed').click()")
    page.wait_for("document.querySelector('.done')?.innerText.startsWith('Failed')")
    assert how_many_wait(served) == before - 1


def test_the_first_stop_of_the_keyboard_skips_the_navigation(page, served):
    page.look(1280)
    page.open(url(served, "/types"))
    page.press("Tab")
    assert page.js("document.activeElement.className") == "skip"
    page.press("Enter")
    page.wait_for("document.activeElement.id === 'main'")


def test_on_a_phone_a_types_name_stays_and_its_caption_can_be_read(page, served):
    page.look(390)
    page.open(url(served, "/types"))
    page.js("document.querySelector('.wide').scrollLeft = 300")
    page.wait_for("document.querySelector('.wide').scrollLeft > 100")
    assert page.js("document.querySelector('tbody th').getBoundingClientRect().left") >= 0
    right = "document.querySelector('caption span').getBoundingClientRect().right"
    assert page.js(f"{right} <= innerWidth")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_type_with_a_very_long_name_hides_no_other_column(page, served, width):
    decision = predict_tier("Tag this", task_type="a-type-" * 25)
    served.state.log.record_outcome(decision, "clean")
    page.look(width)
    with pages(served.state.log) as client:
        counted(client, "/types")
        page.open(url(client, "/types"))
        assert (
            page.js("Math.max(...[...document.querySelectorAll('tbody th')].map(e => e.offsetWidth))") < 345
        )
        assert page.js(FITS)


@pytest.mark.parametrize("width", [1280, 390])
def test_words_without_end_are_broken(page, sqlite_url, champion, width):
    """In the name of a type, in a text, in a note."""
    with OutcomeLog(sqlite_url) as log, pages(log, model=champion) as client:
        made = [predict_tier("Tag " + "x" * 900, task_type="a" * 200) for _ in range(6)]
        for decision in made:
            log.record_decision(decision)
        log.record_outcome(made[0], "failed", note="n" * 600)
        page.look(width)
        for path in ("/", "/types", "/review", f"/decisions/{made[0].decision_id}"):
            counted(client, path)
            page.open(url(client, path))
            assert page.js("document.body.innerText.includes('aaaa')"), path
            assert page.js(FITS), path


def test_an_amount_of_money_is_on_one_line(page, served):
    page.look(1280)
    page.open(url(served, "/types"))
    assert page.js("getComputedStyle(document.querySelector('tbody .number')).whiteSpace") == "nowrap"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window(page, served, width, dark):
    page.look(width, dark=dark)
    page.open(url(served, "/review"))
    decision = page.wait_for("document.querySelector('[name=decision_id]').value")
    for path in (*PATHS, f"/decisions/{decision}"):
        page.open(url(served, path))
        assert page.js(FITS), path
        back = page.js("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") is not dark


def test_the_browser_finds_nothing_that_the_content_policy_forbids(page, served):
    page.look(1280)
    for path in PATHS:
        page.open(url(served, path))
        assert page.js("document.styleSheets.length") == 1, path
        assert page.js("document.querySelectorAll('[style], style, script:not([src])').length") == 0, path
        names = page.js("performance.getEntriesByType('resource').map(each => each.name)")
        assert all(name.startswith(str(served.base_url)) for name in names), names

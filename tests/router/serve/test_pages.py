"""The pages over HTTP: with no, some and no log; what they take and what they refuse."""

from __future__ import annotations

import re
import threading
import time

import pandas as pd
import pytest
from moving_rows import rows
from pages_served import counted, pages

from tierwise import Policy, Router, Task, predict_tier
from tierwise.classifier.reading._lexicon import LENGTHS, OPENS
from tierwise.router.log.demo import fill
from tierwise.router.serve.pages._words import as_fact, as_words, rate, usd
from tierwise.testing import MessagesServer

PATHS = ("/", "/types", "/review", "/model")


def form_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html))


@pytest.fixture
def served(log, champion):
    with pages(log, model=champion) as client:
        yield client


@pytest.mark.parametrize("n_decisions", [0, 10])
def test_every_page_answers_with_few_decisions_and_with_none(served, n_decisions):
    if n_decisions:
        fill(served.state.log, n_decisions)
    for path in PATHS:
        html = counted(served, path)
        assert "<main id=" in html
        assert html.count("<h1>") == 1
    found = counted(served, "/?baseline=opus&correction_usd=2&days=all")
    assert ("Money saved" in found) is bool(n_decisions)
    assert ("no decisions yet" in found) is not bool(n_decisions)


def test_texts_that_scroll_are_regions_with_a_name(served):
    """A screen reader passes over a name on what has no role."""
    found = counted(served, "/")
    fill(served.state.log, 10)
    review = counted(served, "/review")
    found += review + served.get(f"/decisions/{form_of(review)['decision_id']}").text
    texts = re.findall("<pre[^>]*>", found)
    assert len(texts) == 4
    assert all('role="region"' in text and "aria-label=" in text for text in texts)


@pytest.mark.parametrize(
    "asked", ["baseline=<b>", "days=x", "correction_usd=nan", "page=-1", "sort=;", "after=%00"]
)
def test_a_parameter_that_means_nothing_is_left_out(served, asked):
    fill(served.state.log, 10)
    for path in ("/", "/types", "/review"):
        assert "<b>&" not in counted(served, f"{path}?{asked}")


def test_what_stands_in_the_log_is_escaped(served):
    attack = "<script>alert(1)</script>"
    decision = predict_tier(attack, task_type="<i>kind</i>")
    served.state.log.record_decision(decision)
    served.state.log.record_outcome(decision, "clean", note=attack)
    for path in ("/types", f"/decisions/{decision.decision_id}"):
        html = counted(served, path)
        assert "<script>alert" not in html
        assert "<i>kind" not in html
        assert "&lt;i&gt;kind" in html


def test_a_verdict_is_taken_from_the_form_and_teaches(served):
    decision = predict_tier("Write meta descriptions for the blog", task_type="meta")
    served.state.log.record_decision(decision)
    html = counted(served, "/review")
    answer = served.post("/review", data={**form_of(html), "verdict": "corrected"})
    assert answer.status_code == 303
    assert served.state.log.history("meta") == {decision.tier: (0, 1)}
    assert "Corrected" in counted(served, answer.headers["location"])


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ({"form_token": "x"}, {}, 403),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Origin": "http://elsewhere.example"}, 403),
        ({}, {"Cookie": "tierwise_form="}, 403),
        ({"verdict": "splendid"}, {}, 400),
        ({"decision_id": "nobody"}, {}, 404),
    ],
)
def test_what_did_not_come_from_our_page_or_makes_no_sense_changes_nothing(served, change, headers, status):
    decision = predict_tier("Write meta descriptions for the blog", task_type="meta")
    served.state.log.record_decision(decision)
    form = {**form_of(counted(served, "/review")), "verdict": "clean", **change}
    assert served.post("/review", data=form, headers=headers).status_code == status
    assert served.state.log.history("meta") == {}


def test_a_decision_shows_what_led_to_it_and_an_unknown_id_is_not_found(served):
    decision = predict_tier(
        Task("Name three risks of this plan", task_type="risk").specification, task_type="risk"
    )
    served.state.log.record_decision(decision)
    html = served.get(f"/decisions/{decision.decision_id}").text
    assert decision.reason in html
    assert "What the model believed" in html
    assert served.get("/decisions/../../etc/passwd").status_code == 404
    assert served.get("/static/..%2f__init__.py").status_code == 404


def test_a_decision_shows_when_by_what_and_what_its_requests_took(served):
    decision = predict_tier(
        "Tag this ticket, JSON out", task_type="tags", input_tokens=12_345, verifiable=True
    )
    with (
        MessagesServer("[]") as server,
        server.client() as client,
        Router(log=served.state.log, client=client) as router,
    ):
        result = router.run("Tag this ticket, JSON out", task_type="tags", verifiable=True)
    html = served.get(f"/decisions/{result.decision.decision_id}").text
    for shown in (
        "<dt>decided</dt>",
        "<dt>by model</dt>",
        "What it took",
        result.decision.model,
        "completed",
    ):
        assert shown in html, shown
    served.state.log.record_decision(decision)
    html = served.get(f"/decisions/{decision.decision_id}").text
    assert "12,345" in html
    assert " then ".join(decision.plan).replace(" then ", ", then ") in html
    assert "What it took" not in html


def test_an_empty_log_says_how_to_fill_it(served):
    html = counted(served, "/")
    assert f"{str(served.base_url).rstrip('/')}/v1/predict" in html
    assert "tierwise log demo" in html
    assert "<form" not in html  # there is nothing to choose from


def test_the_reliability_table_is_the_plots_legend(served):
    fill(served.state.log, 60)
    assert '<span class="key tier0" aria-hidden="true"></span>haiku' in counted(served, "/model")


def test_there_is_an_icon_so_that_no_browser_asks_for_another(served):
    assert 'rel="icon" href="/static/icon.svg"' in served.get("/model").text
    assert served.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"


def test_why_a_newer_model_is_not_used_is_said(served):
    served.state.trouble = "No model at elsewhere: there is no such folder."
    assert "No model at elsewhere" in served.get("/model").text


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(served):
    answer = served.get("/model")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "style=" not in answer.text
    assert "http" not in re.sub("http-equiv", "", answer.text)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.264, "26.4%"), (0.05, "5.0%"), (0.0504, "5.04%"), (0.04998, "4.998%"), (0.05 + 1e-9, "5.0000%")],
)
def test_a_rate_never_reads_as_the_bound_that_it_misses_but_where_four_digits_do(value, words):
    assert rate(value, 0.05) == words


def test_types_say_first_where_they_go_and_money_is_written_short(served):
    fill(served.state.log, 60)
    heads = re.findall(r'<th scope="col"[^>]*>(?:<[^>]+>)?([^<]+)', counted(served, "/types"))
    assert heads[:3] == ["type", "where it goes", "haiku"]
    assert [usd(value) for value in (0, 1234.5, -0.02721, 0.002)] == [
        "$0.00",
        "$1,234.50",
        "−$0.0272",
        "$0.002000",
    ]


@pytest.mark.parametrize("policy", [None, Policy(correction_minutes=6, hourly_rate_usd=60)])
def test_types_say_what_a_movement_rests_on(log, champion, policy):
    """No text where none was kept; and the cost, where a price of corrections decides."""
    log.import_frame(pd.DataFrame(rows("tag", None, "haiku", "corrected", 20)))
    with pages(log, model=champion, policy=policy) as client:
        html = counted(client, "/types")
    assert "must go up" in html
    assert "no text to go by" in html
    assert ("by expected cost" in html) is (policy is not None)


def test_where_nothing_was_saved_there_is_no_empty_plot(served):
    decision = predict_tier("hi")  # too short to be read: sonnet, which is the baseline
    assert decision.tier == "sonnet"
    served.state.log.record_decision(decision)
    served.state.log.record_outcome(decision, "clean")
    html = counted(served, "/?baseline=sonnet&days=all")
    assert "Money saved" in html
    assert "per day" not in html
    assert "<dd>none</dd>" in html
    assert "none to none" not in html
    assert "per day" in counted(served, "/?baseline=opus&days=all")


def test_without_a_log_and_without_a_model_the_pages_say_so():
    with pages(None) as client:
        for path in ("/", "/types", "/review"):
            assert "No outcome log is kept here" in client.get(path).text
        assert "No model could be loaded" in client.get("/model").text


def test_a_log_that_came_back_shows_within_a_moment(served, monkeypatch):
    from tierwise.classifier.errors import LogUnavailable
    from tierwise.router.serve.pages import _counts

    def away(*_):
        time.sleep(0.4)  # as a database that does not answer
        raise LogUnavailable("It is away.")

    with monkeypatch.context() as patch:
        patch.setattr(_counts, "spending", away)
        until = time.monotonic() + 5
        while served.get("/").status_code != 503:
            assert time.monotonic() < until
            time.sleep(0.05)
    until = time.monotonic() + 5  # what takes long to count rests for long, a failure does not
    while served.get("/").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("path", "counting"), [("/", "spending"), ("/types", "movements_of"), ("/model", "reliability")]
)
def test_what_is_still_being_counted_reloads_by_itself(served, monkeypatch, path, counting):
    from tierwise.router.serve.pages import _counts

    count, go_on = getattr(_counts, counting), threading.Event()

    def slowly(*given, **options):
        go_on.wait(20)
        return count(*given, **options)

    monkeypatch.setattr(_counts, counting, slowly)
    fill(served.state.log, 20)
    served.get("/types")  # its counts come before its movements
    time.sleep(0.2)
    assert '<meta http-equiv="refresh"' in served.get(path).text
    go_on.set()
    assert '<meta http-equiv="refresh"' not in counted(served, path)


def test_a_log_that_is_away_is_503_and_says_to_try_again(served):
    served.state.log.close()
    for path in ("/review", "/decisions/x"):
        answer = served.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    answer = served.get("/model")
    assert answer.status_code == 200
    assert "The log is away" in answer.text


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("words<2", "one word"),
        ("words<8", "4 to 7 words"),
        (LENGTHS[-1], "256 words or more"),
        (f"{OPENS}write the", "begins with “write the”"),
        ("# tickets", "‹number› tickets"),
    ],
)
def test_what_spoke_for_a_tier_is_said_in_words(evidence, words):
    assert as_words(evidence) == words


@pytest.mark.parametrize(
    ("fact", "told"),
    [(True, "yes"), (False, "no"), (1200, "1,200"), (["haiku", "sonnet"], "haiku, sonnet"), ("opus", "opus")],
)
def test_a_fact_is_told_as_a_reader_takes_it(fact, told):
    assert as_fact(fact) == told

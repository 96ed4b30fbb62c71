"""A decision is made again from its row alone, whatever was stored of the text."""

from __future__ import annotations

import pytest
from small_decisions import EVERY_KIND, PRICED, TEXT, decided

from tierwise import Decision, Ladder, Policy, predict_tier
from tierwise.classifier.errors import NotInLog
from tierwise.router.log._policy_body import fingerprint_of, policy_body, policy_from
from tierwise.router.log._text import STORE_TEXT


@pytest.mark.parametrize("mode", STORE_TEXT)
def test_every_kind_of_decision_is_replayed_from_its_row(open_log, mode):
    log = open_log(store_text=mode)
    for number, given in enumerate(EVERY_KIND):
        facts = dict(given)
        decision = predict_tier(facts.pop("text", TEXT), task_type="meta", **facts)
        decision = Decision(decision.task, decision.evidence, f"d{number}")
        log.record_decision(decision)
        found = log.replay(f"d{number}")
        assert found.same, given
        assert (found.tier, found.mode, found.reasons) == (decision.tier, decision.mode, decision.reasons)


def test_a_row_whose_inputs_were_altered_no_longer_leads_to_its_decision(open_log, log_url):
    from sqlalchemy import update

    from tierwise.router.log._schema import decisions

    log = open_log()
    log.record_decision(decided("d1"))
    with log._database.write() as connection:
        connection.execute(update(decisions).values(facts={"live": True, "role": "orchestrator"}))
    assert (log.replay("d1").same, log.replay("d1").tier) == (False, "opus")


def test_a_decision_without_a_model_is_replayed(open_log, monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path))
    log = open_log()
    log.record_decision(decided("d1"))
    assert log.replay("d1").same
    assert log.replay("d1").reasons == ("model_unavailable",)


def test_unknown_and_imported_decisions_can_not_be_replayed(log):
    import pandas as pd

    with pytest.raises(NotInLog, match="no decision with the id 'd1'") as caught:
        log.replay("d1")
    assert caught.value.about == "d1"
    row = {"decision_id": "d1", "tier": "haiku", "verdict": "clean", "at": "2026-01-01T00:00:00Z"}
    log.import_frame(pd.DataFrame([row]))
    with pytest.raises(NotInLog, match="imported without what led to it") as caught:
        log.replay("d1")
    assert caught.value.about == "d1"


def test_a_decision_whose_policy_is_lost_can_not_be_replayed(log):
    from sqlalchemy import delete

    from tierwise.router.log._schema import policies

    log.record_decision(decided("d1"))
    with log._database.write() as connection:
        connection.execute(delete(policies))
    with pytest.raises(NotInLog, match="'d1' was imported without what led to it"):
        log.replay("d1")


@pytest.mark.parametrize("policy", [Policy(), PRICED, Policy(lambda_down=0.7, batch_over_items=5)])
def test_a_policy_and_its_ladder_come_back_as_they_were(policy):
    ladder = Ladder.load(enable=["fable"])
    fingerprint, body = policy_body(policy, ladder)
    assert policy_from(body) == (policy, ladder)
    assert fingerprint == fingerprint_of(body) == policy_body(policy, ladder)[0]


def test_another_policy_has_another_fingerprint():
    ladder = Ladder.load()
    fingerprints = {policy_body(Policy(max_under_tier=rate / 100), ladder)[0] for rate in range(100)}
    assert len(fingerprints) == 100

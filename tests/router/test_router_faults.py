"""A log that is locked, full or gone stops no decision, and loses no outcome that was acknowledged."""

from __future__ import annotations

import logging
import os
import subprocess

import pytest
from held_log import held
from small_router import ALWAYS, TEXTS, kept_state
from sqlalchemy import make_url

from tierwise import Canary, OutcomeLog, Policy, Router, TierModel, predict_tier
from tierwise.classifier.errors import LogFull, LogLocked, LogUnavailable, NotInLog
from tierwise.data import CHAMPION
from tierwise.router.log.waiting import _away, _backlog, _linger

KIND = "meta"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    """The log is asked again at once, by those who decide and by nobody else."""
    monkeypatch.setattr(_linger, "LINGER_S", 600.0)
    monkeypatch.setattr(_away, "PAUSE_S", 0.0)
    monkeypatch.setattr(_away, "PAUSE_PER_S", 0.0)


@pytest.fixture
def router(open_log):
    return Router(log=open_log(timeout_s=0.3), log_wait_s=0.1)


def test_a_locked_log_stops_no_decision_and_gets_it_later(router, log_url, caplog):
    with held(log_url), caplog.at_level(logging.WARNING):
        decision = router.decide(TEXTS[0], task_type=KIND)
        assert decision.probabilities == predict_tier(TEXTS[0], task_type=KIND).probabilities
        assert router.unlogged == 1
        with pytest.raises(LogLocked, match="nothing was written"):
            router.record_outcome(decision, "clean")
    assert "decisions go on and are written when it is back" in caplog.text
    assert router.log.stats().n_decisions == 0
    router.decide(TEXTS[1], task_type=KIND)
    assert (router.log.stats().n_decisions, router.unlogged) == (2, 0)
    assert router.record_outcome(decision.decision_id, "clean").is_new


def test_an_outcome_brings_its_waiting_decision_along(router, log_url):
    with held(log_url):
        first = router.decide(TEXTS[0], task_type=KIND)
        second = router.decide(TEXTS[0], task_type=KIND, follows=first.decision_id)
    assert second.task.attempts == (str(first.tier),)
    router.record_outcome(second.decision_id, "failed")
    assert (router.log.stats().n_decisions, router.unlogged) == (1, 1)
    rows = router.log.to_pandas(columns=["decision_id", "follows"]).values.tolist()
    assert rows == [[second.decision_id, first.decision_id]]
    router.close()
    assert router.unlogged == 0
    assert router.log.stats().n_decisions == 2


def test_what_could_not_be_recorded_was_not_learned(router, log_url):
    model = TierModel.load(CHAMPION)
    decision = router.decide(TEXTS[0], task_type=KIND)
    with held(log_url), pytest.raises(LogLocked):
        router.record_outcome(decision, "failed")
    assert router.decide(TEXTS[0], task_type=KIND).probabilities == decision.probabilities
    router.record_outcome(decision, "failed")  # the call may be repeated
    assert kept_state(router.log, KIND, model).n_outcomes == 1


def test_a_log_that_fails_is_left_alone_for_a_moment(router, log_url, monkeypatch):
    monkeypatch.setattr(_away, "PAUSE_S", 3600.0)
    asked = []
    real = router.log._database.transaction
    monkeypatch.setattr(router.log._database, "transaction", lambda **k: asked.append(k) or real(**k))
    with held(log_url):
        for _ in range(20):
            router.decide(TEXTS[0], task_type=KIND)
    assert len(asked) <= 1  # PostgreSQL's lock keeps readers out too: then reading has failed first
    assert router.unlogged == 20


def test_more_waiting_decisions_than_are_kept_are_counted(router, log_url, monkeypatch):
    monkeypatch.setattr(_backlog, "MAX_WAITING", 3)
    monkeypatch.setattr(_away, "PAUSE_S", 3600.0)
    with held(log_url):
        made = [router.decide(TEXTS[0], task_type=KIND) for _ in range(5)]
    assert router.unlogged == 5
    with pytest.raises(NotInLog):
        router.record_outcome(made[0].decision_id, "clean")
    router.record_outcome(made[0], "clean")  # the decision itself is enough


def test_nothing_is_tried_while_it_could_not_be_logged(open_log, log_url, monkeypatch):
    monkeypatch.setattr(_away, "PAUSE_S", 3600.0)
    champion = TierModel.load(CHAMPION)
    thresholds = [{"max_under_tier": 0.01, "lambda_down": 0.01, "lambda_up": 0.99}]
    bold = TierModel(champion.reader, {**champion.manifest, "thresholds": thresholds}, version="bold")
    router = Router(
        champion,
        Policy(probe_budget=0.5),
        open_log(timeout_s=0.3),
        challenger=bold,
        canary=Canary(share=0.5),
        rng=ALWAYS,
        log_wait_s=0.1,
    )
    assert router.decide(TEXTS[0], task_type=KIND, reviewed=True).reason == "canary"
    with held(log_url):
        router.decide(TEXTS[0], task_type=KIND, reviewed=True)
        decision = router.decide(TEXTS[0], task_type=KIND, reviewed=True)
    assert (decision.tier, decision.propensity) == ("sonnet", 1.0)


def test_a_server_that_is_gone_stops_no_decision(postgres_url, postgres):
    import psycopg

    with OutcomeLog(postgres_url, timeout_s=5) as log, Router(log=log) as router:
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "failed")
        felt = router.decide(TEXTS[0], task_type=KIND).probabilities
        name = make_url(postgres_url).database
        with psycopg.connect(postgres.get_uri(), autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            ends = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
            admin.execute(ends)  # and waits until they are gone
            decision = router.decide(TEXTS[0], task_type=KIND)
            assert decision.probabilities == predict_tier(TEXTS[0], task_type=KIND).probabilities
            with pytest.raises(LogUnavailable):
                router.record_outcome(decision, "clean")
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert router.decide(TEXTS[0], task_type=KIND).probabilities == felt
        assert router.unlogged == 0


def test_a_full_disk_stops_no_decision_and_loses_nothing_that_was_acknowledged(small_disk):
    made = []
    with Router(log=small_disk / "log.db") as router:
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "failed")
        while not router.unlogged and len(made) < 10_000:
            made.append(router.decide(os.urandom(20_000).hex(), task_type=KIND))
        with pytest.raises(LogFull, match="No space left"):
            router.record_outcome(made[-1], "clean")
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        assert router.record_outcome(made[-1].decision_id, "clean").is_new
        assert (router.unlogged, router.log.stats().n_outcomes) == (0, 2)
    with OutcomeLog(small_disk / "log.db") as log:
        assert log.stats().n_decisions == len(made) + 1

"""The service reads what types have taught only where an outcome has come."""

from __future__ import annotations

import time

from served import served

from tierwise import OutcomeLog

TASK = {"specification": "Write the meta description of a post", "task_type": "meta", "verifiable": True}


def decided(client):
    answer = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_while_no_outcome_comes_the_states_are_not_read_again(sqlite_url, monkeypatch):
    with served(log=sqlite_url, history_max_age_s=0.05) as client:
        monkeypatch.setattr("tierwise.router.serve._served_log._SETTLE_S", 0.05)
        decision = decided(client)
        client.post("/v1/outcomes", json={"decision_id": decision["decision_id"], "verdict": "clean"})
        logged, model, n_read = client.service.served_log, client.service.model, 0
        keeper = logged._keeper(model)
        read = type(keeper).state

        def counted(*asked):
            nonlocal n_read
            n_read += 1
            return read(keeper, *asked)

        monkeypatch.setattr(keeper, "state", counted)
        found = []
        for _ in range(8):
            time.sleep(0.1)
            found.append(decided(client)["probabilities"])
        assert all(each == found[0] for each in found)
        assert 1 <= n_read <= 3
        with OutcomeLog(sqlite_url) as other:
            other.record_outcome(decision["decision_id"], "failed", at="2026-01-05T09:30:00+00:00")
            other.record_outcome(decision["decision_id"], "corrected")
        time.sleep(0.1)
        assert decided(client)["probabilities"] != found[0]

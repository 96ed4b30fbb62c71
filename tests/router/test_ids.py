"""Ids of decisions: in the order of their time, so that a large log takes them quickly, and never twice."""

import re
import time

import pytest

from tierwise import predict_tier, predict_tiers
from tierwise.router._ids import new_ids


def test_ids_stand_in_the_order_of_their_time():
    ids = []
    for _ in range(5):
        ids.append(predict_tier("Tag the tickets by product area").decision_id)
        time.sleep(0.002)
    assert ids == sorted(ids)


@pytest.mark.parametrize("n", [0, 1, 1_000])
def test_many_ids_at_once_are_all_different_and_of_one_form(n):
    ids = new_ids(n)
    assert len(set(ids)) == n
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)


def test_each_decision_of_many_has_an_id_of_the_same_form():
    decisions = predict_tiers(["Tag the tickets by product area"] * 3)
    ids = {each.decision_id for each in decisions}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)

"""What is learned of a type is what its rows would build, however the verdicts come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_decisions import HOUR, NOON, SetClock
from small_router import TEXTS, kept, kept_state, model_of, rebuilt

from tierwise import Router
from tierwise.classifier.belief._stored_state import digest, newest_bytes, to_bytes
from tierwise.classifier.belief.state import Seen
from tierwise.router.log._keeper import _MAX_HELD, _MAX_PLACED, StateKeeper, _Held
from tierwise.router.log._verdicts import BASES, VERDICTS
from tierwise.training.outcomes.frame import read_frame
from tierwise.training.train import states_of

KIND = "meta"


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def router(open_log, clock):
    return Router(log=open_log(clock=clock))


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 39),  # which decision
        st.sampled_from(VERDICTS + ("clean",) * 6),
        st.sampled_from(BASES),
        st.integers(0, 60) | st.none(),  # minutes ago; None: now
    ),
    min_size=1,
    max_size=90,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_late_repeated_and_replaced_verdicts_leave_the_state_that_the_rows_build(log, events):
    clock = SetClock()
    log._clock = clock
    router = Router(log=log)
    kind = f"type {id(events)}"
    decisions = {}
    for number, verdict, basis, minutes in events:
        clock.now += timedelta(minutes=1)
        if number not in decisions:
            decisions[number] = router.decide(
                TEXTS[number % 4], task_type=kind, attempts=("haiku",) if number % 5 == 0 else ()
            )
        at = None if minutes is None else clock.now - timedelta(minutes=minutes)
        router.record_outcome(decisions[number].decision_id, verdict, basis=basis, at=at)
        model = model_of(router)
        assert kept(log, kind, model) == rebuilt(log, kind, model)
    log.forget(task_type=kind)


def test_many_outcomes_one_by_one_are_the_state_that_training_builds(router, clock):
    for number in range(70):
        clock.now += HOUR
        decision = router.decide(TEXTS[number % 4], task_type=KIND, items=number % 3)
        router.record_outcome(decision, "clean" if number % 4 else "failed", basis=BASES[number % 4])
    model = model_of(router)
    outcomes = read_frame(router.log.to_pandas(), model.tiers)
    assert kept(router.log, KIND, model) == to_bytes(states_of(model, outcomes)[KIND])


@pytest.mark.parametrize("hours_ago", [59, 30, 1])
def test_a_verdict_of_long_ago_is_learned_where_it_belongs(router, clock, hours_ago):
    """It came late: what was added up before it was known is added up again."""
    first = router.decide(TEXTS[1], task_type=KIND)
    for number in range(60):
        clock.now += HOUR
        decision = router.decide(TEXTS[number % 4], task_type=KIND)
        router.record_outcome(decision, "clean" if number < 45 else "failed")
    router.record_outcome(first, "failed", at=clock.now - hours_ago * HOUR - HOUR / 2)
    model = model_of(router)
    assert kept(router.log, KIND, model) == rebuilt(router.log, KIND, model)


def test_a_verdict_of_another_process_is_in_the_next_decision_exactly(router, open_log, clock):
    other = Router(log=open_log(clock=clock))
    for number in range(60):
        clock.now += HOUR
        first, second = (router, other) if number % 2 else (other, router)
        decision = first.decide(TEXTS[0], task_type=KIND)
        again = second.decide(TEXTS[0], task_type=KIND)
        assert decision.probabilities == again.probabilities
        first.record_outcome(decision, "clean" if number % 6 else "corrected")
    state = kept_state(router.log, KIND, model_of(router))
    assert state.n_outcomes == 60
    fresh = Router(log=router.log).decide(TEXTS[0], task_type=KIND)
    assert fresh.probabilities == router.decide(TEXTS[0], task_type=KIND).probabilities


def test_an_outcome_told_to_another_process_is_learned_from_the_row(router, open_log, clock):
    other = Router(log=open_log(clock=clock))
    model = model_of(router)
    for number in range(30):
        clock.now += HOUR
        tried = ("haiku",) if number % 3 == 0 else ()
        decision = router.decide(TEXTS[number % 4], task_type=KIND, attempts=tried)
        other.record_outcome(decision.decision_id, "clean" if number % 4 else "failed")
        assert kept(other.log, KIND, model) == rebuilt(other.log, KIND, model)
    reader = StateKeeper(model)
    before = reader.state(router.log._database, KIND)
    other.record_outcome(other.decide(TEXTS[0], task_type=KIND), "clean")
    after = reader.state(router.log._database, KIND)
    assert after.n_outcomes == before.n_outcomes + 1 == 31
    assert after.buckets[0].log_likelihood is before.buckets[0].log_likelihood  # not read again


def test_a_decision_goes_by_the_state_that_the_log_keeps(router):
    log, model = router.log, model_of(router)
    state = model.observe(None, [Seen(float(at), 0, False, (0.0, 1.0, 1.0)) for at in range(3)])
    keeper = StateKeeper(model)
    assert keeper.state(log._database, KIND) is None
    with log.type_states(KIND) as states:
        states.put(model.fingerprint, 0, newest_bytes(state, digest(b"")), 3)
    assert to_bytes(keeper.state(log._database, KIND)) == to_bytes(state)
    with log.type_states(KIND) as states:
        states.drop_stale()
    assert keeper.state(log._database, KIND) is None


def test_where_nobody_learns_a_decision_goes_by_the_rows_as_they_are_and_reads_them_once(router):
    log, keeper = router.log, StateKeeper(model_of(router))
    for number in range(3):
        log.record_outcome(router.decide(TEXTS[0], task_type=KIND), "clean")
        assert keeper.state(log._database, KIND).counts == {1: (number + 1.0, 0.0)}
    known = keeper.state(log._database, KIND)
    log.record_outcome(router.decide(TEXTS[0], task_type="other"), "clean")
    assert keeper.state(log._database, KIND) is known  # nothing of this type is new
    log.record_outcome(log.to_pandas().decision_id.iloc[0], "failed")  # replaces one: as many count as before
    assert keeper.state(log._database, KIND).counts == {1: (2.0, 1.0)}


def test_places_of_the_latest_decisions_and_states_of_the_latest_types_are_held(router):
    place, keeper = (0.0, 1.0, 1.0), StateKeeper(model_of(router))
    with router.log.reading_states(KIND) as states:
        for number in range(_MAX_PLACED):
            keeper.placed(f"d{number}", place, ("haiku",))
        assert keeper._placing("d0", states) == (place, ("haiku",))  # the log holds no such row
        keeper.placed("one more", place, ())
        assert keeper._placing("d1", states) == (place, ("haiku",))
        with pytest.raises(LookupError, match="'d0' has no verdict that counts"):
            keeper._placing("d0", states)
    held = _Held(b"", "", keeper.model.observe(None, []))
    for number in [*range(_MAX_HELD), 0, _MAX_HELD]:  # the first is used again
        keeper._hold(f"type {number}", held)
    assert set(keeper._held) == {f"type {number}" for number in range(_MAX_HELD + 1) if number != 1}


@pytest.mark.parametrize("loses", ["a record without a learner", "an import", "forget", "damage"])
def test_a_lost_state_is_built_from_the_rows_and_written_back_with_the_next_outcome(router, clock, loses):
    import pandas as pd

    log, model = router.log, model_of(router)
    decisions = []
    for number in range(40):
        clock.now += HOUR
        decisions.append(router.decide(TEXTS[number % 4], task_type=KIND))
        router.record_outcome(decisions[-1], "clean" if number % 4 else "failed")
    if loses == "a record without a learner":
        log.record_outcome(decisions[1].decision_id, "failed")
    elif loses == "an import":
        row = {"tier": "haiku", "verdict": "clean", "at": NOON.isoformat(), "task_type": KIND}
        log.import_frame(pd.DataFrame([row]))
    elif loses == "forget":
        log.forget(decision_id=decisions[3].decision_id)
    else:
        with log.type_states(KIND) as states:
            states.put(model.fingerprint, 0, b"{", 1)
    assert kept_state(log, KIND, model) is None
    before = router.decide(TEXTS[0], task_type=KIND)
    assert "history" in before.reasons
    router.record_outcome(before, "refused")
    assert kept(log, KIND, model) == rebuilt(log, KIND, model)
    assert router.decide(TEXTS[0], task_type=KIND).probabilities == before.probabilities


def test_a_state_whose_parts_do_not_belong_together_is_built_anew(router, open_log, clock):
    log, model = router.log, model_of(router)
    for number in range(60):
        clock.now += HOUR
        router.record_outcome(router.decide(TEXTS[number % 4], task_type=KIND), "clean")
    with log.type_states(KIND) as states:
        states.put(model.fingerprint, 1, b"something else", 1)
    fresh = Router(log=open_log(clock=clock))
    assert kept_state(log, KIND, model) is None
    fresh.record_outcome(fresh.decide(TEXTS[0], task_type=KIND), "clean")
    assert kept(log, KIND, model) == rebuilt(log, KIND, model)


@pytest.mark.parametrize("store_text", ["features", "none"])
def test_without_texts_outcomes_are_felt_as_with_them(open_log, tmp_path, store_text):
    clock = SetClock()
    with Router(log=open_log(clock=clock, store_text=store_text)) as router:
        for number in range(30):
            clock.now += HOUR
            router.record_outcome(router.decide(TEXTS[number % 4], task_type=KIND), "clean")
        log, model = router.log, model_of(router)
        felt = kept(log, KIND, model)
        assert felt == rebuilt(log, KIND, model)
    from tierwise import OutcomeLog

    clock = SetClock()
    with OutcomeLog(tmp_path / "with_texts.db", clock=clock) as whole:
        router = Router(log=whole)
        for number in range(30):
            clock.now += HOUR
            router.record_outcome(router.decide(TEXTS[number % 4], task_type=KIND), "clean")
        assert kept(whole, KIND, model) == felt


def test_predict_tier_reads_the_state_and_never_writes(router, clock):
    from tierwise import predict_tier, predict_tiers

    for number in range(30):
        clock.now += HOUR
        router.record_outcome(router.decide(TEXTS[0], task_type=KIND), "clean" if number % 3 else "failed")
    log = router.log
    stored = kept(log, KIND, model_of(router))
    felt = router.decide(TEXTS[0], task_type=KIND).probabilities
    assert predict_tier(TEXTS[0], task_type=KIND, history=log).probabilities == felt
    many = predict_tiers([{"specification": TEXTS[0], "task_type": KIND}, TEXTS[0]], history=log)
    assert many[0].probabilities == felt
    assert kept(log, KIND, model_of(router)) == stored
    log.record_outcome(log.to_pandas().decision_id[0], "corrected")  # nobody learns: the state is gone
    by_log = predict_tier(TEXTS[0], task_type=KIND, history=log)
    assert by_log.probabilities not in (felt, predict_tier(TEXTS[0]).probabilities)
    assert by_log.probabilities == router.decide(TEXTS[0], task_type=KIND).probabilities

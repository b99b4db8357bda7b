from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import LoopState, Policy, PolicyError, TriggerPolicy, distances, round_is_due
from domain.rounds import OPEN, TRANSITIONS, RoundEvent, RoundState, WrongMoment, advance


def walk(*events: RoundEvent) -> RoundState:
    state = RoundState.PLANNED
    for event in events:
        state = advance(state, event)
    return state


def test_a_round_from_plan_to_promotion_and_back() -> None:
    e = RoundEvent
    way = (e.APPROVE, e.ENQUEUE, e.BEGIN, e.TRAINED, e.PASS, e.PROMOTE)
    assert walk(*way) is RoundState.PROMOTED
    assert walk(*way, e.ROLL_BACK) is RoundState.ROLLED_BACK
    assert walk(e.APPROVE, e.ENQUEUE, e.BEGIN, e.TRAINED, e.HOLD) is RoundState.HELD


def test_a_held_round_cannot_be_promoted_and_the_error_says_what_can() -> None:
    with pytest.raises(WrongMoment, match="a held round cannot promote; it can nothing"):
        advance(RoundState.HELD, RoundEvent.PROMOTE)
    with pytest.raises(WrongMoment, match="it can approve, cancel"):
        advance(RoundState.PLANNED, RoundEvent.PROMOTE)


@given(st.lists(st.sampled_from(RoundEvent), max_size=12))
def test_only_a_passed_round_is_ever_promoted(events: list[RoundEvent]) -> None:
    state = RoundState.PLANNED
    for event in events:
        try:
            after = advance(state, event)
        except WrongMoment:
            continue
        assert after is not RoundState.PROMOTED or state is RoundState.PASSED
        state = after


def test_every_state_is_reached_and_every_open_one_can_be_cancelled() -> None:
    assert {RoundState.PLANNED, *TRANSITIONS.values()} == set(RoundState)
    assert {state for state, event in TRANSITIONS if event is RoundEvent.CANCEL} == OPEN


def test_a_round_is_due_at_any_threshold_but_not_without_labels() -> None:
    policy = TriggerPolicy()
    nothing = LoopState(consensus_discs=0, rare_discs=0, disputed_discs=0, days=400)
    assert not round_is_due(policy, nothing)
    assert not round_is_due(policy, LoopState(consensus_discs=5, rare_discs=0, disputed_discs=0, days=3))
    assert round_is_due(policy, LoopState(consensus_discs=60, rare_discs=25, disputed_discs=0, days=3))
    due = [d.name for d in distances(policy, nothing) if d.due]
    assert due == ["days"]


def test_a_policy_file_names_only_what_differs() -> None:
    policy = Policy.read('{"gate": {"minimum_positives": 3}}', name="policy.json")
    assert policy.gate.minimum_positives == 3
    assert policy.gate.margins == Policy().gate.margins
    with pytest.raises(PolicyError, match=r"policy\.json.*\n?.*gate"):
        Policy.read('{"gate": {"margin": 3}}', name="policy.json")

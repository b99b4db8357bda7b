"""A retraining round's life as a table: which event leads from which state to which."""

from __future__ import annotations

from enum import StrEnum

from domain.errors import DiscLoopError


class RoundState(StrEnum):
    """Where a round stands."""

    PLANNED = "planned"
    APPROVED = "approved"
    QUEUED = "queued"
    TRAINING = "training"
    EVALUATING = "evaluating"
    PASSED = "passed"
    HELD = "held"
    PROMOTED = "promoted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled_back"


class RoundEvent(StrEnum):
    """What can happen to a round."""

    APPROVE = "approve"
    ENQUEUE = "enqueue"
    BEGIN = "begin"
    TRAINED = "trained"
    PASS = "pass"
    HOLD = "hold"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    CANCEL = "cancel"
    FAIL = "fail"


_S, _E = RoundState, RoundEvent

TRANSITIONS: dict[tuple[RoundState, RoundEvent], RoundState] = {
    (_S.PLANNED, _E.APPROVE): _S.APPROVED,
    (_S.APPROVED, _E.ENQUEUE): _S.QUEUED,
    (_S.QUEUED, _E.BEGIN): _S.TRAINING,
    (_S.TRAINING, _E.TRAINED): _S.EVALUATING,
    (_S.EVALUATING, _E.PASS): _S.PASSED,
    (_S.EVALUATING, _E.HOLD): _S.HELD,
    (_S.PASSED, _E.PROMOTE): _S.PROMOTED,
    (_S.PROMOTED, _E.ROLL_BACK): _S.ROLLED_BACK,
    (_S.PLANNED, _E.CANCEL): _S.CANCELLED,
    (_S.APPROVED, _E.CANCEL): _S.CANCELLED,
    (_S.QUEUED, _E.CANCEL): _S.CANCELLED,
    (_S.TRAINING, _E.CANCEL): _S.CANCELLED,
    (_S.EVALUATING, _E.CANCEL): _S.CANCELLED,
    (_S.QUEUED, _E.FAIL): _S.FAILED,
    (_S.TRAINING, _E.FAIL): _S.FAILED,
    (_S.EVALUATING, _E.FAIL): _S.FAILED,
    # A failed round is tried again from its last checkpoint, when a person says so.
    (_S.FAILED, _E.ENQUEUE): _S.QUEUED,
}

RUNNING = frozenset({RoundState.TRAINING, RoundState.EVALUATING})
"""States in which a process works on the round."""
OPEN = frozenset({RoundState.PLANNED, RoundState.APPROVED, RoundState.QUEUED, *RUNNING})
"""States that still lead somewhere by themselves."""


class WrongMoment(DiscLoopError):
    """An event that the round's state does not allow."""


def advance(state: RoundState, event: RoundEvent) -> RoundState:
    """The state after an event.

    Raises:
        WrongMoment: If the event cannot happen in this state; names what can.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        possible = ", ".join(sorted(e for s, e in TRANSITIONS if s is state)) or "nothing"
        raise WrongMoment(f"a {state} round cannot {event}; it can {possible}") from None

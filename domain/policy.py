"""Every threshold of the loop in one place, stated before a round and stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import DiscLoopError
from domain.quotas import Quotas
from domain.ranking import RANDOM_SHARE

Share = Annotated[float, Field(ge=0, le=1)]


class PolicyError(DiscLoopError):
    """A policy file that cannot be used."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GatePolicy(_Frozen):
    """When a challenger may replace the champion.

    A margin is how much worse the lower end of the 95% interval of (challenger - champion) may be. A class
    with fewer positives than stated is too rare in the test set to be guarded, and holds the round.
    """

    margins: Mapping[str, float] = {
        "grade 1": 0.05,
        "grade 2": 0.05,
        "grade 3": 0.05,
        "grade 4": 0.05,
        "grade 5": 0.05,
        "herniation": 0.05,
    }
    """F1 of each guarded class. HIZ is guarded where test labels of it exist: add it here."""
    minimum_positives: int = 20
    minimum_patients: int = 10
    calibration_margin: float = 0.02
    """Ranked probability score, the lower the better."""
    parity_grades: Share = 0.98
    """Least share of discs that the exported model must grade as the trained one does."""
    parity_box_px: float = Field(default=2.0, ge=0)
    """How far an edge of a box may be from the trained model's, pixels."""
    latency_ratio: float = Field(default=2.0, gt=0)
    """How many times the champion's time for a slice the exported challenger may take."""
    least_gain: float = 0.0
    """What the lower end of the primary figure's difference must exceed."""
    resamples: int = Field(default=2000, ge=200)
    seed: int = 20261121
    looks: int = Field(default=20, ge=1)
    """How often the test set may be looked at before fresh test patients are needed."""


class TriggerPolicy(_Frozen):
    """When a round is due."""

    consensus_discs: int = Field(default=200, ge=1)
    rare_discs: int = Field(default=25, ge=1)
    """Newly labelled discs of classes below half their quota."""
    disputed_discs: int = Field(default=40, ge=1)
    agreement_drop: float = Field(default=0.1, gt=0, le=1)
    """By how much the share of the random share's discs on which model and reader agree has fallen."""
    days: int = Field(default=30, ge=1)


class Policy(_Frozen):
    """The whole policy."""

    gate: GatePolicy = GatePolicy()
    triggers: TriggerPolicy = TriggerPolicy()
    quotas: Quotas = Quotas()
    random_share: Share = RANDOM_SHARE

    @classmethod
    def read(cls, text: str, *, name: str) -> Policy:
        """Read a policy file; what it does not name keeps its default.

        Raises:
            PolicyError: Naming the file and the field.
        """
        try:
            return cls.model_validate_json(text)
        except ValueError as error:
            raise PolicyError(f"{name} is not a policy: {error}") from None


class LoopState(_Frozen):
    """What has happened since the last round."""

    consensus_discs: int
    rare_discs: int
    disputed_discs: int
    agreement_drop: float = 0.0
    days: float


class Distance(_Frozen):
    """How far one trigger is from its threshold."""

    name: str
    now: float
    threshold: float

    @property
    def due(self) -> bool:
        """Whether the threshold is reached."""
        return self.now >= self.threshold


def distances(policy: TriggerPolicy, state: LoopState) -> list[Distance]:
    """Each trigger's distance; a round is due if any is reached and there is anything new to learn from."""
    return [
        Distance(name=name, now=getattr(state, name), threshold=getattr(policy, name))
        for name in TriggerPolicy.model_fields
    ]


def round_is_due(policy: TriggerPolicy, state: LoopState) -> bool:
    """Whether a round should be proposed."""
    return state.consensus_discs > 0 and any(d.due for d in distances(policy, state))

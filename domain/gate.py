"""The gate: may this challenger replace the champion?

Both are judged on the same locked test patients. The challenger must be non-inferior on every guarded class
and better on the primary figure, linear kappa with the truth; intervals come from resampling patients, the
same resamples for both models. The exported challenger must say what the trained one says, as fast as the
champion. How both stand to the readers' own agreement (the human ceiling) is evidence, not a condition.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.agreement.schema import Ceiling
from domain.evaluation import Evaluation, Serving
from domain.model_figures import PRIMARY, Figure, GateError, compare_models
from domain.policy import GatePolicy


class Outcome(StrEnum):
    """What the gate says."""

    PASSED = "passed"
    INFERIOR = "held: inferior"
    NO_GAIN = "held: no gain"
    TOO_FEW_POSITIVES = "held: too few positives"
    LEAK = "refused: leak"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Verdict(_Frozen):
    """The gate's answer with everything it rests on."""

    outcome: Outcome
    classes: tuple[str, ...] = ()
    """The classes it is about: inferior, or too rare in the test set."""
    reason: str
    champion: str
    challenger: str
    patients: int = 0
    discs: int = 0
    figures: tuple[Figure, ...] = ()
    against_first: tuple[Figure, ...] = ()
    serving: Serving | None = None
    """The exported challenger beside the trained one."""
    champion_ms: float | None = None
    """The exported champion's time for a slice."""
    ceilings: tuple[Ceiling, ...] = ()
    """Champion and challenger against the readers of the same discs, and the readers against each other."""
    policy: GatePolicy

    @property
    def passed(self) -> bool:
        """Whether the challenger may be promoted."""
        return self.outcome is Outcome.PASSED


def judge(
    champion: Evaluation,
    challenger: Evaluation,
    *,
    trained_on: Iterable[str],
    policy: GatePolicy,
    first: Evaluation | None = None,
    ceilings: Iterable[Ceiling] = (),
) -> Verdict:
    """Compare challenger and champion on the locked test patients.

    Args:
        champion: The active model's evaluation.
        challenger: The new model's, on the same studies.
        trained_on: Patients of everything the challenger was trained or chosen on.
        policy: Margins and minimum positives.
        first: The first champion's evaluation; the challenger must be non-inferior to it as well.
        ceilings: The human ceiling, as far as two readers graded the test discs.

    Raises:
        GateError: If the evaluations are not of the same discs with the same truth.
    """
    figures: list[Figure] = []
    against_first: list[Figure] = []
    for other in (champion, first):
        if other is not None and other.truths() != challenger.truths():
            raise GateError(
                f"evaluations of the same discs are expected, {other.model} and {challenger.model} differ"
            )

    def verdict(outcome: Outcome, reason: str, classes: Iterable[str] = ()) -> Verdict:
        named = tuple(classes)
        return Verdict(
            outcome=outcome,
            classes=named,
            reason=f"{reason}: {', '.join(named)}" if named else reason,
            champion=champion.model,
            challenger=challenger.model,
            patients=len(challenger.patients),
            discs=len(challenger.truths()),
            figures=tuple(figures),
            against_first=tuple(against_first),
            serving=challenger.serving,
            champion_ms=champion.serving.milliseconds if champion.serving else None,
            ceilings=tuple(ceilings),
            policy=policy,
        )

    if not challenger.patients:
        return verdict(Outcome.TOO_FEW_POSITIVES, "there are no test patients")
    leaked = challenger.patients & set(trained_on)
    if leaked:
        return verdict(Outcome.LEAK, f"{len(leaked)} of the test patients were trained on")
    figures = compare_models(champion, challenger, policy)
    against_first = compare_models(first, challenger, policy) if first else []
    guarded = [f for f in (*figures, *against_first) if f.name != PRIMARY]
    rare = _names(f for f in guarded if f.name in policy.margins and _too_rare(f, policy))
    if rare:
        return verdict(Outcome.TOO_FEW_POSITIVES, "too few in the test set to tell", rare)
    inferior = _names(f for f in guarded if not f.holds)
    if inferior:
        return verdict(Outcome.INFERIOR, "may be worse by more than the margin", inferior)
    unfit = unfit_to_serve(champion.serving, challenger.serving, policy)
    if unfit:
        return verdict(Outcome.INFERIOR, "the exported model is not fit to serve", unfit)
    primary = next(f for f in figures if f.name == PRIMARY)
    if not primary.holds:
        return verdict(Outcome.NO_GAIN, "linear kappa is not shown to be better")
    return verdict(Outcome.PASSED, f"{_gain(policy.least_gain)}, not worse on any guarded class")


def _gain(least: float) -> str:
    """What was asked of linear kappa: a policy that asks for less than a gain is not told as one."""
    if least < 0:
        return f"not worse on linear kappa by {-least:g} or more, which is all the policy asks"
    return f"better on linear kappa by more than {least:g}" if least else "better on linear kappa"


def unfit_to_serve(champion: Serving | None, challenger: Serving | None, policy: GatePolicy) -> list[str]:
    """What the exported challenger fails: `parity` with the trained one, `latency` beside the champion."""
    if challenger is None:
        return ["parity", "latency"]
    unlike = challenger.same_grades < policy.parity_grades or challenger.box_px > policy.parity_box_px
    slow = champion is None or challenger.milliseconds > policy.latency_ratio * champion.milliseconds
    return ["parity"] * unlike + ["latency"] * slow


def _names(figures: Iterable[Figure]) -> list[str]:
    return sorted({f.name for f in figures})


def _too_rare(figure: Figure, policy: GatePolicy) -> bool:
    return figure.positives < policy.minimum_positives or figure.patients < policy.minimum_patients

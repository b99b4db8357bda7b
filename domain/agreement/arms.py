"""What an arm does to the readings: analysed by patient, in the arm the patient was drawn for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.agreement.bootstrap import Plan, Slot, Totals
from domain.agreement.coefficients import ratio
from domain.agreement.estimates import Statistic, missing, summarise
from domain.agreement.readings import Ints, Readings
from domain.agreement.schema import ArmEffect
from domain.agreement.units import Mask, by_reader_role, first_signed
from domain.agreement.weights import Array
from domain.taxonomy import Arm

REASONS = {
    "matches_proposal": "no proposed grades (column `proposal`) in both arms",
    "distance_to_proposal": "no proposed grades (column `proposal`) in both arms",
    "minutes": "no minutes in both arms",
    "herniations_missed": "no herniation in a consensus (role `consensus`) in both arms",
    "hiz_missed": "no high-intensity zone in a consensus (role `consensus`) in both arms",
}


class ArmsQuestion:
    """Mean over patients of each outcome in each arm, and its difference to the unaided arm."""

    def __init__(self, plan: Plan, readings: Readings, rows: Mask) -> None:
        self.names = readings.arm.labels
        self._slots: dict[str, Slot] = {}
        self._patients: dict[str, Ints] = {}
        if Arm.UNAIDED.value not in self.names or len(self.names) < 2:
            return
        for outcome, values in outcomes(readings, rows).items():
            self._ask(plan, readings, outcome, values)

    def _ask(self, plan: Plan, readings: Readings, outcome: str, values: Array) -> None:
        """Register, arm by arm, the sum of patient means and the number of patients."""
        use = np.isfinite(values) & (readings.arm.codes >= 0) & (readings.arm_drawn != 0)
        group = readings.key(readings.patient.codes, readings.arm.codes)[use]
        _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
        means = np.bincount(inverse, values[use]) / np.maximum(np.bincount(inverse), 1)
        patient, arm = readings.patient.codes[use][first], readings.arm.codes[use][first]
        cells = np.concatenate([2 * arm, 2 * arm + 1])
        amounts = np.concatenate([means, np.ones(len(means))])
        self._slots[outcome] = plan.add(
            cells, np.concatenate([patient, patient]), 2 * len(self.names), amounts
        )
        self._patients[outcome] = np.bincount(arm, minlength=len(self.names)).astype(np.int64)

    def answer(self, totals: Totals) -> tuple[ArmEffect, ...]:
        """One entry an arm other than unaided."""
        if not self._slots:
            return ()
        base = self.names.index(Arm.UNAIDED.value)
        seen = np.max(list(self._patients.values()), axis=0)
        return tuple(
            ArmEffect(
                arm=name,
                patients=int(seen[arm]),
                unaided_patients=int(seen[base]),
                **{outcome: self._difference(totals, outcome, arm, base) for outcome in REASONS},
            )
            for arm, name in enumerate(self.names)
            if arm != base
        )

    def _difference(self, totals: Totals, outcome: str, arm: int, base: int) -> Statistic:
        fewest = int(min(self._patients[outcome][arm], self._patients[outcome][base]))
        if fewest == 0:
            return missing(REASONS[outcome])
        sums = totals[self._slots[outcome]]
        mean = ratio(sums[:, 0::2], sums[:, 1::2])
        return summarise(mean[:, arm] - mean[:, base], undefined=REASONS[outcome], patients=fewest)


def outcomes(readings: Readings, rows: Mask) -> dict[str, Array]:
    """Each outcome of each row (N,), NaN where it does not apply."""
    distance = np.abs(readings.grade - readings.proposal).astype(np.float64)
    graded = rows & (readings.grade >= 1) & (readings.proposal >= 1)
    return {
        "matches_proposal": np.where(graded, (distance == 0).astype(np.float64), np.nan),
        "distance_to_proposal": np.where(graded, distance, np.nan),
        "minutes": _minutes(readings, rows),
        "herniations_missed": _missed(readings, rows, readings.herniation),
        "hiz_missed": _missed(readings, rows, readings.hiz),
    }


def _minutes(readings: Readings, rows: Mask) -> Array:
    """Minutes of each reading, on one of its rows."""
    stated = np.flatnonzero(rows & np.isfinite(readings.minutes))
    reading = readings.key(readings.study.codes, readings.reader.codes, readings.arm.codes)
    _, first = np.unique(reading[stated], return_index=True)
    out = np.full(len(readings), np.nan)
    out[stated[first]] = readings.minutes[stated[first]]
    return out


def _missed(readings: Readings, rows: Mask, marked: Ints) -> NDArray[np.float64]:
    """1 where the consensus has the lesion and the reader does not, 0 where both have it."""
    disc = readings.key(readings.study.codes, readings.position)
    consensus = by_reader_role(readings, "consensus") & first_signed(readings)
    positive = np.isin(disc, disc[consensus & (marked == 1)])
    return np.where(rows & positive & (marked >= 0), (marked == 0).astype(np.float64), np.nan)

"""Agreement on where: lesions per slice, and boxes that two readers drew of the same thing.

Use unaided readings only: a box shown to both readers agrees with itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from domain.agreement.bootstrap import Plan
from domain.agreement.coefficients import ratio
from domain.agreement.estimates import Reported, Statistic, summarise
from domain.agreement.readings import factorise
from domain.boxes import Box, intersection_over_union


class BoxAgreement(Reported):
    """Matched boxes of two readers."""

    boxes: int
    overlap: Statistic
    """Mean intersection over union."""
    centre_distance_mm: Statistic
    """Mean distance of the centres, in millimetres."""


@dataclass(frozen=True, slots=True)
class BoxPair:
    """Two readers' boxes of one thing on one slice."""

    patient: Hashable
    overlap: float
    """Intersection over union."""
    centre_distance_mm: float

    @classmethod
    def of(cls, patient: Hashable, first: Box, second: Box, spacing: float) -> BoxPair:
        """Compare two boxes; `spacing` in millimetres a pixel."""
        apart = spacing * hypot(first.center[0] - second.center[0], first.center[1] - second.center[1])
        return cls(patient, intersection_over_union(first, second), apart)


@dataclass(frozen=True, slots=True)
class SliceMarks:
    """How two readers marked a finding on the slices of one stack."""

    patient: Hashable
    both: int
    """Slices that both marked."""
    marks: int
    """Slices that the first marked, and those that the second did, added."""

    @classmethod
    def of(cls, patient: Hashable, marks: Iterable[tuple[bool, bool]]) -> SliceMarks:
        """Count what the first and the second reader marked, slice by slice."""
        pairs = list(marks)
        return cls(patient, sum(a and b for a, b in pairs), sum(a + b for a, b in pairs))


def box_agreement(pairs: Sequence[BoxPair], *, resamples: int = 2000, seed: int = 1) -> BoxAgreement:
    """Mean overlap and centre distance of matched boxes, with intervals by resampling patients."""
    overlap = [p.overlap for p in pairs]
    distance = [p.centre_distance_mm for p in pairs]
    codes, people = factorise([p.patient for p in pairs])
    plan = Plan(len(people))
    cells = np.repeat(np.arange(3), len(pairs))
    amounts = np.concatenate([np.ones(len(pairs)), overlap, distance])
    slot = plan.add(cells, np.tile(codes, 3), 3, amounts)
    sums = plan.totals(resamples=resamples, seed=seed)[slot]
    means = [ratio(sums[:, i], sums[:, 0]) for i in (1, 2)]
    first, second = (
        summarise(m, undefined="no box was drawn by both readers", patients=len(people)) for m in means
    )
    return BoxAgreement(boxes=len(pairs), overlap=first, centre_distance_mm=second)


def slice_f1(stacks: Sequence[SliceMarks], *, resamples: int = 2000, seed: int = 1) -> Statistic:
    """Detection F1 per slice, 2 both / (first + second), which is the same whichever reader is the reference.

    Args:
        stacks: What the two readers marked, stack by stack.
        resamples: Bootstrap resamples of patients.
        seed: Of the resampling.
    """
    codes, people = factorise([one.patient for one in stacks])
    plan = Plan(len(people))
    cells = np.repeat(np.arange(2), len(stacks))
    amounts = [one.both for one in stacks] + [one.marks for one in stacks]
    slot = plan.add(cells, np.tile(codes, 2), 2, amounts)
    sums = plan.totals(resamples=resamples, seed=seed)[slot]
    return summarise(
        ratio(2 * sums[:, 0], sums[:, 1]), undefined="no reader marked any slice", patients=len(people)
    )

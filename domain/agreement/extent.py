"""Agreement on where: lesions per slice, and boxes that two readers drew of the same thing.

Use unaided readings only: a box shown to both readers agrees with itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class BoxPair:
    """Two readers' boxes of one thing on one slice; `spacing` in millimetres a pixel."""

    patient: Hashable
    first: Box
    second: Box
    spacing: float


def box_agreement(pairs: Sequence[BoxPair], *, resamples: int = 2000, seed: int = 1) -> BoxAgreement:
    """Mean overlap and centre distance of matched boxes, with intervals by resampling patients."""
    overlap = [intersection_over_union(p.first, p.second) for p in pairs]
    distance = [p.spacing * float(np.hypot(*np.subtract(p.first.center, p.second.center))) for p in pairs]
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


def slice_f1(
    marks: Sequence[tuple[bool, bool]], patients: Sequence[Hashable], *, resamples: int = 2000, seed: int = 1
) -> Statistic:
    """Detection F1 per slice, 2 both / (first + second), which is the same whichever reader is the reference.

    Args:
        marks: Whether the first and the second reader marked the finding, slice by slice.
        patients: Whose slice it is.
        resamples: Bootstrap resamples of patients.
        seed: Of the resampling.
    """
    codes, people = factorise(list(patients))
    marked = np.asarray(marks, dtype=np.float64).reshape(-1, 2)
    plan = Plan(len(people))
    cells = np.repeat(np.arange(2), len(marked))
    slot = plan.add(cells, np.tile(codes, 2), 2, np.concatenate([marked.prod(1), marked.sum(1)]))
    sums = plan.totals(resamples=resamples, seed=seed)[slot]
    return summarise(
        ratio(2 * sums[:, 0], sums[:, 1]), undefined="no reader marked any slice", patients=len(people)
    )

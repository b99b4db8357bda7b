"""Agreement by level, index, site, scanner, arm and month, and the control chart of the months."""

from __future__ import annotations

import numpy as np

from domain.agreement.asked import Asked, ask, grade_definitions, statistics
from domain.agreement.bootstrap import Plan, Totals
from domain.agreement.estimates import Statistic
from domain.agreement.grades import K
from domain.agreement.readings import Column, Ints, Readings
from domain.agreement.schema import Breakdown, Drift, DriftPoint, Stratum
from domain.agreement.units import Units, attribute
from domain.agreement.weights import Array
from domain.taxonomy import Level

MOST_STRATA = 60
LEVEL_ORDER = {level.value: i for i, level in enumerate(Level)}
FLAG_ERRORS = 3.0
"""A month beyond this many standard errors of the centre is flagged (Shewhart)."""
RUN = 8
"""So is a run of this many months on one side (Western Electric rule 4)."""


class BreakdownQuestion:
    """Agreement on the grade in the strata of one property."""

    def __init__(self, plan: Plan, readings: Readings, units: Units, by: str) -> None:
        self.by = by
        self.names, group, self.reason = _strata(attribute(readings, units, by), by)
        self.asked: Asked | None = None
        if not self.reason:
            self.asked = ask(plan, units, units.grade, K, group, len(self.names))

    def answer(self, totals: Totals) -> tuple[Breakdown, Array]:
        """The strata, and their linear kappas (1 + B, S)."""
        if self.asked is None:
            return Breakdown(by=self.by, strata=(), reason=self.reason), np.zeros((len(totals.values), 0))
        own, replicates = statistics(grade_definitions(), self.asked.moments(totals), self.asked.n)
        strata = tuple(
            Stratum(name=name, n=n, **fields)
            for name, n, fields in zip(self.names, self.asked.n, own, strict=True)
        )
        return Breakdown(by=self.by, strata=strata), replicates["kappa_linear"]


def _strata(column: Column, by: str) -> tuple[list[str], Ints, str | None]:
    used = np.unique(column.codes[column.codes >= 0])
    if not len(used):
        return [], column.codes, f"the table has no {by}"
    if len(used) > MOST_STRATA:
        return (
            [],
            column.codes,
            f"{len(used)} different values of {by}; at most {MOST_STRATA} are broken down",
        )
    order = sorted(used.tolist(), key=lambda code: _sorting(column.labels[code]))
    rank = np.full(len(column.labels) + 1, -1, np.int64)
    rank[order] = np.arange(len(order))
    return [column.labels[code] for code in order], rank[column.codes], None


def _sorting(label: str) -> tuple[int, int, str]:
    if label in LEVEL_ORDER:
        return 0, LEVEL_ORDER[label], label
    return (0, int(label), label) if label.isascii() and label.isdigit() else (1, 0, label)


def drift(by_month: Breakdown, overall: Statistic, share: str) -> Drift:
    """Control chart: centre the period's linear kappa, limits three standard errors of the month's own."""
    if by_month.reason or len(by_month.strata) < 2:
        reason = by_month.reason or "one month only"
        return Drift(centre=None, points=(), drifting=False, basis=share, reason=reason)
    if overall.value is None:
        return Drift(centre=None, points=(), drifting=False, basis=share, reason=overall.reason)
    centre = overall.value
    points: list[DriftPoint] = []
    run, side = 0, 0
    for stratum in by_month.strata:
        value, se = stratum.kappa_linear.value, stratum.kappa_linear.se
        new = 0 if value is None else int(np.sign(value - centre))
        run, side = (run + 1 if new == side and new else int(new != 0)), new
        points.append(_point(stratum, centre, se, run))
    flagged = any(p.flag for p in points)
    return Drift(centre=centre, points=tuple(points), drifting=flagged, basis=share)


def _point(stratum: Stratum, centre: float, se: float | None, run: int) -> DriftPoint:
    value = stratum.kappa_linear.value
    flag = None
    if value is not None and se and abs(value - centre) > FLAG_ERRORS * se:
        flag = f"{'below' if value < centre else 'above'} the limits"
    elif run >= RUN:
        flag = f"{run} months in a row on one side of the centre"
    return DriftPoint(
        month=stratum.name,
        paired=stratum.n.paired,
        kappa_linear=stratum.kappa_linear,
        lower_limit=None if se is None else max(-1.0, centre - FLAG_ERRORS * se),
        upper_limit=None if se is None else min(1.0, centre + FLAG_ERRORS * se),
        flag=flag,
    )

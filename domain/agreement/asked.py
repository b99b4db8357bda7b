"""One question put to the plan: the moments of some discs' readings, in strata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from domain.agreement import coefficients as c
from domain.agreement import weights as w
from domain.agreement.bootstrap import Plan, Slot, Totals
from domain.agreement.drawn_readers import FEWEST, DrawnReaders
from domain.agreement.estimates import NO_PAIR, Statistic, summarise_all
from domain.agreement.moments import Codes, ManyReaders, Moments, cells_of_pair, from_tables
from domain.agreement.readings import Ints
from domain.agreement.schema import Counts
from domain.agreement.units import Units
from domain.agreement.weights import Array

ONE_CATEGORY = "only one category was used, so agreement by chance is already 1"
NO_VARIATION = "all readings are the same, so there is no variation to agree on"
NO_COMPLETE = "fewer than two discs were graded by every reader, or their grades do not vary"

NO_ICC = "no interval: an analysis of variance has no place for a reader drawn twice"

Compute = Callable[[Moments], Array]


@dataclass(frozen=True)
class Definition:
    """A statistic, and why it is undefined when the discs are there."""

    compute: Compute
    undefined: str


def grade_definitions(categories: int = 5) -> dict[str, Definition]:
    """The statistics of `schema.Agreement`."""
    same, near = w.identity(categories), w.within(categories)
    linear, quadratic = w.linear(categories), w.quadratic(categories)
    return {
        "percent_agreement": Definition(lambda m: c.observed(m, same), NO_PAIR),
        "within_one": Definition(lambda m: c.observed(m, near), NO_PAIR),
        "kappa": Definition(lambda m: c.kappa(m, same), ONE_CATEGORY),
        "kappa_linear": Definition(lambda m: c.kappa(m, linear), ONE_CATEGORY),
        "kappa_quadratic": Definition(lambda m: c.kappa(m, quadratic), ONE_CATEGORY),
        "ac1": Definition(lambda m: c.gwet(m, same), ONE_CATEGORY),
        "ac2_linear": Definition(lambda m: c.gwet(m, linear), ONE_CATEGORY),
        "ac2_quadratic": Definition(lambda m: c.gwet(m, quadratic), ONE_CATEGORY),
        "alpha_nominal": Definition(c.alpha_nominal, NO_VARIATION),
        "alpha_ordinal": Definition(c.alpha_ordinal, NO_VARIATION),
        "alpha_interval": Definition(c.alpha_interval, NO_VARIATION),
        "alpha_ratio": Definition(c.alpha_ratio, NO_VARIATION),
        "icc_2_1": Definition(lambda m: c.icc_2_1(m.icc), NO_COMPLETE),
    }


def presence_definitions() -> dict[str, Definition]:
    """The many-reader statistics of `schema.PresenceAgreement`; category 1 is present."""
    same = w.identity(2)
    return {
        "percent_agreement": Definition(lambda m: c.observed(m, same), NO_PAIR),
        "kappa": Definition(lambda m: c.kappa(m, same), ONE_CATEGORY),
        "ac1": Definition(lambda m: c.gwet(m, same), ONE_CATEGORY),
        "alpha_nominal": Definition(c.alpha_nominal, NO_VARIATION),
        "positive_agreement": Definition(
            lambda m: c.specific_agreement(m)[..., 1], "no reader marked any disc"
        ),
        "negative_agreement": Definition(
            lambda m: c.specific_agreement(m)[..., 0], "a reader marked every disc"
        ),
    }


@dataclass(frozen=True)
class Asked:
    """Sums registered in a plan for `strata` groups of discs."""

    slot: Slot
    strata: int
    categories: int
    many: ManyReaders | None
    drawn: DrawnReaders | None
    """Where readers are resampled as well."""
    n: tuple[Counts, ...]

    def tables(self, totals: Totals) -> Array:
        """(1 + B, S, K, K) cross-tables; two readers only."""
        sums = totals[self.slot]
        return sums.reshape(len(sums), self.strata, self.categories, self.categories)

    def moments(self, totals: Totals) -> Moments:
        """Moments with batch axes (1 + B, S)."""
        if self.many is None:
            return from_tables(self.tables(totals))
        sums = totals[self.slot]
        if self.drawn is not None:
            return self.drawn.moments(sums, totals.readers(self.many.readers))
        return self.many.moments(sums.reshape(len(sums), self.strata, self.many.size))


def ask(
    plan: Plan, units: Units, codes: Codes, categories: int, strata: Ints | None = None, number: int = 1
) -> Asked:
    """Register the moments of `codes` (U, R).

    Two readers are compared on the discs both assessed; for more, discs with a single reading still tell
    how often a category is used (Gwet's chance agreement, Conger's margins).

    Args:
        plan: Where to register.
        units: The discs, for their patients and weights.
        codes: Categories 0 to K - 1, negative is missing.
        categories: K.
        strata: (U,) the group of each disc, negative is none; default all in one.
        number: How many groups.
    """
    group = np.zeros(len(codes), np.int64) if strata is None else strata
    inside = group >= 0
    n = _counts(units, codes, group, number)
    if codes.shape[1] == 2:
        paired, cell = cells_of_pair(codes, categories)
        keep = inside[paired]
        disc, cell, amount, many, drawn, size = paired[keep], cell[keep], None, None, None, categories**2
    else:
        many = ManyReaders(categories, codes.shape[1])
        source = np.flatnonzero(inside & (codes >= 0).any(1))
        resampled = plan.resample_readers and codes.shape[1] >= FEWEST
        drawn = DrawnReaders(many, codes[source], number) if resampled else None
        disc, cell, amount = (drawn or many).features(codes[source])
        disc, size = source[disc], (drawn or many).size
    if units.weight is not None:
        amount = units.weight[disc] if amount is None else amount * units.weight[disc]
    slot = plan.add(group[disc] * size + cell, units.patient[disc], number * size, amount)
    return Asked(slot, number, categories, many, drawn, n)


def _counts(units: Units, codes: Codes, group: Ints, number: int) -> tuple[Counts, ...]:
    read = (codes >= 0).sum(1)
    inside = group >= 0
    paired, union = inside & (read >= 2), inside & (read >= 1)
    patients = _distinct(group[paired], units.patient[paired], number)
    studies = _distinct(group[paired], units.study[paired], number)
    pairs = np.bincount(group[paired], minlength=number)
    unions = np.bincount(group[union], minlength=number)
    return tuple(
        Counts(paired=int(p), union=int(u), patients=int(a), studies=int(s))
        for p, u, a, s in zip(pairs, unions, patients, studies, strict=True)
    )


def _distinct(group: Ints, value: Ints, number: int) -> Ints:
    key = np.unique(group * (int(value.max(initial=0)) + 1) + value)
    return np.bincount(key // (int(value.max(initial=0)) + 1), minlength=number).astype(np.int64)


def statistics(
    definitions: Mapping[str, Definition],
    moments: Moments,
    n: tuple[Counts, ...],
    analytic: Mapping[str, list[float | None]] | None = None,
) -> tuple[list[dict[str, Statistic]], dict[str, Array]]:
    """Every defined statistic of every stratum, and the replicates (1 + B, S) they came from."""
    replicates = {name: d.compute(moments) for name, d in definitions.items()}
    columns = {
        name: summarise_all(
            replicates[name],
            undefined=[NO_PAIR if k.paired == 0 else d.undefined for k in n],
            patients=[k.patients for k in n],
            se_analytic=(analytic or {}).get(name),
        )
        for name, d in definitions.items()
    }
    if moments.times is not None and "icc_2_1" in columns:
        columns["icc_2_1"] = [
            s.model_copy(update={"reason": s.reason and NO_ICC}) for s in columns["icc_2_1"]
        ]
    return [{name: column[s] for name, column in columns.items()} for s in range(len(n))], replicates

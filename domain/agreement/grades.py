"""Agreement on the Pfirrmann grade of one selection of discs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from domain.agreement import pair
from domain.agreement import weights as w
from domain.agreement.asked import Asked, ask, grade_definitions, statistics
from domain.agreement.bootstrap import Plan, Slot, Totals
from domain.agreement.coefficients import specific_agreement
from domain.agreement.estimates import NO_PAIR, Statistic, finite, missing, summarise, summarise_all
from domain.agreement.moments import Codes, Moments, cells_of_pair, counts
from domain.agreement.schema import CategoryAgreement, Counts, Homogeneity, Table, Test
from domain.agreement.units import Units
from domain.agreement.weights import Array
from domain.taxonomy import GRADES

K = len(GRADES)
NAMES = tuple(str(g) for g in GRADES)
EXTENDED = (*NAMES, "not gradable", "missing")
ONLY_TWO = "defined for two readers; see the pairs"
WEIGHTED = "discs are weighted by their inclusion probability"


class GradeQuestion:
    """The headline, or one pair of readers: asked of the plan now, answered from its totals later."""

    def __init__(self, plan: Plan, units: Units) -> None:
        self.units = units
        self.asked: Asked = ask(plan, units, units.grade, K)
        self.two = len(units.readers) == 2
        self._answered: dict[str, Any] = {}
        self.pooled: Slot = self.asked.slot if self.two else _ask_pooled(plan, units)

    @property
    def n(self) -> Counts:
        """Denominators."""
        return self.asked.n[0]

    def answer(self, totals: Totals) -> dict[str, Any]:
        """Fields of `schema.GradeAgreement`; computed once, for the headline of two readers is their pair."""
        if not self._answered:
            self._answered = self._answer(totals)
        return self._answered

    def _answer(self, totals: Totals) -> dict[str, Any]:
        moments = self.asked.moments(totals)
        own, _ = statistics(
            grade_definitions(), moments, self.asked.n, standard_errors(self.units, self.units.grade, K)
        )
        fields: dict[str, Any] = {"n": self.n, **own[0], **self._two_reader_fields(totals)}
        fields["by_grade"] = self._by_grade(moments, totals)
        pooled = totals[self.pooled][0].reshape(K, K)
        first, second = self.units.readers if self.two else ("first of a pair", "second of a pair")
        fields["table"] = _table(first, second, NAMES, pooled)
        fields["table_with_missing"] = _table(first, second, EXTENDED, extended_table(self.units))
        fields["marginal_homogeneity"] = homogeneity(self.units, self.units.grade, K)
        return fields

    def _two_reader_fields(self, totals: Totals) -> dict[str, Statistic]:
        names = ("mean_signed_difference", "kappa_max", "kappa_linear_max")
        if not self.two:
            return dict.fromkeys(names, missing(ONLY_TWO))
        tables = self.asked.tables(totals)[:, 0]
        values = (
            pair.signed_difference(tables),
            pair.maximum_kappa(tables, w.identity(K)),
            pair.maximum_kappa(tables, w.linear(K)),
        )
        why = NO_PAIR if self.n.paired == 0 else "only one category was used by each reader"
        return {
            name: summarise(value, undefined=why, patients=self.n.patients)
            for name, value in zip(names, values, strict=True)
        }

    def _by_grade(self, moments: Moments, totals: Totals) -> tuple[CategoryAgreement, ...]:
        unused = [NO_PAIR if self.n.paired == 0 else f"no reader gave grade {g}" for g in GRADES]
        patients = [self.n.patients] * K
        specific = summarise_all(specific_agreement(moments)[:, 0], undefined=unused, patients=patients)
        if self.two:
            tables = self.asked.tables(totals)[:, 0]
            why = [NO_PAIR] * K
            prevalence = summarise_all(pair.prevalence_index(tables), undefined=why, patients=patients)
            bias = summarise_all(pair.bias_index(tables), undefined=why, patients=patients)
        else:
            prevalence = bias = [missing(ONLY_TWO)] * K
        given = counts(self.units.grade, K)[(self.units.grade >= 0).sum(1) >= 2].sum(0)
        return tuple(
            CategoryAgreement(
                category=NAMES[g],
                readings=int(given[g]),
                specific_agreement=specific[g],
                prevalence_index=prevalence[g],
                bias_index=bias[g],
            )
            for g in range(K)
        )


def _ask_pooled(plan: Plan, units: Units) -> Slot:
    """The 5 x 5 table, over all pairs of readers."""
    disc, cell = _pairs_of(units.grade, K)
    amount = None if units.weight is None else units.weight[disc]
    return plan.add(cell, units.patient[disc], K * K, amount)


def _pairs_of(codes: Codes, categories: int) -> tuple[Any, Any]:
    parts = [cells_of_pair(codes[:, p], categories) for p in _columns(codes.shape[1])]
    if not parts:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _columns(readers: int) -> list[list[int]]:
    return [list(p) for p in combinations(range(readers), 2)]


def extended_table(units: Units) -> Array:
    """7 x 7 counts of pairs of readings: the grades, not gradable, and missing in a study that was read."""
    codes = np.where(units.grade >= 0, units.grade, np.where(units.gradable == 0, K, K + 1)).astype(np.int8)
    codes = np.where(units.read, codes, -1).astype(np.int8)
    _, cell = _pairs_of(codes, K + 2)
    table = np.bincount(cell, minlength=(K + 2) ** 2).reshape(K + 2, K + 2).astype(np.float64)
    table[-1, -1] = 0  # a disc that a third reader boxed
    return table


def _table(first: str, second: str, names: tuple[str, ...], values: Array) -> Table:
    rows = tuple(tuple(float(v) for v in row) for row in values)
    return Table(first=first, second=second, categories=names, counts=rows)


def table_of(first: str, second: str, names: tuple[str, ...], values: Array) -> Table:
    """A reported table of (K, K) counts."""
    return _table(first, second, names, values)


def homogeneity(units: Units, codes: Codes, categories: int) -> Homogeneity:
    """Stuart-Maxwell or McNemar of two readers, disc-wise and clustered by patient."""
    if codes.shape[1] != 2:
        nothing = Test(statistic=None, df=None, p=None, reason=ONLY_TWO)
        return Homogeneity(disc_wise=nothing, clustered=nothing)
    disc, cell = cells_of_pair(codes, categories)
    patients, member = np.unique(units.patient[disc], return_inverse=True)
    sums = np.bincount(member * categories**2 + cell, minlength=len(patients) * categories**2)
    tables = sums.astype(np.float64).reshape(-1, categories, categories)
    if not len(disc):
        nothing = Test(statistic=None, df=None, p=None, reason=NO_PAIR)
        return Homogeneity(disc_wise=nothing, clustered=nothing)
    exact = pair.mcnemar_exact(tables.sum(0)) if categories == 2 else None
    disc_wise, clustered = (pair.marginal_homogeneity(tables, clustered=c) for c in (False, True))
    return Homogeneity(disc_wise=Test(**vars(disc_wise), p_exact=exact), clustered=Test(**vars(clustered)))


def standard_errors(units: Units, codes: Codes, categories: int) -> dict[str, list[float | None]]:
    """Large-sample standard errors that take discs for independent, where one is in common use."""
    if units.weight is not None:
        return {}
    weights = {"": w.identity(categories)}
    if categories > 2:
        weights |= {"_linear": w.linear(categories), "_quadratic": w.quadratic(categories)}
    two = codes.shape[1] == 2
    used = codes[(codes >= 0).all(1)] if two else codes
    rating, each = _distinct_counts(used, categories)
    out: dict[str, list[float | None]] = {}
    for suffix, weight in weights.items():
        name = f"ac2{suffix}" if suffix else "ac1"
        out[name] = [finite(pair.gwet_standard_error(rating, each, weight))]
    if two:
        _, cell = cells_of_pair(codes, categories)
        table = np.bincount(cell, minlength=categories**2).reshape(categories, -1).astype(np.float64)
        for suffix, weight in weights.items():
            out[f"kappa{suffix}"] = [finite(pair.kappa_standard_error(table, weight))]
        out["percent_agreement"] = [_binomial(table, w.identity(categories))]
        out["within_one"] = [_binomial(table, w.within(categories))]
    return out


def _distinct_counts(codes: Codes, categories: int) -> tuple[Array, Array]:
    """The different rows of `moments.counts`, and how many discs have each."""
    rating = counts(codes, categories)
    base = codes.shape[1] + 1
    key = rating @ (float(base) ** np.arange(categories))
    _, first, number = np.unique(key, return_index=True, return_counts=True)
    return rating[first], number.astype(np.float64)


def _binomial(table: Array, weights: Array) -> float | None:
    n = float(table.sum())
    if n == 0:
        return None
    share = float((table * weights).sum()) / n
    return float(np.sqrt(share * (1 - share) / n))

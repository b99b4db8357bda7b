"""Readers two by two: each pair's table, and the pairs pooled."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from domain.agreement import weights as w
from domain.agreement.bootstrap import Plan, Slot, Totals
from domain.agreement.coefficients import kappa, ratio
from domain.agreement.drawn_readers import FEWEST
from domain.agreement.estimates import NO_PAIR, Statistic, missing, summarise
from domain.agreement.grades import GradeQuestion, K
from domain.agreement.moments import cells_of_pair, from_tables
from domain.agreement.schema import PairAgreement, Pooled, PooledPairs
from domain.agreement.units import Units
from domain.agreement.weights import Array

# Ten readers; beyond this a page of pairs is not read, and the pooled figures say it better.
MOST_PAIRS = 45
FEW_READERS = "needs four readers or more: resampling fewer tells little of readers like them"


class PairsQuestion:
    """Every pair of readers who graded a disc in common."""

    def __init__(self, plan: Plan, units: Units, headline: GradeQuestion) -> None:
        self.units = units
        graded = units.grade >= 0
        every = combinations(range(len(units.readers)), 2)
        self.pairs = [(a, b) for a, b in every if (graded[:, a] & graded[:, b]).any()]
        self._slot: Slot | None = None
        if headline.two:
            # The headline is this pair.
            self._questions = [headline] if self.pairs else []
            self._slot = headline.pooled if self.pairs else None
        elif self.pairs:
            self._questions = [GradeQuestion(plan, units.columns(*p)) for p in self.pairs[:MOST_PAIRS]]
            self._slot = _ask_tables(plan, units, self.pairs)
        else:
            self._questions = []
        self.patients = len(np.unique(units.patient[(units.grade >= 0).sum(1) >= 2]))

    @property
    def names(self) -> list[str]:
        """Names of the pairs."""
        return [f"{self.units.readers[a]} and {self.units.readers[b]}" for a, b in self.pairs]

    def answer(self, totals: Totals) -> tuple[PairAgreement, ...]:
        """The pairs' agreement, the first `MOST_PAIRS`."""
        return tuple(
            PairAgreement(readers=(q.units.readers[0], q.units.readers[1]), **q.answer(totals))
            for q in self._questions
        )

    def tables(self, totals: Totals) -> Array:
        """(1 + B, pairs, K, K)."""
        if self._slot is None:
            return np.zeros((len(totals.values), 0, K, K))
        return totals[self._slot].reshape(-1, len(self.pairs), K, K)

    def linear_kappas(self, totals: Totals) -> Array:
        """(1 + B, pairs)."""
        return kappa(from_tables(self.tables(totals)), w.linear(K))

    def pooled(self, totals: Totals) -> PooledPairs | None:
        """The pairs pooled, for these readers and for readers like them; None for two readers."""
        readers = len(self.units.readers)
        if readers < 3:
            return None
        tables = self.tables(totals)
        fixed = pooled_statistics(tables, np.ones((1, len(self.pairs))), self.patients)
        if readers < FEWEST or not self.pairs:
            return PooledPairs(readers_fixed=fixed, readers_resampled=_nothing(FEW_READERS))
        drawn = totals.readers(readers)
        first, second = np.array(self.pairs).T
        multiplicity = drawn[:, first] * drawn[:, second]
        return PooledPairs(
            readers_fixed=fixed, readers_resampled=pooled_statistics(tables, multiplicity, self.patients)
        )


def _ask_tables(plan: Plan, units: Units, pairs: list[tuple[int, int]]) -> Slot:
    parts = [cells_of_pair(units.grade[:, list(p)], K) for p in pairs]
    disc = np.concatenate([d for d, _ in parts])
    cell = np.concatenate([c + i * K * K for i, (_, c) in enumerate(parts)])
    amount = None if units.weight is None else units.weight[disc]
    return plan.add(cell, units.patient[disc], len(pairs) * K * K, amount)


def pooled_kappa(tables: Array, multiplicity: Array, weights: Array) -> Array:
    """(1 + B,): 1 - sum of observed disagreement / sum of chance disagreement over pairs.

    Args:
        tables: (1 + B, pairs, K, K).
        multiplicity: (1 + B, pairs) or (1, pairs), how often each pair counts.
        weights: (K, K) agreement weights.
    """
    n = tables.sum((-1, -2))
    seen = n - (tables * weights).sum((-1, -2))
    agreed = np.einsum("bpi,ij,bpj->bp", tables.sum(-1), weights, tables.sum(-2))
    expected = n - np.where(n > 0, agreed / np.maximum(n, 1e-12), 0.0)
    return 1.0 - ratio((multiplicity * seen).sum(1), (multiplicity * expected).sum(1))


def _pooled_agreement(tables: Array, multiplicity: Array, weights: Array) -> Array:
    agreed = (tables * weights).sum((-1, -2))
    return ratio((multiplicity * agreed).sum(1), (multiplicity * tables.sum((-1, -2))).sum(1))


def pooled_statistics(tables: Array, multiplicity: Array, patients: int) -> Pooled:
    """The pooled statistics of pairs of readers."""
    if tables.shape[1] == 0 or tables[0].sum() == 0:
        return _nothing(NO_PAIR)
    same, near = w.identity(K), w.within(K)
    return Pooled(
        percent_agreement=_summary(_pooled_agreement(tables, multiplicity, same), patients),
        within_one=_summary(_pooled_agreement(tables, multiplicity, near), patients),
        kappa=_summary(pooled_kappa(tables, multiplicity, same), patients),
        kappa_linear=_summary(pooled_kappa(tables, multiplicity, w.linear(K)), patients),
        kappa_quadratic=_summary(pooled_kappa(tables, multiplicity, w.quadratic(K)), patients),
    )


def _summary(values: Array, patients: int) -> Statistic:
    return summarise(values, undefined="every pair used one category only", patients=patients)


def _nothing(reason: str) -> Pooled:
    return Pooled(**dict.fromkeys(Pooled.model_fields, missing(reason)))

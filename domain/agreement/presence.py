"""Agreement on a yes or no per disc: herniation, high-intensity zone, gradability."""

from __future__ import annotations

import numpy as np

from domain.agreement import pair
from domain.agreement import weights as w
from domain.agreement.asked import ask, presence_definitions, statistics
from domain.agreement.bootstrap import Plan, Totals
from domain.agreement.estimates import NO_PAIR, Statistic, missing, summarise
from domain.agreement.grades import ONLY_TWO, homogeneity, standard_errors, table_of
from domain.agreement.moments import Codes
from domain.agreement.schema import PresenceAgreement
from domain.agreement.units import Units


class PresenceQuestion:
    """One finding on one selection of discs; codes (U, R) are 1 present, 0 absent, -1 not assessed."""

    def __init__(self, plan: Plan, units: Units, codes: Codes) -> None:
        self.units, self.codes = units, codes
        self.asked = ask(plan, units, codes, 2)
        self.two = codes.shape[1] == 2

    def answer(self, totals: Totals) -> PresenceAgreement:
        """The reported statistics."""
        moments = self.asked.moments(totals)
        analytic = standard_errors(self.units, self.codes, 2)
        own, _ = statistics(presence_definitions(), moments, self.asked.n, analytic)
        first, second = self.units.readers if self.two else ("a reader", "another reader")
        counts = self.asked.tables(totals)[0, 0] if self.two else moments.pairs[0, 0]
        return PresenceAgreement(
            n=self.asked.n[0],
            **own[0],
            **self._two_reader_fields(totals),
            table=table_of(first, second, ("absent", "present"), np.asarray(counts)),
            mcnemar=homogeneity(self.units, self.codes, 2),
        )

    def _two_reader_fields(self, totals: Totals) -> dict[str, Statistic]:
        names = ("prevalence_index", "bias_index", "kappa_max")
        if not self.two:
            return dict.fromkeys(names, missing(ONLY_TWO))
        tables = self.asked.tables(totals)[:, 0]
        values = (
            pair.prevalence_index(tables)[:, 1],
            pair.bias_index(tables)[:, 1],
            pair.maximum_kappa(tables, w.identity(2)),
        )
        n = self.asked.n[0]
        why = NO_PAIR if n.paired == 0 else "only one answer was used by each reader"
        return {
            name: summarise(value, undefined=why, patients=n.patients)
            for name, value in zip(names, values, strict=True)
        }

"""Within-reader agreement, from hidden repeats."""

from __future__ import annotations

import numpy as np

from domain.agreement import pair
from domain.agreement.asked import Asked, ask, grade_definitions, statistics
from domain.agreement.bootstrap import Plan, Totals
from domain.agreement.estimates import NO_PAIR, summarise
from domain.agreement.grades import K
from domain.agreement.pairs import pooled_statistics
from domain.agreement.readings import Readings
from domain.agreement.schema import Repeats, WithinReader
from domain.agreement.units import Mask, Units, first_occasion, lay_out


class RepeatsQuestion:
    """Each reader's first reading of a disc against the same reader's first repeat, in the same arm."""

    def __init__(self, plan: Plan, readings: Readings, rows: Mask) -> None:
        first = first_occasion(readings, rows)
        second = first_occasion(readings, rows & ~first)
        self.names: list[str] = []
        self._asked: Asked | None = None
        if not second.any():
            return
        occasion = second.astype(np.int64)
        units = lay_out(
            readings,
            first | second,
            columns=occasion,
            names=("first reading", "repeat"),
            position=readings.key(readings.position, readings.reader.codes),
        )
        units = units.subset(np.asarray((units.grade >= 0).all(1)))
        reader = readings.reader.codes[units.row]
        used, group = np.unique(reader, return_inverse=True)
        self.names = [readings.reader.labels[u] for u in used]
        self._units: Units = units
        self._asked = ask(plan, units, units.grade, K, group.astype(np.int64), len(used))

    def answer(self, totals: Totals) -> Repeats:
        """Each reader's, and all readers pooled (1 - sum of observed / sum of chance disagreement)."""
        if self._asked is None or not self.names:
            return Repeats(readers=(), pooled=None, reason="no reader read a disc twice (column `occasion`)")
        asked = self._asked
        own, _ = statistics(grade_definitions(), asked.moments(totals), asked.n)
        tables = asked.tables(totals)
        readers = []
        for s, name in enumerate(self.names):
            difference = summarise(
                pair.signed_difference(tables[:, s]), undefined=NO_PAIR, patients=asked.n[s].patients
            )
            agreement = {"n": asked.n[s], **own[s]}
            readers.append(WithinReader(reader=name, agreement=agreement, mean_signed_difference=difference))  # type: ignore[arg-type]
        patients = len(np.unique(self._units.patient))
        pooled = pooled_statistics(tables, np.ones((1, len(self.names))), patients)
        return Repeats(readers=tuple(readers), pooled=pooled)

"""Model against readers and consensus, the human ceiling, and each reader against the others."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from domain.agreement import pair
from domain.agreement import weights as w
from domain.agreement.asked import ask, grade_definitions, statistics
from domain.agreement.bootstrap import Plan, Slot, Totals
from domain.agreement.coefficients import kappa
from domain.agreement.drawn_readers import FEWEST
from domain.agreement.estimates import NO_PAIR, missing, summarise
from domain.agreement.grades import K
from domain.agreement.moments import Codes, cells_of_pair, counts, from_tables
from domain.agreement.pairs import pooled_kappa
from domain.agreement.readings import Ints
from domain.agreement.schema import Agreement, Ceiling, ReaderProfile, Reference
from domain.agreement.units import Units
from domain.agreement.weights import Array

NOT_INDEPENDENT = (
    "not independent: the readers made the consensus; never to be set beside the model against the consensus"
)


def on_discs(units: Units, other: Units, column: int) -> Codes:
    """(U,) grades of `other`'s column on the discs of `units`; -1 where it has none."""
    if not len(other.disc):
        return np.full(len(units.disc), -1, np.int8)
    order = np.argsort(other.disc, kind="stable")
    at = np.minimum(np.searchsorted(other.disc[order], units.disc), len(order) - 1)
    found = other.disc[order][at] == units.disc
    return np.where(found, other.grade[order[at], column], -1).astype(np.int8)


class ReferenceQuestion:
    """Two columns of grades on the same discs."""

    def __init__(
        self, plan: Plan, units: Units, codes: Codes, names: tuple[str, str], *, independent: bool, note: str
    ) -> None:
        self.names, self.independent, self.note = names, independent, note
        self.asked = ask(plan, units, codes, K)

    def answer(self, totals: Totals) -> Reference:
        """The reported agreement."""
        own, _ = statistics(grade_definitions(), self.asked.moments(totals), self.asked.n)
        difference = pair.signed_difference(self.asked.tables(totals)[:, 0])
        n = self.asked.n[0]
        return Reference(
            first=self.names[0],
            second=self.names[1],
            agreement=Agreement(n=n, **own[0]),
            mean_signed_difference=summarise(difference, undefined=NO_PAIR, patients=n.patients),
            independent=self.independent,
            note=self.note,
        )


def against_columns(
    plan: Plan, units: Units, other: Units, *, independent: bool, note: str
) -> list[ReferenceQuestion]:
    """Each of `other`'s readers (model or consensus) against each reader of `units`."""
    questions = []
    for column, name in enumerate(other.readers):
        grades = on_discs(units, other, column)
        for r, reader in enumerate(units.readers):
            codes = np.stack([grades, units.grade[:, r]], 1)
            questions.append(
                ReferenceQuestion(plan, units, codes, (name, reader), independent=independent, note=note)
            )
    return questions


class CeilingQuestion:
    """Mean model-reader minus reader-reader linear kappa on the discs that all three graded."""

    def __init__(self, plan: Plan, units: Units, other: Units, column: int) -> None:
        self.model = other.readers[column]
        model = on_discs(units, other, column)
        cells, patients = [], []
        self.readers = len(units.readers)
        self.resampled = plan.resample_readers and self.readers >= FEWEST
        self.members: list[tuple[int, int]] = []
        graded = model >= 0
        for a, b in combinations(range(len(units.readers)), 2):
            both = np.flatnonzero(graded & (units.grade[:, a] >= 0) & (units.grade[:, b] >= 0))
            if not len(both):
                continue
            trio = (model[both], units.grade[both, a], units.grade[both, b])
            for i, (x, y) in enumerate(combinations(trio, 2)):
                cells.append((3 * len(self.members) + i) * K * K + x.astype(np.int64) * K + y)
                patients.append(units.patient[both])
            self.members.append((a, b))
        pairs = self.pairs = len(self.members)
        several = graded & ((units.grade >= 0).sum(1) >= 2)
        self.discs = int(several.sum())
        self.patients = len(np.unique(units.patient[several]))
        self._slot: Slot | None = None
        if pairs:
            self._slot = plan.add(np.concatenate(cells), np.concatenate(patients), 3 * pairs * K * K)

    def answer(self, totals: Totals) -> Ceiling:
        """Both means and their difference, on the same resamples."""
        if self._slot is None:
            nothing = missing("no disc was graded by the model and two readers")
            return Ceiling(
                model=self.model, discs=0, model_reader=nothing, reader_reader=nothing, difference=nothing
            )
        tables = totals[self._slot].reshape(-1, self.pairs, 3, K, K)
        with_model = tables[:, :, :2].reshape(len(tables), -1, K, K)
        linear = w.linear(K)
        often: Array = np.ones((1, self.pairs))
        if self.resampled:
            drawn = totals.readers(self.readers)
            first, second = np.array(self.members).T
            often = drawn[:, first] * drawn[:, second]
        model = pooled_kappa(with_model, np.repeat(often, 2, 1), linear)
        human = pooled_kappa(tables[:, :, 2], often, linear)
        why = "only one category was used"
        model_reader, reader_reader, difference = (
            summarise(v, undefined=why, patients=self.patients) for v in (model, human, model - human)
        )
        return Ceiling(
            model=self.model,
            discs=self.discs,
            model_reader=model_reader,
            reader_reader=reader_reader,
            difference=difference,
        )


class ProfilesQuestion:
    """Each reader against the other readers of the same discs, the others weighing alike."""

    def __init__(self, plan: Plan, units: Units) -> None:
        self.units = units
        self._slots = []
        for reader in range(len(units.readers)):
            signed = _against_others(units, reader, fewest=1)
            alone = _against_others(units, reader, fewest=2)
            self._slots.append(
                tuple(
                    (plan.add(cell, units.patient[disc], K * K, amount), len(np.unique(units.patient[disc])))
                    for disc, cell, amount in (signed, alone)
                )
            )

    def answer(self, totals: Totals) -> tuple[ReaderProfile, ...]:
        """One profile a reader."""
        given = [counts(self.units.grade[:, [r]], K).sum(0) for r in range(len(self.units.readers))]
        out = []
        for r, name in enumerate(self.units.readers):
            g = given[r]
            (signed, patients), (alone, alone_patients) = self._slots[r]
            difference = pair.signed_difference(totals[signed].reshape(-1, K, K))
            others = kappa(from_tables(totals[alone].reshape(-1, K, K)), w.linear(K))
            out.append(
                ReaderProfile(
                    reader=name,
                    readings=int(g.sum()),
                    grades=(int(g[0]), int(g[1]), int(g[2]), int(g[3]), int(g[4])),
                    not_gradable=int((self.units.gradable[:, r] == 0).sum()),
                    signed_difference=summarise(difference, undefined=NO_PAIR, patients=patients),
                    leave_one_out=summarise(
                        others,
                        undefined="no disc was graded by this reader and two others, or one grade was used",
                        patients=alone_patients,
                    ),
                )
            )
        return tuple(out)


def _against_others(units: Units, reader: int, fewest: int) -> tuple[Ints, Ints, Array]:
    """Discs, cells (others in rows) and weights 1 / others, where `fewest` others graded the disc."""
    others = [r for r in range(len(units.readers)) if r != reader]
    number = (units.grade[:, others] >= 0).sum(1)
    parts = [cells_of_pair(units.grade[:, [other, reader]], K) for other in others]
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    disc = np.concatenate([d for d, _ in parts])
    cell = np.concatenate([c for _, c in parts])
    keep = number[disc] >= fewest
    return disc[keep], cell[keep], 1.0 / number[disc[keep]]

"""The whole agreement report of one table of readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.agreement.arms import ArmsQuestion
from domain.agreement.asked import Asked, ask, grade_definitions, statistics
from domain.agreement.bootstrap import Plan, Totals
from domain.agreement.comparisons import pairwise
from domain.agreement.drawn_readers import FEWEST
from domain.agreement.estimates import CONFIDENCE
from domain.agreement.grades import GradeQuestion, K, extended_table
from domain.agreement.methods import paragraph
from domain.agreement.pairs import FEW_READERS, PairsQuestion
from domain.agreement.presence import PresenceQuestion
from domain.agreement.readings import ROLES, Readings
from domain.agreement.reference import (
    NOT_INDEPENDENT,
    CeilingQuestion,
    ProfilesQuestion,
    ReferenceQuestion,
    against_columns,
    on_discs,
)
from domain.agreement.repeats import RepeatsQuestion
from domain.agreement.schema import (
    Agreement,
    AgreementReport,
    ArmEffect,
    Breakdown,
    Comparison,
    Settings,
    Source,
)
from domain.agreement.strata import BreakdownQuestion, drift
from domain.agreement.units import (
    Mask,
    Units,
    by_reader_role,
    first_occasion,
    first_signed,
    lay_out,
    roles,
)
from domain.agreement.weights import Array
from domain.taxonomy import Arm

RESAMPLES = 2000
SEED = 1
EVERY_ARM = "all"
ON_HEADLINE = ("level", "index", "site", "scanner", "month")


@dataclass(frozen=True)
class Selection:
    """Rows of the table that the sections use."""

    signed: Mask
    """First revisions of readers."""
    primary: Mask
    """Of these the first occasion, in every arm."""
    headline: Mask
    """Of these the headline's arm and share."""
    arm: str | None
    share: str


def select(readings: Readings, arm: str) -> Selection:
    """Choose rows; `arm` is the headline's, or `all`."""
    signed = first_signed(readings) & by_reader_role(readings, "reader")
    primary = first_occasion(readings, signed)
    headline, named = primary, None
    if readings.arm.filled and arm != EVERY_ARM:
        named = arm
        labels = readings.arm.labels
        headline = headline & (readings.arm.codes == (labels.index(arm) if arm in labels else -2))
    share = "all discs of the table were used"
    if (readings.random_share >= 0).any():
        headline = headline & (readings.random_share == 1)
        share = "only studies from the random share of the worklist were used"
    elif np.isfinite(readings.inclusion).any():
        share = "discs were weighted by the inverse of their recorded inclusion probability"
    return Selection(signed, primary, headline, named, share)


def report(
    readings: Readings,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    arm: str = Arm.UNAIDED.value,
    resample_readers: bool = False,
) -> AgreementReport:
    """Everything `discloop agreement` and the agreement pages show.

    Args:
        readings: One row a disc of a reading.
        resamples: Bootstrap resamples of patients.
        seed: Of the resampling; the same table and seed give the same report.
        arm: The arm of the headline where the table names arms; `all` for every arm.
        resample_readers: Draw readers as well as patients, for readers like these, wherever four or more are
            compared together; two readers compared with each other, or one with others, stay who they are.

    Raises:
        DiscLoopError: If readers are to be resampled and hardly two discs were read by the same readers.
    """
    chosen = select(readings, arm)
    plan = Plan(len(readings.patient.labels), resample_readers=resample_readers)
    units = lay_out(readings, chosen.headline)
    sections = _Sections(plan, readings, chosen, units)
    totals = plan.totals(resamples=resamples, seed=seed)
    settings = Settings(
        resamples=resamples,
        seed=seed,
        confidence=CONFIDENCE,
        readers_resampled=resample_readers and len(units.readers) >= FEWEST,
        arm=chosen.arm,
        matched_by="index" if readings.has_index else "level",
        share=chosen.share,
    )
    return sections.answer(totals, settings, _source(readings, chosen))


def arm_effects(readings: Readings, *, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[ArmEffect, ...]:
    """What each arm does to the readings: the report's section alone, with the same figures."""
    plan = Plan(len(readings.patient.labels))
    question = ArmsQuestion(plan, readings, select(readings, EVERY_ARM).primary)
    return question.answer(plan.totals(resamples=resamples, seed=seed))


class _Sections:
    """All questions of a report, asked of one plan."""

    def __init__(self, plan: Plan, readings: Readings, chosen: Selection, units: Units) -> None:
        self.readings, self.chosen, self.units = readings, chosen, units
        self.asked_for_readers = plan.resample_readers
        every = lay_out(readings, chosen.primary)
        self.grade = GradeQuestion(plan, units)
        self.by_level = self._ask_by_level(plan)
        self.pairs = PairsQuestion(plan, units, self.grade)
        self.presence = {
            name: PresenceQuestion(plan, units, codes)
            for name, codes in (
                ("herniation", units.herniation),
                ("hiz", units.hiz),
                ("gradability", units.gradable),
            )
        }
        self.profiles = ProfilesQuestion(plan, units)
        self.breakdowns = [BreakdownQuestion(plan, readings, units, by) for by in ON_HEADLINE]
        self.breakdowns.append(BreakdownQuestion(plan, readings, every, "arm"))
        self.repeats = RepeatsQuestion(plan, readings, chosen.signed)
        self.arms = ArmsQuestion(plan, readings, chosen.primary)
        self._ask_references(plan)

    def _ask_by_level(self, plan: Plan) -> Asked | None:
        level = self.readings.level.codes
        if not self.readings.has_index or not (level >= 0).any():
            return None
        rows = self.chosen.headline & (level >= 0)
        units = lay_out(self.readings, rows, position=level)
        return ask(plan, units, units.grade, K)

    def _ask_references(self, plan: Plan) -> None:
        others = {}
        for role in ("model", "consensus"):
            rows = first_signed(self.readings) & by_reader_role(self.readings, role)
            others[role] = lay_out(self.readings, first_occasion(self.readings, rows), across_arms=True)
        model, consensus = others["model"], others["consensus"]
        note = "the same discs as the headline"
        self.model_readers = against_columns(plan, self.units, model, independent=True, note=note)
        self.readers_consensus = against_columns(
            plan, self.units, consensus, independent=False, note=NOT_INDEPENDENT
        )
        self.model_consensus = _model_consensus(plan, model, consensus)
        self.ceilings = [CeilingQuestion(plan, self.units, model, c) for c in range(len(model.readers))]

    def answer(self, totals: Totals, settings: Settings, source: Source) -> AgreementReport:
        """The report, once the totals are there."""
        fields = self.grade.answer(totals)
        answered = [q.answer(totals) for q in self.breakdowns]
        breakdowns = tuple(b for b, _ in answered)
        month = breakdowns[ON_HEADLINE.index("month")]
        return AgreementReport(
            **fields,
            settings=settings,
            source=source,
            by_named_level=self._by_named_level(totals),
            pairs=self.pairs.answer(totals),
            pooled_pairs=self.pairs.pooled(totals),
            **{name: q.answer(totals) for name, q in self.presence.items()},  # type: ignore[arg-type]
            readers=self.profiles.answer(totals),
            breakdowns=breakdowns,
            drift=drift(month, fields["kappa_linear"], settings.share),
            within_reader=self.repeats.answer(totals),
            arms=self.arms.answer(totals),
            model_against_readers=tuple(q.answer(totals) for q in self.model_readers),
            model_against_consensus=tuple(q.answer(totals) for q in self.model_consensus),
            readers_against_consensus=tuple(q.answer(totals) for q in self.readers_consensus),
            ceilings=tuple(q.answer(totals) for q in self.ceilings),
            comparisons=self._comparisons(totals, answered),
            methods=paragraph(settings, source, self.grade.n, len(self.units.readers)),
            notes=self._notes(settings, source),
        )

    def _by_named_level(self, totals: Totals) -> Agreement | None:
        if self.by_level is None:
            return None
        own, _ = statistics(grade_definitions(), self.by_level.moments(totals), self.by_level.n)
        return Agreement(n=self.by_level.n[0], **own[0])

    def _comparisons(
        self,
        totals: Totals,
        answered: Sequence[tuple[Breakdown, Array]],
    ) -> tuple[Comparison, ...]:
        patients = self.grade.n.patients
        out = list(pairwise("pair of readers", self.pairs.names, self.pairs.linear_kappas(totals), patients))
        for breakdown, kappas in answered:
            if breakdown.by in ("month", "index"):
                continue
            names = [s.name for s in breakdown.strata]
            base = Arm.UNAIDED.value if breakdown.by == "arm" and Arm.UNAIDED.value in names else None
            out += pairwise(breakdown.by, names, kappas, len(self.readings.patient.labels), base)
        return tuple(out)

    def _notes(self, settings: Settings, source: Source) -> tuple[str, ...]:
        notes = []
        if settings.arm is not None and not self.chosen.headline.any():
            notes.append(
                f"no reading in the arm '{settings.arm}' (and share) of the headline; choose another arm"
            )
        if source.later_revisions:
            notes.append(f"{source.later_revisions} rows of later revisions were not used")
        missing = sum(sum(row) for row in self._missing())
        if missing:
            notes.append(f"{missing:.0f} discs of a study were boxed by one reader of a pair only")
        if self.asked_for_readers and not settings.readers_resampled:
            notes.append(f"readers were not resampled: {FEW_READERS}")
        if len(self.units.readers) == 1:
            notes.append("one reader only: agreement between readers needs two")
        return tuple(notes)

    def _missing(self) -> list[list[float]]:
        table = extended_table(self.units)
        return [table[-1, :].tolist(), table[:-1, -1].tolist()]


def _model_consensus(plan: Plan, model: Units, consensus: Units) -> list[ReferenceQuestion]:
    questions = []
    for m, model_name in enumerate(model.readers):
        for c, consensus_name in enumerate(consensus.readers):
            codes = np.stack([model.grade[:, m], on_discs(model, consensus, c)], 1)
            note = "every disc that both graded"
            names = (model_name, consensus_name)
            questions.append(ReferenceQuestion(plan, model, codes, names, independent=True, note=note))
    return questions


def _source(readings: Readings, chosen: Selection) -> Source:
    named = roles(readings)
    by_role = {role: tuple(n for n, r in named.items() if r == role) for role in ROLES}
    reader = by_reader_role(readings, "reader")
    return Source(
        rows=len(readings),
        patients=len(readings.patient.labels),
        studies=len(readings.study.labels),
        readers=by_role["reader"],
        models=by_role["model"],
        consensus=by_role["consensus"],
        later_revisions=int((reader & ~chosen.signed).sum()),
        repeats=int((chosen.signed & ~chosen.primary).sum()),
    )

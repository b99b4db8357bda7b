"""The human ceiling alone: how models stand to the readers of the same unaided discs."""

from __future__ import annotations

from domain.agreement.bootstrap import Plan
from domain.agreement.readings import Readings
from domain.agreement.reference import CeilingQuestion
from domain.agreement.schema import Ceiling
from domain.agreement.units import by_reader_role, first_occasion, first_signed, lay_out


def human_ceilings(readings: Readings, *, resamples: int, seed: int) -> list[Ceiling]:
    """Of each model in the table, mean model-reader minus reader-reader linear kappa, paired by patient.

    Args:
        readings: Unaided readings (role `reader`) and what models say of the same discs (role `model`).
        resamples: Bootstrap resamples of patients.
        seed: Of the resampling.
    """
    plan = Plan(len(readings.patient.labels))
    signed = first_signed(readings)
    units, models = (
        lay_out(readings, first_occasion(readings, signed & by_reader_role(readings, role)))
        for role in ("reader", "model")
    )
    questions = [CeilingQuestion(plan, units, models, column) for column in range(len(models.readers))]
    totals = plan.totals(resamples=resamples, seed=seed)
    return [question.answer(totals) for question in questions]

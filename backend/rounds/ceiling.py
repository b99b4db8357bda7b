"""The human ceiling of a round: both models against the readers of the test patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlmodel import Session

from backend.agreement.repository import compared, marks
from backend.agreement.rows import COLUMNS, Row, as_columns, cells, rows_of
from domain.agreement import Readings
from domain.agreement.ceiling import human_ceilings
from domain.agreement.schema import Ceiling
from domain.evaluation import EvaluatedDisc, Evaluation
from domain.policy import GatePolicy
from domain.taxonomy import Arm


def ceilings_of(session: Session, found: Mapping[str, Evaluation], policy: GatePolicy) -> list[Ceiling]:
    """Of each evaluated model by its name in the round; empty if no test study has two unaided readings."""
    said = {name: _by_study(evaluation) for name, evaluation in found.items()}
    wanted = {study for discs in said.values() for study in discs}
    rows: list[Row] = []
    for _, unit in compared(session, list(marks(session))):
        if unit.study.study in wanted and unit.first.assignment.arm is Arm.UNAIDED:
            rows += _rows(
                list(rows_of(unit)), {name: discs[unit.study.study] for name, discs in said.items()}
            )
    if not rows:
        return []
    readings = Readings.from_columns(as_columns(map(cells, rows)))
    return human_ceilings(readings, resamples=policy.resamples, seed=policy.seed)


def _by_study(evaluation: Evaluation) -> dict[str, list[EvaluatedDisc]]:
    found: dict[str, list[EvaluatedDisc]] = {}
    for item in evaluation.items:
        found.setdefault(item.study, []).extend(item.discs)
    return found


def _rows(rows: list[Row], said: Mapping[str, list[EvaluatedDisc]]) -> Iterator[Row]:
    """The readers' rows of a study, and the models' on the same discs.

    An evaluation counts the consensus' discs from the lowest up; a study where that does not lead to the
    same grades (its label changed since the snapshot) is left out.
    """
    labels = sorted((row for row in rows if row["role"] == "consensus"), key=lambda row: row["index"])
    own: list[Row] = []
    for name, discs in said.items():
        for disc in discs:
            label = labels[disc.index - 1] if disc.index <= len(labels) else None
            if label is None or label["pfirrmann"] != disc.truth:
                return
            own.append(label | {"reader": name, "role": "model", "pfirrmann": disc.predicted})
    yield from _plain(row for row in rows if row["role"] == "reader" and row["occasion"] == 1)
    yield from _plain(row for row in own if row["pfirrmann"] is not None)


def _plain(rows: Iterable[Row]) -> Iterator[Row]:
    """What the ceiling needs: no share, weight or arm, test patients are all read."""
    blank = dict.fromkeys(COLUMNS)
    kept = ("patient", "study", "index", "reader", "role", "pfirrmann", "occasion")
    return (blank | {name: row[name] for name in kept} for row in rows)

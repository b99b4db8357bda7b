from __future__ import annotations

from sqlmodel import select

from backend.comparisons.tables import ComparisonRecord
from backend.jobs.runner import Runner
from domain.consensus import Consensus
from domain.disagreements import Comparison
from domain.taxonomy import Arm
from tests.backend.loop import AGREED, labels, read, read_all, sagittal_pairs
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace


def records(workplace: Workplace) -> list[ComparisonRecord]:
    return workplace.rows(select(ComparisonRecord).order_by(ComparisonRecord.unit))


def test_a_unit_is_compared_when_the_second_reader_has_signed_and_not_before(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False))
    ((unit, (ours, theirs)),) = sagittal_pairs(workplace).items()
    read(workplace, ours, *AGREED)
    workplace.work("outbox", "comparisons")
    assert records(workplace) == []
    read(workplace, theirs, *AGREED)
    workplace.work("outbox", "comparisons")
    assert [row.unit for row in records(workplace)] == [unit]


def test_what_agrees_becomes_consensus_with_its_arm(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False))
    read_all(workplace)
    workplace.work("outbox", "comparisons")
    (label,) = labels(workplace).values()
    consensus = Consensus.model_validate_json(label.body)
    assert [disc.pfirrmann for disc in consensus.discs] == list(AGREED)
    assert (label.provenance, label.adjudication, label.discs) == ("agreed", None, 5)
    assert label.arm is workplace.assignments()[0].arm in set(Arm)


def test_what_differs_becomes_no_consensus(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False), a_study(2, axial=False))
    read_all(workplace, {"study-0002-sagittal": (3, 5, 3, 2, 1)})
    workplace.work("outbox", "comparisons")
    agreeing, differing = records(workplace)
    assert (agreeing.disagreements, differing.disagreements) == (0, 1)
    found = Comparison.model_validate_json(differing.body).disagreements
    assert [(d.key, d.distance) for d in found] == [("grade:disc:2", 2)]
    assert set(labels(workplace)) == {"study-0001-sagittal"}


def test_what_is_said_last_is_compared_whether_corrected_before_or_after(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False))
    ((_unit, (ours, theirs)),) = sagittal_pairs(workplace).items()
    read(workplace, ours, *AGREED)
    read(workplace, ours, 5, 5, 5, 5, 5)
    read(workplace, theirs, *AGREED)
    workplace.work("outbox", "corrections", "comparisons")
    assert [record.disagreements for record in records(workplace)] == [5]
    read(workplace, ours, *AGREED)
    workplace.work("outbox", "corrections", "comparisons")
    assert [record.disagreements for record in records(workplace)] == [0]


def test_two_processes_compare_once(workplace: Workplace) -> None:
    workplace.ready(*(a_study(n, axial=False) for n in range(1, 23)))
    read_all(workplace)
    workplace.work("outbox")
    other = Runner(workplace.resources, workplace.runner.jobs)
    job = next(job for job in workplace.runner.jobs if job.name == "comparisons")
    assert workplace.runner.run_once(job) is not None
    assert other.run_once(job) is None
    workplace.clock.turn(seconds=60)
    assert other.run_once(job) is not None
    workplace.work("comparisons")
    assert len(records(workplace)) == len(labels(workplace)) == 22

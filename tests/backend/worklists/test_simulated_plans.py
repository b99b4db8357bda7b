"""Real plans in the database, one after the other from many seeds, each taken back again."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import pytest
from sqlmodel import Session, col, select

from backend.studies.tables import StudyRecord, Unit
from backend.worklists import service as worklists
from backend.worklists.schemas import PlanRequest
from backend.worklists.tables import Assignment
from domain.taxonomy import Arm, Role
from tests.backend.stores import a_study
from tests.backend.workplace import BY, Workplace
from tests.soaking import seed, times

PLANS = times(in_test=12, in_soak=1000)
READERS, STUDIES, PATIENTS = 6, 24, 16


def planned(session: Session) -> list[tuple[Assignment, StudyRecord]]:
    statement = (
        select(Assignment, StudyRecord)
        .join(Unit, col(Unit.id) == col(Assignment.unit))
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
    )
    return list(session.exec(statement))


@pytest.mark.soak
def test_plans_are_balanced_and_a_patients_arm_is_the_same_for_all(workplace: Workplace) -> None:
    for number in range(READERS):
        workplace.add_person(Role.READER, f"reader-{number}")
    studies = [a_study(n, axial=n % 3 > 0, patient=f"patient-{n % PATIENTS}") for n in range(STUDIES)]
    workplace.ingest(*studies)
    arms, per_reader = Counter[Arm](), Counter[tuple[str, Arm]]()
    for number in range(PLANS):
        with workplace.write() as session:
            request = PlanRequest(seed=(seed() + number) % 2**31)
            worklists.plan(session, request, by=BY, clock=workplace.clock)
            of_patient = check_one(planned(session))
            arms.update(of_patient.values())
            given = {(one.reader, study.patient) for one, study in planned(session)}
            per_reader.update((reader, of_patient[patient]) for reader, patient in given)
            session.rollback()
    assert workplace.assignments() == []
    draws = PLANS * PATIENTS
    assert sum(arms.values()) == draws
    assert all(abs(arms[arm] - draws / 3) < 5 * math.sqrt(draws * 2 / 9) for arm in Arm)
    for reader in {reader for reader, _ in per_reader}:
        held = sum(per_reader[reader, arm] for arm in Arm)
        spread = 5 * math.sqrt(held * 2 / 9)
        assert all(abs(per_reader[reader, arm] - held / 3) < spread for arm in Arm)


def check_one(given: list[tuple[Assignment, StudyRecord]]) -> dict[str, Arm]:
    """One plan: pairs, loads and arms. The arm by patient."""
    pairs, arms = defaultdict(set), defaultdict(set)
    read = Counter[tuple[str, str]]()
    for one, study in given:
        pairs[study.id].add(one.reader)
        arms[study.patient].add(one.arm)
        read[study.id, one.unit] += 1
    assert len(pairs) == STUDIES
    assert all(len(pair) == 2 for pair in pairs.values())
    # Two readings of every unit, both by the study's two: both planes go to the same two.
    assert set(read.values()) == {2}
    loads = Counter(reader for pair in pairs.values() for reader in pair)
    assert len(loads) == READERS
    assert max(loads.values()) - min(loads.values()) <= 1
    assert all(len(drawn) == 1 for drawn in arms.values())
    return {patient: drawn.pop() for patient, drawn in arms.items()}

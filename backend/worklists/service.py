"""Planning: which readers read which units, in which arm and order."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from backend.access import Actor
from backend.audit import service as audit
from backend.clock import Clock
from backend.errors import Conflict, Invalid
from backend.people import repository as people
from backend.projects.service import project_key
from backend.projects.tables import ProjectKind
from backend.studies import repository as studies
from backend.studies.tables import StudyRecord
from backend.worklists import repository
from backend.worklists.arms import DEFAULT_SHARES, draw_arm, draw_order, draw_pairs
from backend.worklists.schemas import PlanRequest, PlanSummary
from backend.worklists.tables import ArmDraw, Assignment, Plan
from domain.taxonomy import Arm, Role

KEY_BYTES = 18
"""24 URL-safe characters: nobody guesses another's task."""


def plan(session: Session, request: PlanRequest, *, by: Actor, clock: Clock) -> PlanSummary:
    """Give every chosen study to a pair of readers, both planes to the same pair.

    Raises:
        Conflict: If there are fewer than two active readers.
        Invalid: If a named study or reader cannot be planned.
    """
    readers = _readers(session, request)
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    chosen = _chosen(session, request, seed)
    if not chosen:
        return PlanSummary(plan=None, seed=None, studies=0, assignments=0, arms={})
    shares = request.shares or dict(DEFAULT_SHARES)
    made = Plan(
        id=f"w-{secrets.token_hex(4)}",
        seed=seed,
        shares=json.dumps({arm.value: share for arm, share in shares.items()}, sort_keys=True),
        planned_at=clock(),
        planned_by=by.id,
    )
    session.add(made)
    session.flush()
    arms = _draw_arms(session, made, chosen, shares)
    assignments = _assign(session, made, chosen, readers, arms, request)
    audit.record(
        session, "worklists.planned", subject=made.id, by=by, clock=clock, seed=seed, studies=len(chosen)
    )
    return PlanSummary(
        plan=made.id,
        seed=seed,
        studies=len(chosen),
        assignments=len(assignments),
        arms=dict(Counter(one.arm for one in assignments)),
    )


def _readers(session: Session, request: PlanRequest) -> list[str]:
    active = [person.id for person in people.active_with_role(session, Role.READER)]
    chosen = active if request.readers is None else sorted(set(request.readers))
    unknown = sorted(set(chosen) - set(active))
    if unknown:
        raise Invalid(f"readers: {unknown[0]} is not an active reader")
    if len(chosen) < 2:
        raise Conflict(f"blind double reading needs two active readers, there are {len(chosen)}")
    return chosen


def _chosen(session: Session, request: PlanRequest, seed: int) -> list[StudyRecord]:
    free = {study.id: study for study in repository.unplanned_studies(session)}
    if request.studies is not None:
        unknown = [study for study in request.studies if study not in free]
        if unknown:
            raise Invalid(f"studies: {unknown[0]} is not there, or was given out already")
        return [free[study] for study in dict.fromkeys(request.studies)][: request.limit]
    order = draw_order(list(free), "studies", seed=seed)
    return [free[study] for study in order[: request.limit]]


def _draw_arms(
    session: Session, made: Plan, chosen: Sequence[StudyRecord], shares: Mapping[Arm, float]
) -> dict[str, Arm]:
    drawn = {patient: draw.arm for patient, draw in repository.arms(session).items()}
    known = studies.patients(session)
    for study in chosen:
        if study.patient not in drawn:
            split = known[study.patient].split
            drawn[study.patient] = draw_arm(study.patient, split, seed=made.seed, shares=shares)
            session.add(ArmDraw(patient=study.patient, arm=drawn[study.patient], plan=made.id))
    return drawn


def _assign(
    session: Session,
    made: Plan,
    chosen: Sequence[StudyRecord],
    readers: Sequence[str],
    arms: Mapping[str, Arm],
    request: PlanRequest,
) -> list[Assignment]:
    pairs = draw_pairs([s.id for s in chosen], readers, seed=made.seed, load=repository.load(session))
    patient_of = {study.id: study.patient for study in chosen}
    units = {unit.id: unit for unit in studies.units_of(session, list(patient_of))}
    lists: dict[str, list[tuple[str, str]]] = {}
    for unit in units.values():
        for reader in pairs[unit.study]:
            key = project_key(ProjectKind.READING, reader, unit.plane)
            lists.setdefault(key, []).append((unit.id, reader))
    made_now = []
    for project, entries in sorted(lists.items()):
        reader_of = dict(entries)
        first = repository.last_position(session, project) + 1
        for position, unit_id in enumerate(draw_order(list(reader_of), project, seed=made.seed), first):
            unit = units[unit_id]
            assignment = Assignment(
                key=secrets.token_urlsafe(KEY_BYTES),
                plan=made.id,
                unit=unit.id,
                plane=unit.plane,
                reader=reader_of[unit_id],
                project=project,
                arm=arms[patient_of[unit.study]],
                position=position,
                selection=request.selection,
                inclusion=request.inclusion,
            )
            session.add(assignment)
            made_now.append(assignment)
    session.flush()
    return made_now

"""Planning: which readers read which units, in which arm and order."""

from __future__ import annotations

import json
import random
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from backend.access import Actor
from backend.audit import service as audit
from backend.calibrations import repository as calibrations
from backend.clock import Clock
from backend.errors import Conflict, Invalid
from backend.projects.service import project_key
from backend.projects.tables import ProjectKind
from backend.studies import repository as studies
from backend.studies.tables import StudyRecord
from backend.worklists import repository
from backend.worklists.arms import DEFAULT_SHARES, draw_arm, draw_order, draw_pairs
from backend.worklists.repeating import again, count_due, first_readings
from backend.worklists.schemas import PlanRequest, PlanSummary
from backend.worklists.tables import ArmDraw, Assignment, Plan
from domain.taxonomy import Arm

KEY_BYTES = 18
"""24 URL-safe characters: nobody guesses another's task."""
BATCH = 20
"""Studies appended to the lists at once, in the order chosen; inside, each reader has a random order."""


def plan(session: Session, request: PlanRequest, *, by: Actor, clock: Clock) -> PlanSummary:
    """Give every chosen study to a pair of readers, both planes to the same pair; hide repeats among them.

    Lists only grow: nothing that is on one is moved or taken away.

    Raises:
        Conflict: If there are fewer than two active readers who may be given units.
        Invalid: If a named study or reader cannot be planned.
    """
    readers = _readers(session, request)
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    chosen = _chosen(session, request, seed)
    if not chosen and not (request.studies is None and count_due(session, now=clock())):
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
    qualified = calibrations.qualified(session)
    chosen = qualified if request.readers is None else sorted(set(request.readers))
    unknown = sorted(set(chosen) - set(qualified))
    passed = "" if calibrations.newest(session) is None else " who has passed the calibration"
    if unknown:
        raise Invalid(f"readers: {unknown[0]} is not an active reader{passed}")
    if len(chosen) < 2:
        needed = passed.replace("has", "have")
        raise Conflict(f"blind double reading needs two active readers{needed}, there are {len(chosen)}")
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


@dataclass(frozen=True)
class _Entry:
    """One unit on one reader's list, before it has a place there."""

    batch: int
    unit: str
    fields: Mapping[str, Any]


def _assign(
    session: Session,
    made: Plan,
    chosen: Sequence[StudyRecord],
    readers: Sequence[str],
    arms: Mapping[str, Arm],
    request: PlanRequest,
) -> list[Assignment]:
    pairs = draw_pairs([s.id for s in chosen], readers, seed=made.seed, load=repository.load(session))
    lists = _new_entries(session, chosen, pairs, arms, request)
    given = Counter(reader for pair in pairs.values() for reader in pair)
    for reader in readers:
        _mix_in_repeats(session, made, reader, lists, most=given[reader] if chosen else None)
    made_now = []
    for project, entries in sorted(lists.items()):
        position = repository.last_position(session, project)
        for entry in _in_order(entries, project, made.seed):
            position += 1
            key = secrets.token_urlsafe(KEY_BYTES)
            made_now.append(Assignment(key=key, plan=made.id, position=position, **entry.fields))
    session.add_all(made_now)
    session.flush()
    return made_now


def _new_entries(
    session: Session,
    chosen: Sequence[StudyRecord],
    pairs: Mapping[str, tuple[str, str]],
    arms: Mapping[str, Arm],
    request: PlanRequest,
) -> dict[str, list[_Entry]]:
    lists: dict[str, list[_Entry]] = {}
    place = {study.id: number for number, study in enumerate(chosen)}
    patient_of = {study.id: study.patient for study in chosen}
    for unit in studies.units_of(session, list(place)):
        for reader in pairs[unit.study]:
            project = project_key(ProjectKind.READING, reader, unit.plane)
            fields = {
                "unit": unit.id,
                "plane": unit.plane,
                "reader": reader,
                "project": project,
                "arm": arms[patient_of[unit.study]],
                "selection": request.selection,
                "inclusion": request.inclusion,
            }
            lists.setdefault(project, []).append(_Entry(place[unit.study] // BATCH, unit.id, fields))
    return lists


def _mix_in_repeats(
    session: Session, made: Plan, reader: str, lists: dict[str, list[_Entry]], *, most: int | None
) -> None:
    """Hidden repeats among the reader's new units; in a plan without any, all that are due."""
    due = first_readings(session, reader, seed=made.seed, now=made.planned_at, most=most)
    for first in due:
        entries = lists.setdefault(first.project, [])
        batches = sorted({entry.batch for entry in entries}) or [0]
        batch = random.Random(f"{made.seed}:repeat:{first.unit}:{reader}").choice(batches)
        entries.append(_Entry(batch, first.unit, again(first) | {"occasion": 2}))


def _in_order(entries: Sequence[_Entry], project: str, seed: int) -> list[_Entry]:
    """Batch after batch, in random order inside each."""
    place = {unit: n for n, unit in enumerate(draw_order([e.unit for e in entries], project, seed=seed))}
    return sorted(entries, key=lambda entry: (entry.batch, place[entry.unit]))

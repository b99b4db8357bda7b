"""From the newest proposals of unread studies to a pool, and from the list to worklists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sqlmodel import Session

from backend.access import Actor
from backend.clock import Clock
from backend.consensus import repository as consensus
from backend.errors import Conflict
from backend.proposals import repository as proposals
from backend.ranking.doubts import Array, committee_of, disputes_of, probabilities
from backend.ranking.schemas import RankedPlanSummary, RankingOut
from backend.studies import repository as studies
from backend.studies.tables import Patient
from backend.worklists import repository as worklists
from backend.worklists import service as worklist_service
from backend.worklists.schemas import PlanRequest, PlanSummary
from backend.worklists.tables import Assignment, Selection
from domain.diversity import Places
from domain.findings import Proposal
from domain.policy import Policy
from domain.ranking import RANKED_SPLITS, Pick, Pool, Stratum, rank
from domain.taxonomy import Plane


def next_studies(session: Session, count: int, *, policy: Policy, seed: int) -> RankingOut:
    """Rank unread studies of train and val patients by the newest proposal on their sagittal unit.

    Studies without a proposal yet are left out until they have one; test and external ones are never ranked.
    """
    patients = studies.patients(session)
    unread = [s for s in worklists.unplanned_studies(session) if patients[s.patient].split in RANKED_SPLITS]
    units = {studies.unit_id(study.id, Plane.SAGITTAL): study for study in unread}
    found = proposals.newest(session, list(units))
    told = {
        units[unit].id: Proposal.model_validate_json(record.body)
        for unit, record in found.items()
        if record.body is not None
    }
    chosen = [study for study in unread if study.id in told]
    labels = consensus.every(session)
    pool = pool_of(
        [study.id for study in chosen],
        [patients[study.patient] for study in chosen],
        [told[study.id] for study in chosen],
        read=_read_before(session, {study.id for study in unread}),
        members=_members(session, {s.id: told[s.id] for s in chosen}) if policy.quotas.committee else None,
        disputes=disputes_of(labels) if policy.quotas.dispute else None,
    )
    have = dict(consensus.class_counts(labels))
    picks = rank(pool, count, have=have, quotas=policy.quotas, random_share=policy.random_share, seed=seed)
    return RankingOut(
        eligible=len(chosen),
        waiting=len(unread) - len(chosen),
        have=have,
        wanted=dict(policy.quotas.wanted),
        picks=picks,
    )


def _read_before(session: Session, unread: set[str]) -> list[Proposal]:
    """The newest proposals on sagittal units that readers have, in the order they were asked for."""
    taught = set(session.exec(worklists.calibration_patients()))
    given = [s.id for s in studies.every_study(session) if s.id not in unread and s.patient not in taught]
    found = proposals.newest(session, [studies.unit_id(study, Plane.SAGITTAL) for study in given])
    records = sorted(found.values(), key=lambda record: record.asked_at)
    return [Proposal.model_validate_json(record.body) for record in records if record.body is not None]


def _members(session: Session, told: Mapping[str, Proposal]) -> Array | None:
    """What the models of earlier rounds say of the same discs."""
    units = {studies.unit_id(study, Plane.SAGITTAL): study for study in told}
    before = {
        units[unit]: [Proposal.model_validate_json(record.body or "") for record in records[:-1]]
        for unit, records in proposals.worked(session, list(units)).items()
    }
    return committee_of(told, before)


def pool_of(
    ids: Sequence[str],
    patients: Sequence[Patient],
    told: Sequence[Proposal],
    *,
    read: Sequence[Proposal] = (),
    members: Array | None = None,
    disputes: Array | None = None,
) -> Pool:
    """Proposals as arrays."""
    lesions = [
        [sum(one.score for one in proposal.herniations), sum(one.score for one in proposal.hiz)]
        for proposal in told
    ]
    return Pool(
        units=ids,
        splits=[patient.split for patient in patients],
        starts=np.cumsum([0, *(len(proposal.discs) for proposal in told)], dtype=np.intp),
        grades=probabilities(told),
        lesions=np.array(lesions, dtype=np.float64).reshape(-1, 2),
        levels=[disc.level for proposal in told for disc in proposal.discs],
        places=_places(told, read),
        members=members,
        disputes=disputes,
    )


def _places(told: Sequence[Proposal], read: Sequence[Proposal]) -> Places | None:
    """Embeddings, where every unread unit has one of the same model; of the read ones those that fit."""
    here = [proposal.embedding for proposal in told if proposal.embedding]
    models = {proposal.model for proposal in told}
    if not told or len(here) != len(told) or len(models) != 1 or len({len(e) for e in here}) != 1:
        return None
    width = len(here[0])
    before = [p.embedding for p in read if p.embedding and p.model in models and len(p.embedding) == width]
    return Places(
        units=np.array(here, dtype=np.float64), read=np.array(before, dtype=np.float64).reshape(-1, width)
    )


def plan_next(
    session: Session, count: int, *, policy: Policy, seed: int, by: Actor, clock: Clock
) -> RankedPlanSummary:
    """Give the next studies to readers, each with how and with what probability it was chosen.

    Raises:
        Conflict: If there is nothing to rank.
    """
    picks = next_studies(session, count, policy=policy, seed=seed).picks
    if not picks:
        raise Conflict("no unread train or val study has a proposal to be ranked by")
    request = PlanRequest(studies=[pick.unit for pick in _mixed(picks)])
    summary = worklist_service.plan(session, request, by=by, clock=clock)
    by_study = {pick.unit: pick for pick in picks}
    given: dict[Stratum, list[tuple[Assignment, str]]] = {}
    for assignment, study in worklists.of_plan(session, summary.plan or ""):
        # A hidden repeat among them keeps how its first reading was chosen.
        if assignment.occasion == 1:
            pick = by_study[study]
            assignment.selection, assignment.inclusion = Selection(pick.stratum.value), pick.inclusion
            given.setdefault(pick.stratum, []).append((assignment, study))
    session.flush()
    done = {stratum: _summary(summary, found) for stratum, found in given.items()}
    return RankedPlanSummary(random=done.get(Stratum.RANDOM), ranked=done.get(Stratum.RANKED))


def _mixed(picks: Sequence[Pick]) -> list[Pick]:
    """The random share spread evenly among the ranked, so that every batch holds its part of it."""
    strata = [[pick for pick in picks if pick.stratum is stratum] for stratum in Stratum]
    placed = [((n + 0.5) / len(held), pick) for held in strata for n, pick in enumerate(held)]
    return [pick for _, pick in sorted(placed, key=lambda one: one[0])]


def _summary(whole: PlanSummary, given: Sequence[tuple[Assignment, str]]) -> PlanSummary:
    return PlanSummary(
        plan=whole.plan,
        seed=whole.seed,
        studies=len({study for _, study in given}),
        assignments=len(given),
        arms=dict(Counter(assignment.arm for assignment, _ in given)),
    )

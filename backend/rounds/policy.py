"""The policy in force, and how far the next round is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlmodel import Session

from backend.agreement.rows import named
from backend.agreement.service import Figures, figures
from backend.consensus import repository as consensus
from backend.resources import Resources
from backend.rounds import repository
from backend.rounds.schemas import DueOut
from backend.settings import Settings
from domain.errors import DiscLoopError
from domain.policy import LoopState, Policy, distances, round_is_due
from domain.snapshots import DISPUTED
from domain.taxonomy import Split

SCARCE = 0.5
"""Below this share of its quota a class is rare."""
ENOUGH = 50
"""Graded discs of the random share before and since, below which agreement says nothing."""


def policy_of(settings: Settings) -> Policy:
    """The policy file's content, or the defaults.

    Raises:
        PolicyError: Naming file and field.
        DiscLoopError: If the file cannot be read.
    """
    if settings.policy is None:
        return Policy()
    try:
        text = settings.policy.read_text(encoding="utf-8")
    except OSError as error:
        raise DiscLoopError(f"DISCLOOP_POLICY: {settings.policy.name}: {error.strerror}") from None
    return Policy.read(text, name=settings.policy.name)


def due(session: Session, resources: Resources, policy: Policy) -> DueOut:
    """How far each trigger is from its threshold."""
    known = figures(session, resources.database)
    state = loop_state(session, policy, resources.clock(), known)
    return DueOut(due=round_is_due(policy.triggers, state), distances=distances(policy.triggers, state))


def loop_state(session: Session, policy: Policy, now: datetime, known: Figures) -> LoopState:
    """What is new since the last snapshot was frozen."""
    last = repository.last_frozen(session)
    frozen = None if last is None else last.approved_at
    everything = [r for r in consensus.every(session) if r.split in (Split.TRAIN, Split.VAL)]
    fresh = [record for record in everything if frozen is None or record.made_at > frozen]
    have = consensus.class_counts(everything)
    rare = {name for name, wanted in policy.quotas.wanted.items() if have.get(name, 0) < SCARCE * wanted}
    found = consensus.class_counts(fresh)
    disputed = sum(
        disc["reason"] in DISPUTED for record in fresh for disc in json.loads(record.body)["discs"]
    )
    begun = frozen or min((record.made_at for record in everything), default=now)
    return LoopState(
        consensus_discs=sum(record.discs for record in fresh),
        rare_discs=sum(count for name, count in found.items() if name in rare),
        disputed_discs=disputed,
        agreement_drop=agreement_drop(known, {record.unit for record in fresh}),
        days=(now - begun) / timedelta(days=1),
    )


def agreement_drop(known: Figures, fresh: set[str]) -> float:
    """By how much model and reader agree less on the random share's discs since the last snapshot.

    The model is the one that proposed before the reading; 0 while either side has too few discs.
    """
    same: dict[bool, list[bool]] = {True: [], False: []}
    for unit, found in known.units.items():
        for row in map(named, found.rows):
            is_drawn = row["role"] == "reader" and row["random_share"] == 1 and row["occasion"] == 1
            if is_drawn and row["pfirrmann"] is not None and row["proposal"] is not None:
                same[unit in fresh].append(row["pfirrmann"] == row["proposal"])
    if min(len(same[True]), len(same[False])) < ENOUGH:
        return 0.0
    return sum(same[False]) / len(same[False]) - sum(same[True]) / len(same[True])

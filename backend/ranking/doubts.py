"""What earlier models and past readings say about the doubt in a disc, for those terms that have a weight."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.consensus.tables import ConsensusRecord
from domain.boxes import intersection_over_union
from domain.consensus import Provenance
from domain.doubt import dispute_rates
from domain.findings import Proposal, ProposedDisc
from domain.matching import DISC_OVERLAP
from domain.taxonomy import Plane, Split

Array = NDArray[np.float64]

MEMBERS = 3
"""Of the models that proposed on a unit, the newest so many are its committee."""
UNKNOWN = (0.2,) * 5
"""A disc without probabilities counts as wholly unknown."""


def probabilities(told: Iterable[Proposal]) -> Array:
    """(D, 5) P(grade) of every disc, unit by unit."""
    rows = [disc.pfirrmann_probs or UNKNOWN for proposal in told for disc in proposal.discs]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def committee_of(told: Mapping[str, Proposal], before: Mapping[str, Sequence[Proposal]]) -> Array | None:
    """(M, D, 5) P(grade) of each of `told`'s discs by the newest models, or nothing if there was only one.

    A disc that an earlier model does not have, or a unit that it never saw, counts as no disagreement.

    Args:
        told: The newest proposal on each unit.
        before: Those of earlier models, the newest last.
    """
    most = max((len(before.get(unit, ())) for unit in told), default=0)
    if most == 0:
        return None
    members = [probabilities(told.values())]
    for back in range(1, min(most, MEMBERS - 1) + 1):
        rows = [
            _twin(disc, before.get(unit, ())[-back:][:1])
            for unit, proposal in told.items()
            for disc in proposal.discs
        ]
        members.append(np.array(rows, dtype=np.float64).reshape(-1, 5))
    return np.array(members)


def _twin(disc: ProposedDisc, earlier: Sequence[Proposal]) -> Sequence[float]:
    """What an earlier model says of the same disc; its own probabilities where it says nothing."""
    others = [other for proposal in earlier for other in proposal.discs]
    overlaps = [intersection_over_union(disc.box, other.box) for other in others]
    own = disc.pfirrmann_probs or UNKNOWN
    if not others or max(overlaps) < DISC_OVERLAP:
        return own
    return others[int(np.argmax(overlaps))].pfirrmann_probs or own


def disputes_of(labels: Iterable[ConsensusRecord]) -> Array | None:
    """(5,) how often an adjudicator had to decide on a disc of each grade; nothing before the first label."""
    grades, decided = [], []
    for record in labels:
        if record.plane is not Plane.SAGITTAL or record.split not in (Split.TRAIN, Split.VAL):
            continue
        for disc in json.loads(record.body)["discs"]:
            if disc["pfirrmann"] is not None:
                grades.append(disc["pfirrmann"])
                decided.append(disc["provenance"] == Provenance.ADJUDICATED)
    return dispute_rates(np.array(grades), np.array(decided, dtype=np.bool_)) if grades else None

"""Which split a patient belongs to: fixed at ingest, drawn by keyed hash, even within site and age band.

Within a stratum (site and age band) new patients are taken in the order of their keyed hash and walk through
the shares in steps of the golden ratio from a keyed start: a low-discrepancy sequence, so every stratum gets
its shares as nearly as its size allows, and whoever lacks the key can neither foresee nor steer a split.
A patient once placed stays placed, whatever comes later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_curation.identity import PseudonymKey
from data_curation.policy import Splits
from domain.taxonomy import Split

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Newcomer:
    """A patient to be placed."""

    patient: str
    site: str
    age_band: str | None
    external: bool
    enrichment: str | None = None
    """The quota the patient was added for; such patients train."""


@dataclass(frozen=True)
class Placed:
    """Where a patient is, and the stratum they were drawn in."""

    split: Split
    stratum: str
    enrichment: str | None = None


def place(
    newcomers: Iterable[Newcomer], placed: Mapping[str, Placed], key: PseudonymKey, rules: Splits
) -> dict[str, Placed]:
    """Place patients who are not placed yet; the order in which they are given does not matter.

    Args:
        newcomers: Patients of the store; those in `placed` are passed over.
        placed: Earlier decisions, by patient.
        key: Draws.
        rules: Shares.

    Returns:
        All decisions, the earlier ones unchanged.
    """
    result = dict(placed)
    taken = Counter(
        p.stratum for p in placed.values() if p.split is not Split.EXTERNAL and p.enrichment is None
    )
    for newcomer in sorted(newcomers, key=lambda n: key.order(n.patient)):
        if newcomer.patient in result:
            continue
        stratum = f"{newcomer.site}|{newcomer.age_band or 'unknown'}"
        if newcomer.external or newcomer.enrichment:
            split = Split.EXTERNAL if newcomer.external else Split.TRAIN
            result[newcomer.patient] = Placed(split, stratum, newcomer.enrichment)
            continue
        start = int(key.digest("stratum", stratum)[:12], 16) / 16**12
        result[newcomer.patient] = Placed(_at((start + taken[stratum] * _GOLDEN) % 1.0, rules), stratum)
        taken[stratum] += 1
    return result


def _at(position: float, rules: Splits) -> Split:
    shares = rules.ordered()
    whole = sum(share for _, share in shares)
    reached = 0.0
    for split, share in shares:
        reached += share / whole
        if position < reached:
            return split
    return shares[-1][0]

"""Rows of consensus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlmodel import Session, col, func, select

from backend.consensus.tables import ConsensusRecord
from domain.consensus import Provenance
from domain.taxonomy import Split


def page(session: Session, *, after: str = "", limit: int = 100) -> Sequence[ConsensusRecord]:
    """Labels by unit, from `after` on."""
    statement = select(ConsensusRecord).where(col(ConsensusRecord.unit) > after)
    return session.exec(statement.order_by(ConsensusRecord.unit).limit(limit)).all()


def every(session: Session) -> Sequence[ConsensusRecord]:
    """Every label, by unit."""
    return session.exec(select(ConsensusRecord).order_by(ConsensusRecord.unit)).all()


def counts(session: Session) -> dict[Provenance, int]:
    """How many units have a label, by provenance."""
    statement = select(ConsensusRecord.provenance, func.count()).group_by(col(ConsensusRecord.provenance))
    return {Provenance(provenance): count for provenance, count in session.exec(statement)}


def class_counts(records: Iterable[ConsensusRecord]) -> Counter[str]:
    """Labelled discs of train and val patients, by the names of `domain.quotas.CLASSES`."""
    found: Counter[str] = Counter()
    for record in records:
        if record.split in (Split.TRAIN, Split.VAL):
            found.update(_classes(record.body))
    return found


@lru_cache(maxsize=100_000)
def _classes(body: str) -> tuple[str, ...]:
    """The class of each of a unit's discs and lesions. Kept: pages count the same labels again and again."""
    # Written by us: reading ten thousand as JSON alone takes a tenth of the time.
    label = json.loads(body)
    grades = [f"grade {disc['pfirrmann']}" for disc in label["discs"] if disc["pfirrmann"] is not None]
    return (*grades, *["herniation"] * len(label["herniations"]), *["hiz"] * len(label["hiz"]))

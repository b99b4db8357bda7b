"""From the consensus there is to a frozen snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import BaseModel
from sqlmodel import Session

from backend.consensus import repository as consensus
from backend.consensus.tables import ConsensusRecord
from backend.studies import repository as studies
from domain.agreement import Statistic
from domain.consensus import Consensus, Provenance
from domain.manifest import Study
from domain.snapshots import Snapshot, SnapshotItem, digest, make_item, weigh
from domain.taxonomy import Plane, Quality, Split

LOCKED = (Split.TEST, Split.EXTERNAL)
"""Patients that judge models."""


class SnapshotSummary(BaseModel):
    """What a snapshot holds, in numbers."""

    units: int
    patients: dict[str, int]
    """By split."""
    discs: dict[str, int]
    """Graded discs by split."""
    classes: dict[str, int]
    """Train and val discs and lesions by class."""
    adjudicated: int
    """Units with an adjudicated label."""
    test_patients: int
    shift: dict[str, Statistic] | None = None
    """By arm: share of discs that readers graded as proposed, minus that of unaided readings, by patient as
    randomised; `None` until it is measured, right after the approval (`backend.rounds.shift`)."""


def collect(session: Session, *, seed: int) -> Snapshot:
    """The snapshot of every label there is; the same labels and seed give the same hash."""
    known = {row.id: row.manifest for row in studies.every_study(session)}
    made = [
        _item(record, Study.model_validate_json(known[record.study])) for record in consensus.every(session)
    ]
    return Snapshot.freeze(weigh([item for item in made if item is not None]), seed=seed)


def _item(record: ConsensusRecord, study: Study) -> SnapshotItem | None:
    label = Consensus.model_validate_json(record.body)
    if label.quality is Quality.UNREADABLE or not label.discs:
        return None
    series = next(one for one in study.series if one.plane is record.plane)
    return make_item(
        label,
        study=record.study,
        patient=record.patient,
        split=record.split,
        slices=[one.path for one in series.slices],
        spacing=series.spacing,
        arm=record.arm,
    )


def summarise(snapshot: Snapshot) -> SnapshotSummary:
    """The snapshot in numbers; the shift of aided readings takes longer and comes later."""
    patients: dict[str, set[str]] = {}
    discs: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for item in snapshot.items:
        patients.setdefault(item.split.value, set()).add(item.patient)
        graded = [disc.pfirrmann for disc in item.discs if disc.pfirrmann is not None]
        discs[item.split.value] += len(graded)
        if item.split in (Split.TRAIN, Split.VAL):
            classes.update(f"grade {grade}" for grade in graded)
            classes.update(herniation=len(item.herniations), hiz=len(item.hiz))
    return SnapshotSummary(
        units=len(snapshot.items),
        patients={split: len(found) for split, found in sorted(patients.items())},
        discs=dict(sorted(discs.items())),
        classes=dict(sorted(classes.items())),
        adjudicated=sum(item.provenance is Provenance.ADJUDICATED for item in snapshot.items),
        test_patients=len(snapshot.patients(*LOCKED)),
    )


def test_set(items: Iterable[SnapshotItem]) -> str:
    """SHA-256 of the patients that judge models: fresh ones make it another test set."""
    return digest(sorted({item.patient for item in items if item.split in LOCKED}))


def can_train(items: Sequence[SnapshotItem]) -> bool:
    """Whether there is a graded sagittal disc to learn from."""
    return any(
        item.split is Split.TRAIN and item.plane is Plane.SAGITTAL and any(d.pfirrmann for d in item.discs)
        for item in items
    )

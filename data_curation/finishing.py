"""What depends on all studies of a store: splits, doubles, manifest, labels, contact sheet, verification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from data_curation.identity import PseudonymKey
from data_curation.policy import Policy
from data_curation.splits import Newcomer, Placed, place
from data_curation.store import Store
from data_curation.summary import StudyNote, contact_sheet, counted
from data_curation.verification import Known, verify_store
from domain.manifest import Study

SAME_PIXELS = "same pixels as another study"


@dataclass(frozen=True)
class Finished:
    """The store as it now is."""

    notes: tuple[StudyNote, ...]
    studies: int
    slices: int
    splits: dict[str, int]
    flags: dict[str, int]
    verified: int


def finish(
    store: Store, key: PseudonymKey, policy: Policy, known: Known, enriched: Mapping[str, str]
) -> Finished:
    """Place the patients, write the manifest, the labels and the contact sheet, and verify everything.

    Args:
        store: With a record of each study.
        key: Draws.
        policy: Shares.
        known: Whether a word is an identifying value of a source.
        enriched: The quota each such patient was added for.

    Raises:
        Leak: If something identifying is found.
    """
    placed = store.read_splits()
    refused = _same_pixels(store, placed, key)
    newcomers = [
        Newcomer(
            r.curated.patient, r.site, r.curated.age_band, r.external, enriched.get(r.curated.patient)
        )
        for r in store.records()
        if r.curated is not None and r.study not in refused
    ]  # fmt: skip
    placed = place(newcomers, placed, key, policy.splits)
    store.write_splits(placed)
    notes = tuple(_notes(store, refused))
    count = store.write_manifest(_lines(store, placed, refused))
    store.gather_labels(study.study for study in store.read_manifest())
    store.write_pages(contact_sheet(store.read_manifest(), notes))
    verified = verify_store(store.root, known, "".join(contact_sheet([], [])))
    patients: dict[str, str] = {}
    flags: list[str] = []
    slices = 0
    for study in store.read_manifest():
        patients[study.patient] = study.split.value
        flags += [flag for series in study.series for flag in series.flags]
        slices += sum(len(series.slices) for series in study.series)
    return Finished(notes, count, slices, counted(patients.values()), counted(flags), verified)


def _same_pixels(store: Store, placed: Mapping[str, Placed], key: PseudonymKey) -> set[str]:
    """Studies whose pixels another study has: the one of a patient who was placed first stays."""
    holders: dict[str, tuple[bool, str, str]] = {}
    refused = set()
    for record in store.records():
        if record.curated is None:
            continue
        patient = record.curated.patient
        mine = (patient not in placed, key.order(patient), record.study)
        for digest in set(record.curated.pixels):
            other = holders.get(digest)
            if other is None or mine < other:
                holders[digest] = mine
            if other is not None:
                refused.add(max(mine, other)[2])
    return refused


def _notes(store: Store, refused: set[str]) -> Iterator[StudyNote]:
    for record in store.records():
        reason = SAME_PIXELS if record.study in refused else record.reason
        if reason is not None:
            yield StudyNote(study=record.study, reason=reason)
        for note in record.notes:
            yield StudyNote(study=record.study, series=note.series, reason=note.reason, value=note.value)


def _lines(store: Store, placed: Mapping[str, Placed], refused: set[str]) -> Iterator[Study]:
    for record in store.records():
        curated = record.curated
        if curated is not None and record.study not in refused:
            where = placed[curated.patient]
            yield Study(
                patient=curated.patient,
                study=curated.study,
                site=record.site,
                split=where.split,
                enrichment=where.enrichment,
                age_band=curated.age_band,
                sex=curated.sex,
                month=curated.month,
                numbering=curated.numbering,
                series=curated.series,
                localizer=curated.localizer,
                digest=curated.digest,
            )

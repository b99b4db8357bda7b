"""One study: from its slices' headers to PNG files and a line of the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data_curation.headers import Instance, Person, Unusable
from data_curation.identity import PseudonymKey
from data_curation.policy import Policy
from data_curation.selection import Candidate, Rejected, candidates, choose
from data_curation.stacks import LoadedStack, load_stack, write_png, write_stack
from data_curation.verification import check_text_free
from domain.manifest import Series, Slice
from domain.taxonomy import NumberingBasis, Plane


class SeriesNote(BaseModel):
    """A series that is not used, by its pseudonymous number, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    series: str
    slices: int
    reason: str
    value: float | None = None
    """The measure that was beyond its threshold, where one was."""


class CuratedStudy(BaseModel):
    """All that the manifest says of a study, but for what depends on the other studies (its split)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patient: str
    study: str
    age_band: str | None
    sex: str | None
    month: str | None
    numbering: NumberingBasis
    series: tuple[Series, ...]
    digest: str
    pixels: tuple[str, ...]
    """`pixels.sketch_of` each series: notices the same scan under two names."""
    localizer: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A study's outcome: a curated one, or the reason for none; and what was left out."""

    curated: CuratedStudy | None
    reason: str | None
    notes: tuple[SeriesNote, ...]


def age_band(age: int | None, edges: Sequence[int]) -> str | None:
    """`18-29`, …, `76+`."""
    if age is None or age < edges[0]:
        return None
    index = max(k for k, edge in enumerate(edges) if age >= edge)
    return f"{edges[index]}+" if index == len(edges) - 1 else f"{edges[index]}-{edges[index + 1] - 1}"


def curate_study(
    person: Person, instances: Sequence[Instance], folder: Path, key: PseudonymKey, policy: Policy
) -> Prepared:
    """Choose, decode and write the series of one study.

    A series that turns out to be unusable when its pixels are read is left out and the next best is taken.

    Args:
        person: Whose study it is.
        instances: All its slices.
        folder: Where its files go: `folder/<plane>/NNN.png`. The caller moves it to its place.
        key: Makes the pseudonyms.
        policy: Thresholds.
    """
    if person.age is not None and person.age < policy.eligibility.age_at_least:
        return Prepared(None, f"younger than {policy.eligibility.age_at_least}", ())
    found = candidates(instances, policy)
    failed: dict[str, Rejected] = {}
    while True:
        choice = choose([c for c in found if c.name not in failed], policy)
        notes = _notes([*choice.rejected, *failed.values()], key)
        if not choice.chosen:
            return Prepared(None, "no usable T2 series", notes)
        stacks = {}
        for plane, candidate in choice.chosen.items():
            try:
                stacks[plane] = load_stack(candidate, policy)
            except Unusable as error:
                failed[candidate.name] = Rejected(candidate, str(error), error.value)
        if len(stacks) == len(choice.chosen):
            return Prepared(_write(person, stacks, choice.whole_spine, folder, key, policy), None, notes)


def _notes(rejected: Sequence[Rejected], key: PseudonymKey) -> tuple[SeriesNote, ...]:
    return tuple(
        SeriesNote(
            series=f"se-{key.digest('series', r.candidate.slices[0].series_uid)[:12]}",
            slices=len(r.candidate.slices),
            reason=r.reason,
            value=r.value,
        )
        for r in rejected
    )


def _write(
    person: Person,
    stacks: dict[Plane, LoadedStack],
    whole_spine: Candidate | None,
    folder: Path,
    key: PseudonymKey,
    policy: Policy,
) -> CuratedStudy:
    study, patient = key.study(person.study_uid), key.patient(person.patient_id, person.issuer)
    home = f"studies/{study}"
    written: list[Series] = []
    scout: tuple[NDArray[np.uint8], Slice] | None = None
    # Sagittal first: the axial stack's scout is its midline.
    for plane in (Plane.SAGITTAL, Plane.AXIAL):
        if plane in stacks:
            stack = stacks[plane]
            written.append(write_stack(stack, folder / plane.value, f"{home}/{plane.value}", scout))
            if plane is Plane.SAGITTAL:
                middle = stack.midline.slice
                scout = stack.display(middle), written[0].slices[middle]
    localizer = _write_localizer(whole_spine, folder, home, policy)
    digests = "".join(stacks[plane].pixels.digest for plane in sorted(stacks))
    return CuratedStudy(
        patient=patient,
        study=study,
        age_band=age_band(person.age, policy.eligibility.age_bands),
        sex=person.sex or None,
        month=key.month(patient, person.study_date) if person.study_date else None,
        numbering=NumberingBasis.WHOLE_SPINE if localizer else NumberingBasis.ASSUMED,
        series=tuple(written),
        digest=hashlib.sha256(digests.encode()).hexdigest(),
        pixels=tuple(one for plane in sorted(stacks) for one in stacks[plane].pixels.sketch),
        localizer=localizer,
    )


def _write_localizer(candidate: Candidate | None, folder: Path, home: str, policy: Policy) -> str | None:
    """The midline of a whole-spine series, where there is one that can be read."""
    if candidate is None:
        return None
    try:
        stack = load_stack(candidate, policy)
    except Unusable:
        return None
    place = folder / "whole-spine"
    place.mkdir()
    check_text_free(stack.images[stack.midline.slice], "whole-spine")
    write_png(place / "000.png", stack.display(stack.midline.slice))
    return f"{home}/whole-spine/000.png"

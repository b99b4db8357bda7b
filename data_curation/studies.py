"""One study: from its slices' headers to PNG files and a line of the manifest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydantic import BaseModel, ConfigDict

from data_curation.display import SCOUT_SCALE, draw_scout, fluid_signal, to_display, window_of
from data_curation.geometry import Upright, crossing, upright
from data_curation.headers import Instance, Person, Unusable
from data_curation.headers import Sequence as Acquisition
from data_curation.identity import PseudonymKey
from data_curation.midline import Midline, find_midline
from data_curation.pixels import SeriesPixels, decode, one_scale, turn_upright
from data_curation.policy import Policy
from data_curation.selection import Candidate, Choice, candidates, choose
from domain.manifest import MidlineBand, ScoutLine, Series, Slice
from domain.taxonomy import NumberingBasis, Plane

PNG_LEVEL = 1
_MAKERS = (
    "Siemens",
    "Philips",
    "GE",
    "Toshiba",
    "Canon",
    "Hitachi",
    "Fujifilm",
    "United Imaging",
    "Esaote",
    "Neusoft",
)
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.+-]{0,23}")


class SeriesNote(BaseModel):
    """A series that is not used, by its pseudonymous number, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    series: str
    slices: int
    reason: str


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

    Args:
        person: Whose study it is.
        instances: All its slices.
        folder: Where its files go: `folder/<plane>/NNN.png`. The caller moves it to its place.
        key: Makes the pseudonyms.
        policy: Thresholds.
    """
    study = key.study(person.study_uid)
    if person.age is not None and person.age < policy.eligibility.age_at_least:
        return Prepared(None, f"younger than {policy.eligibility.age_at_least}", ())
    if any(i.burned_in for i in instances):
        return Prepared(None, "BurnedInAnnotation says yes", ())
    choice = choose(candidates(instances, policy), policy)
    notes = _notes(choice, key)
    if not choice.chosen:
        return Prepared(None, "no usable T2 series", notes)
    try:
        series, digest = _write_all(choice, folder, f"studies/{study}", policy)
    except Unusable as error:
        return Prepared(None, str(error), notes)
    patient = key.patient(person.patient_id, person.issuer)
    curated = CuratedStudy(
        patient=patient,
        study=study,
        age_band=age_band(person.age, policy.eligibility.age_bands),
        sex=person.sex or None,
        month=key.month(patient, person.study_date) if person.study_date else None,
        numbering=NumberingBasis.ASSUMED,
        series=series,
        digest=digest,
    )
    return Prepared(curated, None, notes)


def _notes(choice: Choice, key: PseudonymKey) -> tuple[SeriesNote, ...]:
    return tuple(
        SeriesNote(
            series=f"se-{key.digest('series', r.candidate.slices[0].series_uid)[:12]}",
            slices=len(r.candidate.slices),
            reason=r.reason,
        )
        for r in choice.rejected
    )


def _write_all(choice: Choice, folder: Path, home: str, policy: Policy) -> tuple[tuple[Series, ...], str]:
    """Sagittal first: the axial stack's scout is its midline."""
    digest = hashlib.sha256()
    written: list[Series] = []
    scout: tuple[NDArray[np.uint8], Slice] | None = None
    for plane in (Plane.SAGITTAL, Plane.AXIAL):
        if plane not in choice.chosen:
            continue
        stack = _Stack(choice.chosen[plane], policy)
        digest.update(stack.pixels.digest.encode())
        series = stack.write(folder / plane.value, f"{home}/{plane.value}", scout)
        written.append(series)
        if plane is Plane.SAGITTAL:
            scout = stack.display(series.midline), series.slices[series.midline]
    return tuple(written), digest.hexdigest()


class _Stack:
    """A chosen series, decoded and upright."""

    def __init__(self, candidate: Candidate, policy: Policy) -> None:
        assert candidate.plane is not None
        self._plane: Plane = candidate.plane
        self._candidate, self._policy = candidate, policy
        self.pixels: SeriesPixels = one_scale(decode(candidate.slices, policy.limits))
        self._turns: list[Upright] = [
            upright(i.placed, self._plane, policy.stack.square_within) for i in candidate.slices
        ]
        self._images = [turn_upright(p, t) for p, t in zip(self.pixels.slices, self._turns, strict=True)]
        self._midline = self._find_midline()
        self._window = self._find_window()

    def _find_midline(self) -> Midline:
        if self._plane is Plane.AXIAL:
            return Midline(len(self._images) // 2, (), None)
        return find_midline(self._images, self._turns[0].spacing, self._candidate.gap)

    def _find_window(self) -> tuple[float, float]:
        fluid = None
        if self._midline.canal is not None:
            fluid = fluid_signal(
                self._images[self._midline.slice], self._midline.canal, self._turns[0].spacing
            )
        return window_of(self._images, self._policy.display, fluid)

    def display(self, number: int) -> NDArray[np.uint8]:
        """The displayed slice."""
        return to_display(self._images[number], self._window)

    def write(self, folder: Path, home: str, scout: tuple[NDArray[np.uint8], Slice] | None) -> Series:
        """Write the slices, and what the manifest says of them."""
        folder.mkdir(parents=True)
        slices = []
        for number, (image, turn) in enumerate(zip(self._images, self._turns, strict=True)):
            write_png(folder / f"{number:03d}.png", self.display(number))
            write_png(folder / f"{number:03d}.source.png", image)
            slices.append(
                Slice(
                    path=f"{home}/{number:03d}.png",
                    source=f"{home}/{number:03d}.source.png",
                    width=turn.columns,
                    height=turn.rows,
                    position=round(self._candidate.positions[number], 3),
                    to_patient=turn.to_patient,
                )
            )
        lines: tuple[ScoutLine, ...] = ()
        if scout is not None:
            lines = _scout_lines(scout[1], slices)
            drawn = [(line.slice, line.start, line.end) for line in lines]
            draw_scout(scout[0], drawn).save(folder / "scout.png", compress_level=PNG_LEVEL)
        slope, intercept = self.pixels.slope, self.pixels.intercept
        return Series(
            plane=self._plane,
            slices=tuple(slices),
            midline=self._midline.slice,
            midline_bands=tuple(MidlineBand(top=t, bottom=b, slice=s) for t, b, s in self._midline.bands),
            spacing=self._turns[0].spacing,
            window=(self._window[0] * slope + intercept, self._window[1] * slope + intercept),
            rescale=(slope, intercept),
            scanner=scanner_values(self._candidate.slices[0].sequence, self._candidate.gap),
            scout=f"{home}/scout.png" if scout is not None else None,
            scout_lines=lines,
            flags=_stack_flags(self._candidate, self._policy),
        )


def write_png(path: Path, image: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """A grey PNG of 8 or 16 bits with nothing but pixels in it."""
    PillowImage.fromarray(image).save(path, format="PNG", compress_level=PNG_LEVEL)


def _scout_lines(scout: Slice, slices: Sequence[Slice]) -> tuple[ScoutLine, ...]:
    lines = []
    for number, other in enumerate(slices):
        ends = crossing(
            scout.to_patient, (scout.width, scout.height), other.to_patient, (other.width, other.height)
        )  # fmt: skip
        if ends is not None:
            start, end = ((x * SCOUT_SCALE, y * SCOUT_SCALE) for x, y in ends)
            lines.append(ScoutLine(slice=number, start=start, end=end))
    return tuple(lines)


def scanner_values(sequence: Acquisition, gap: float) -> dict[str, str | float]:
    """What research needs to know of the scanner: makers by name, the rest numbers."""
    maker = sequence.manufacturer.lower()
    known = next((m for m in _MAKERS if m.lower() in maker), "other")
    values: dict[str, str | float | None] = {
        "manufacturer": known,
        "model": sequence.model if _MODEL.fullmatch(sequence.model) else None,
        "field_strength": sequence.field,
        "repetition_time": sequence.repetition,
        "echo_time": sequence.echo,
        "slice_thickness": sequence.thickness,
        "slice_spacing": round(gap, 3),
    }
    return {name: value for name, value in values.items() if value is not None}


def _stack_flags(candidate: Candidate, policy: Policy) -> dict[str, float]:
    flags: dict[str, float] = {}
    gaps = np.diff(candidate.positions)
    if gaps.size and candidate.plane is Plane.SAGITTAL:
        uneven = float(np.abs(gaps / np.median(gaps) - 1).max())
        if uneven > policy.stack.uneven_beyond:
            flags["uneven_gaps"] = round(uneven, 3)
    if candidate.duplicates:
        flags["duplicate_slices"] = float(candidate.duplicates)
    return flags

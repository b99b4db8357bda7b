"""Choosing series by what they are: plane from the geometry, weighting from the timing; words break ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from data_curation.geometry import plane_of, stack_direction
from data_curation.headers import Acquisition, Instance
from data_curation.policy import Policy, Weighting
from domain.taxonomy import Plane

_DERIVED = {
    "DERIVED",
    "SECONDARY",
    "MPR",
    "PROJECTION IMAGE",
    "MIP",
    "SUB",
    "SUBTRACT",
    "SUBTRACTION",
    "MOSAIC",
}
_ELSEWHERE = (
    "brain",
    "head",
    "cspine",
    "c-spine",
    "cervical",
    "knee",
    "hip",
    "shoulder",
    "pelvis",
    "wrist",
    "ankle",
)
_FAT_SUPPRESSED = ("FATSAT", "FS", "SFS", "SPIR", "SPAIR", "FAT_SAT")


class Contrast(StrEnum):
    """Weighting of a series."""

    T2 = "T2"
    T1 = "T1"
    STIR = "STIR"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Candidate:
    """Slices of one series that belong together, in display order."""

    plane: Plane | None
    slices: tuple[Instance, ...]
    positions: tuple[float, ...]
    """Millimetres along the stack's direction."""
    duplicates: int
    name: str
    """Tells it from the study's other candidates."""

    @property
    def gap(self) -> float:
        """The usual distance of neighbouring slices, millimetres; 0 for a single slice."""
        return float(np.median(np.diff(self.positions))) if len(self.positions) > 1 else 0.0


@dataclass(frozen=True)
class Rejected:
    """A candidate that is not used, and why; `value` is the measure beyond its threshold, where one was."""

    candidate: Candidate
    reason: str
    value: float | None = None


@dataclass(frozen=True)
class Choice:
    """What of a study is used."""

    chosen: dict[Plane, Candidate]
    whole_spine: Candidate | None
    rejected: tuple[Rejected, ...]


def contrast_of(acquired: Acquisition, rules: Weighting) -> Contrast:
    """Weighting from inversion, repetition and echo time; from the description where they are missing."""
    names = acquired.names.replace("\\", " ").split()
    if "IR" in names and acquired.inversion:
        return Contrast.STIR if acquired.inversion <= rules.inversion_at_most else Contrast.OTHER
    if "GR" in names and "SE" not in names:
        return Contrast.OTHER
    echo, repetition = acquired.echo, acquired.repetition
    if echo is None or repetition is None:
        return _contrast_by_words(acquired.description)
    if echo >= rules.t2_echo_at_least and repetition >= rules.t2_repetition_at_least:
        return Contrast.T2
    if echo <= rules.t1_echo_at_most and repetition <= rules.t1_repetition_at_most:
        return Contrast.T1
    return Contrast.OTHER


def _contrast_by_words(description: str) -> Contrast:
    for word, contrast in (
        ("stir", Contrast.STIR),
        ("tirm", Contrast.STIR),
        ("t1", Contrast.T1),
        ("t2", Contrast.T2),
    ):
        if word in description:
            return contrast
    return Contrast.UNKNOWN


def candidates(instances: Iterable[Instance], policy: Policy) -> list[Candidate]:
    """Sort slices into stacks: by series, plane, size, spacing and echo."""
    groups: dict[tuple[object, ...], list[Instance]] = defaultdict(list)
    for instance in instances:
        p = instance.placed
        plane = plane_of(p.normal, policy.stack.tilt_at_most)
        key = (
            instance.series_uid, plane, p.rows, p.columns, round(p.row_spacing, 3),
            round(p.column_spacing, 3), round(instance.acquired.echo or 0),
        )  # fmt: skip
        groups[key].append(instance)
    ordered = sorted(groups.items(), key=lambda item: (item[1][0].series_number, str(item[0])))
    return [_in_order(key, group, policy) for key, group in ordered]


def _in_order(key: tuple[object, ...], group: list[Instance], policy: Policy) -> Candidate:
    known = key[1] if isinstance(key[1], Plane) else None
    direction = stack_direction([i.placed.normal for i in group], known or Plane.SAGITTAL)
    placed = sorted(
        ((float(i.placed.centre @ direction), i.number, i.sop_uid, i) for i in group),
        key=lambda item: item[:3],
    )
    kept: list[tuple[float, Instance]] = []
    for position, _, _, instance in placed:
        if kept and position - kept[-1][0] < policy.stack.duplicate_within:
            continue
        kept.append((position, instance))
    slices, positions = tuple(i for _, i in kept), tuple(p for p, _ in kept)
    return Candidate(known, slices, positions, len(group) - len(kept), str(key))


def choose(found: Iterable[Candidate], policy: Policy) -> Choice:
    """The best T2 stack of each plane; every other with the reason it is left out."""
    rejected: list[Rejected] = []
    usable: dict[Plane, list[Candidate]] = defaultdict(list)
    whole_spine: Candidate | None = None
    for candidate in found:
        reason = _why_not(candidate, policy)
        if reason is None and candidate.plane is not None:
            usable[candidate.plane].append(candidate)
            continue
        if reason == "whole spine" and whole_spine is None:
            whole_spine = candidate
        else:
            rejected.append(Rejected(candidate, reason or "neither sagittal nor axial"))
    chosen = {}
    for plane, stacks in usable.items():
        best = max(stacks, key=_preference)
        chosen[plane] = best
        rejected += [
            Rejected(other, "another series of this plane is better") for other in stacks if other is not best
        ]
    if whole_spine is not None and not chosen:
        rejected.append(Rejected(whole_spine, "whole spine, and no series of the lumbar spine beside it"))
    return Choice(chosen, whole_spine, tuple(rejected))


def _preference(candidate: Candidate) -> tuple[float, ...]:
    """More sharp pixels first, then more slices, then 2D, then the later (repeated) one."""
    first = candidate.slices[0]
    fine = -round(max(first.placed.row_spacing, first.placed.column_spacing), 1)
    enough = min(len(candidate.slices), 11)
    return (enough, fine, first.acquired.dimensions != "3D", len(candidate.slices), first.series_number)


def _why_not(candidate: Candidate, policy: Policy) -> str | None:
    first = candidate.slices[0]
    kind = set(first.acquired.image_type)
    if candidate.plane is None:
        return "neither sagittal nor axial"
    if kind & _DERIVED:
        return "derived image"
    if first.acquired.contrast_agent:
        return "after contrast agent"
    contrast = contrast_of(first.acquired, policy.weighting)
    whole = candidate.plane is Plane.SAGITTAL and first.placed.height > policy.stack.sagittal_height[1]
    if whole and not _elsewhere(first.acquired.description):
        return "whole spine"
    if "LOCALIZER" in kind:
        return "localizer"
    if any(i.burned_in for i in candidate.slices):
        return "text burnt in, says its header"
    if contrast is not Contrast.T2:
        return f"not T2: {contrast.value}"
    if any(word in first.acquired.names.replace("\\", " ").split() for word in _FAT_SUPPRESSED) or kind & {
        "WATER",
        "W",
    }:
        return "fat suppressed"
    if _elsewhere(first.acquired.description):
        return "another part of the body"
    return _stack_problem(candidate, policy)


def _stack_problem(candidate: Candidate, policy: Policy) -> str | None:
    stack, first = policy.stack, candidate.slices[0].placed
    sagittal = candidate.plane is Plane.SAGITTAL
    least = stack.sagittal_slices if sagittal else stack.axial_slices
    if len(candidate.slices) < least:
        return f"fewer than {least} slices"
    if max(first.row_spacing, first.column_spacing) > stack.spacing_at_most:
        return "pixels too coarse"
    if candidate.gap > stack.gap_at_most:
        return "slices too far apart"
    extent = first.height if sagittal else first.columns * first.column_spacing
    low, _ = stack.sagittal_height if sagittal else stack.axial_width
    if extent < low:
        return "field of view too small"
    return None


def _elsewhere(description: str) -> bool:
    """Another part of the body by name; `TSPINE` occurs on lumbar series (SPIDER) and does not count."""
    lumbar = any(word in description for word in ("lspine", "l-spine", "lumb", "lwk", "lws", "spine lumbar"))
    return not lumbar and any(word in description for word in _ELSEWHERE)

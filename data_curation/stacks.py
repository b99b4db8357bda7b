"""One chosen series: decoded, upright, on one scale, with its midline and window; and written as slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from data_curation.burnin import find_text, mask_text
from data_curation.display import SCOUT_SCALE, draw_scout, fluid_signal, to_display, window_of
from data_curation.geometry import Upright, crossing, upright
from data_curation.headers import Acquisition, Unusable
from data_curation.midline import Midline, find_midline
from data_curation.pixels import SeriesPixels, decode, one_scale, turn_upright
from data_curation.policy import Policy
from data_curation.quality import flags_of, measure, too_bad
from data_curation.scanners import maker_of, model_of
from data_curation.selection import Candidate
from data_curation.verification import check_text_free
from domain.manifest import MidlineBand, ScoutLine, Series, Slice
from domain.taxonomy import Plane

PNG_LEVEL = 1
_LOOKS = 5
Pixels = NDArray[np.uint16]


@dataclass(frozen=True)
class LoadedStack:
    """A series ready to be written; images and turns in display order."""

    plane: Plane
    candidate: Candidate
    pixels: SeriesPixels
    turns: tuple[Upright, ...]
    images: tuple[Pixels, ...]
    midline: Midline
    window: tuple[float, float]
    flags: dict[str, float]

    def display(self, number: int) -> NDArray[np.uint8]:
        """The displayed slice."""
        return to_display(self.images[number], self.window)


def load_stack(candidate: Candidate, policy: Policy) -> LoadedStack:
    """Decode a series and find its midline and window.

    Raises:
        Unusable: If too few slices can be decoded, its quality is too bad, or text is burnt into its middle.
    """
    assert candidate.plane is not None
    plane = candidate.plane
    decoded = decode(candidate.slices, policy.limits)
    readable = [k for k, d in enumerate(decoded) if d is not None]
    least = policy.stack.sagittal_slices if plane is Plane.SAGITTAL else policy.stack.axial_slices
    if len(readable) < least:
        raise Unusable("too few slices can be decoded")
    damaged = len(decoded) - len(readable)
    if damaged:
        candidate = replace(
            candidate,
            slices=tuple(candidate.slices[k] for k in readable),
            positions=tuple(candidate.positions[k] for k in readable),
        )
    pixels = one_scale([d for d in decoded if d is not None])
    turns = tuple(upright(i.placed, plane, policy.stack.square_within) for i in candidate.slices)
    images = [turn_upright(p, t) for p, t in zip(pixels.slices, turns, strict=True)]
    images, masked = _without_text(images)
    flags = _stack_flags(candidate, policy)
    flags |= {name: float(n) for name, n in (("damaged_slices", damaged), ("masked_text", masked)) if n}
    midline, fluid = _midline(images, turns[0], candidate)
    if plane is Plane.SAGITTAL and midline.canal is not None and fluid is not None:
        measures = measure(images[midline.slice], midline.canal, fluid, turns[0].spacing)
        reason = too_bad(measures, policy.quality)
        if reason is not None:
            raise Unusable(*reason)
        flags |= flags_of(measures, policy.quality)
    window = window_of(images, policy.display, fluid)
    return LoadedStack(plane, candidate, pixels, turns, tuple(images), midline, window, flags)


def _without_text(images: list[Pixels]) -> tuple[list[Pixels], int]:
    """Mask text at the margins; returns the slices and how many had some."""
    clean = [_one_without_text(image) for image in images]
    return clean, sum(a is not b for a, b in zip(images, clean, strict=True))


def _one_without_text(image: Pixels) -> Pixels:
    """Looked at again when it is masked: text that was less bright is seen then."""
    for _ in range(_LOOKS):
        texts = find_text(image)
        if not texts:
            return image
        if any(not text.marginal(image.shape) for text in texts):
            break
        image = mask_text(image, texts)
    raise Unusable("text burnt in")


def _midline(images: Sequence[Pixels], turn: Upright, candidate: Candidate) -> tuple[Midline, float | None]:
    """Midline and signal of fluid; an axial stack opens on its middle."""
    if candidate.plane is not Plane.SAGITTAL:
        return Midline(len(images) // 2, (), None), None
    midline = find_midline(images, turn.spacing, candidate.gap)
    fluid = fluid_signal(images[midline.slice], midline.canal, turn.spacing) if midline.canal else None
    return midline, fluid


def write_stack(
    stack: LoadedStack, folder: Path, home: str, scout: tuple[NDArray[np.uint8], Slice] | None
) -> Series:
    """Write a series' slices.

    Args:
        stack: The series.
        folder: Made here.
        home: Its path in the store.
        scout: For an axial stack: the displayed sagittal midline, and where it lies.

    Returns:
        What the manifest says of it.
    """
    folder.mkdir(parents=True)
    slices = []
    for number, (image, turn) in enumerate(zip(stack.images, stack.turns, strict=True)):
        check_text_free(image, f"{home}/{number:03d}.png")
        write_png(folder / f"{number:03d}.png", stack.display(number))
        write_png(folder / f"{number:03d}.source.png", image)
        slices.append(
            Slice(
                path=f"{home}/{number:03d}.png",
                source=f"{home}/{number:03d}.source.png",
                width=turn.columns,
                height=turn.rows,
                position=round(stack.candidate.positions[number], 3),
                to_patient=turn.to_patient,
            )
        )
    lines: tuple[ScoutLine, ...] = ()
    if scout is not None:
        lines = _scout_lines(scout[1], slices)
        drawn = draw_scout(scout[0], [(line.slice, line.start, line.end) for line in lines])
        drawn.save(folder / "scout.png", compress_level=PNG_LEVEL)
    slope, intercept = stack.pixels.slope, stack.pixels.intercept
    return Series(
        plane=stack.plane,
        slices=tuple(slices),
        midline=stack.midline.slice,
        midline_bands=tuple(MidlineBand(top=t, bottom=b, slice=s) for t, b, s in stack.midline.bands),
        spacing=stack.turns[0].spacing,
        window=(stack.window[0] * slope + intercept, stack.window[1] * slope + intercept),
        rescale=(slope, intercept),
        scanner=scanner_values(stack.candidate.slices[0].acquired, stack.candidate.gap),
        scout=f"{home}/scout.png" if scout is not None else None,
        scout_lines=lines,
        flags=stack.flags,
    )


def write_png(path: Path, image: NDArray[np.uint8] | Pixels) -> None:
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


def scanner_values(acquired: Acquisition, gap: float) -> dict[str, str | float]:
    """What research needs to know of the scanner: maker and model in known words, the rest numbers."""
    values: dict[str, str | float | None] = {
        "manufacturer": maker_of(acquired.manufacturer),
        "model": model_of(acquired.model),
        "field_strength": acquired.field,
        "repetition_time": acquired.repetition,
        "echo_time": acquired.echo,
        "slice_thickness": acquired.thickness,
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

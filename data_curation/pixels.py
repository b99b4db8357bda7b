"""Decoding slices and putting a series on one scale."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from data_curation.discovery import open_source
from data_curation.elements import DAMAGE, quietly
from data_curation.geometry import Upright
from data_curation.headers import Instance, Unusable
from data_curation.policy import Limits

Pixels = NDArray[np.uint16]
_SKETCH = 4


@dataclass(frozen=True)
class Decoded:
    """A slice as stored: integers, and what makes values of them (value = slope x integer + intercept)."""

    stored: NDArray[np.uint16] | NDArray[np.int32]
    slope: float
    intercept: float


@dataclass(frozen=True)
class SeriesPixels:
    """A series on one scale: value = slope x pixel + intercept."""

    slices: tuple[Pixels, ...]
    slope: float
    intercept: float
    digest: str
    """SHA-256 over the stored integers of all slices, as acquired."""
    sketch: tuple[str, ...]
    """`sketch_of` the same."""


def decode(instances: Sequence[Instance], limits: Limits) -> list[Decoded | None]:
    """Decode slices through pydicom's decoders; None for one that is truncated, too large, or of an
    unknown transfer syntax."""
    decoded: list[Decoded | None] = []
    opened: tuple[object, Dataset] | None = None
    for instance in instances:
        try:
            if opened is None or opened[0] != instance.source:
                opened = instance.source, _read(instance, limits)
            decoded.append(_decode(opened[1], instance, limits))
        except Unusable:
            decoded.append(None)
    return decoded


def _read(instance: Instance, limits: Limits) -> Dataset:
    with quietly():
        try:
            with open_source(instance.source, limits) as stream:
                return pydicom.dcmread(stream, force=True)
        except DAMAGE as error:
            raise Unusable("damaged DICOM") from error


def _decode(dataset: Dataset, instance: Instance, limits: Limits) -> Decoded:
    if (
        instance.placed.rows * instance.placed.columns > limits.pixels
        or (instance.frame or 0) >= limits.frames
    ):
        raise Unusable("image larger than the limit")
    with quietly():
        try:
            array = pixel_array(dataset, index=instance.frame)
            slope, intercept = _rescale(dataset, instance.frame)
            inverted = str(dataset.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
            top = (1 << int(dataset.BitsStored)) - 1
        except DAMAGE as error:
            raise Unusable("pixels cannot be decoded") from error
    if array.shape != (instance.placed.rows, instance.placed.columns) or array.dtype.kind not in "iu":
        raise Unusable("pixels differ from Rows and Columns")
    if array.dtype == np.uint16 and not inverted:
        return Decoded(array, slope, intercept)
    stored = array.astype(np.int32)
    return Decoded(top - stored if inverted else stored, slope, intercept)


def _rescale(dataset: Dataset, frame: int | None) -> tuple[float, float]:
    holder = dataset
    if frame is not None:
        for groups in (
            dataset.PerFrameFunctionalGroupsSequence[frame],
            dataset.SharedFunctionalGroupsSequence[0],
        ):
            if "PixelValueTransformationSequence" in groups:
                holder = groups.PixelValueTransformationSequence[0]
                break
    slope, intercept = (
        float(holder.get("RescaleSlope", 1) or 1),
        float(holder.get("RescaleIntercept", 0) or 0),
    )
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope <= 0:
        raise ValueError("RescaleSlope")
    return slope, intercept


def one_scale(decoded: Sequence[Decoded]) -> SeriesPixels:
    """Put the slices of a series on one 16-bit scale; the stored integers are kept where they allow it."""
    digests = [_digest(d.stored) for d in decoded]
    digest = hashlib.sha256("".join(digests).encode()).hexdigest()
    sketch = _smallest(d for d, own in zip(digests, decoded, strict=True) if np.ptp(own.stored))
    scales = {(d.slope, d.intercept) for d in decoded}
    low = min(int(d.stored.min()) for d in decoded)
    high = max(int(d.stored.max()) for d in decoded)
    if len(scales) == 1 and high - min(low, 0) <= 65535:
        shift = min(low, 0)
        slope, intercept = scales.pop()
        slices = tuple(_shifted(d.stored, shift) for d in decoded)
        return SeriesPixels(slices, slope, intercept + slope * shift, digest, sketch)
    values = [d.stored * d.slope + d.intercept for d in decoded]
    bottom, top = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    step = max((top - bottom) / 65535, 1e-12)
    slices = tuple(np.rint((v - bottom) / step).astype(np.uint16) for v in values)
    return SeriesPixels(slices, step, bottom, digest, sketch)


def _shifted(stored: NDArray[np.uint16] | NDArray[np.int32], shift: int) -> Pixels:
    if stored.dtype == np.uint16 and shift == 0:
        return stored.astype(np.uint16, copy=False)
    return (stored.astype(np.int32) - shift).astype(np.uint16)


def sketch_of(slices: Sequence[NDArray[np.integer[Any]]]) -> tuple[str, ...]:
    """The smallest SHA-256 of a series' slices (Broder 1997): two series that share slices share some of
    these, in whatever order, with some slices missing, in whatever transfer syntax.

    Slices of one value say nothing and are passed over.
    """
    return _smallest(_digest(s) for s in slices if np.ptp(s))


def _smallest(digests: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(digests))[:_SKETCH])


def _digest(stored: NDArray[np.integer[Any]]) -> str:
    """SHA-256 of a slice's shape and integers, whatever type holds them."""
    small = stored.dtype == np.uint16 or (stored.min() >= 0 and stored.max() <= 65535)
    found = hashlib.sha256(f"{stored.shape}{small}".encode())
    found.update(np.ascontiguousarray(stored, "<u2" if small else "<i4").data)
    return found.hexdigest()


def turn_upright(pixels: Pixels, turn: Upright) -> Pixels:
    """Turn a slice upright and, where its pixels are not square, resample it (bilinear)."""
    turned = np.ascontiguousarray(turn.turn(pixels), dtype=np.uint16)
    if not turn.resampled:
        return turned
    image = PillowImage.fromarray(turned.astype(np.float32))
    resized = image.resize((turn.columns, turn.rows), PillowImage.Resampling.BILINEAR)
    return np.asarray(np.rint(np.asarray(resized)), dtype=np.uint16)

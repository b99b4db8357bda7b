"""The manifest that curation writes and the backend reads: one JSON line a study, in `manifest.jsonl`.

Paths are relative to the store, with forward slashes. Pixels are those of the displayed slice: square,
upright, anterior to the left, origin top left.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.taxonomy import NumberingBasis, Plane, Split

SCHEMA = 1
PSEUDONYM = r"^[A-Za-z0-9-]{4,40}$"
STORE_PATH = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.png$"
"""No part of a path starts with a dot, so none leaves the store."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Slice(_Frozen):
    path: str = Field(pattern=STORE_PATH)
    """8-bit grey PNG with the series' one display window."""
    source: str | None = Field(default=None, pattern=STORE_PATH)
    """16-bit grey PNG of the source values (see `Series.rescale`), same geometry."""
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    position: float
    """Millimetres along the series' normal."""
    to_patient: tuple[tuple[float, float, float, float], ...] = Field(min_length=3, max_length=3)
    """Rows of a 3x4 matrix: (x, y, 0, 1) in pixels (centres at .5) to DICOM patient millimetres (LPS)."""


class ScoutLine(_Frozen):
    """Where an axial slice crosses the sagittal scout, in pixels of the scout."""

    slice: Annotated[int, Field(ge=0)]
    start: tuple[float, float]
    end: tuple[float, float]


class MidlineBand(_Frozen):
    """Rows of a sagittal slice (`top`, before `bottom`) whose own midline is another slice: scoliosis."""

    top: Annotated[int, Field(ge=0)]
    bottom: Annotated[int, Field(gt=0)]
    slice: Annotated[int, Field(ge=0)]


class Series(_Frozen):
    """One unit's stack. Sagittal: the patient's right to left; axial: from the feet up."""

    plane: Plane
    slices: tuple[Slice, ...] = Field(min_length=1)
    midline: Annotated[int, Field(ge=0)]
    """The slice to open on."""
    midline_bands: tuple[MidlineBand, ...] = ()
    """Sagittal only: the midline of each neighbourhood of rows, from the top down."""
    spacing: float = Field(gt=0)
    """Millimetres a pixel of the displayed slice, both directions."""
    window: tuple[float, float]
    """Source values shown as black and white."""
    rescale: tuple[float, float] = (1.0, 0.0)
    """Slope and intercept: source value = slope x pixel of the 16-bit PNG + intercept."""
    scanner: dict[str, str | float] = {}
    """Manufacturer, model, field strength, TR, TE, slice thickness: what research needs."""
    scout: str | None = Field(default=None, pattern=STORE_PATH)
    """Axial only: the sagittal midline slice with the numbered lines drawn on it."""
    scout_lines: tuple[ScoutLine, ...] = ()
    flags: dict[str, float] = {}
    """Quality measures beyond their threshold, with the number."""

    @model_validator(mode="after")
    def _midline_in_stack(self) -> Self:
        used = [self.midline, *(band.slice for band in self.midline_bands)]
        if max(used) >= len(self.slices):
            raise ValueError(f"midline {max(used)} is not one of {len(self.slices)} slices")
        return self


class Study(_Frozen):
    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    patient: str = Field(pattern=PSEUDONYM)
    study: str = Field(pattern=PSEUDONYM)
    site: str = Field(default="site", pattern=PSEUDONYM)
    split: Split
    enrichment: str | None = None
    """The quota a patient was added for (`under-30`, `over-75`, `hiz`): in training only."""
    age_band: str | None = None
    sex: str | None = None
    month: str | None = None
    """Shifted by the patient's own offset, `YYYY-MM`."""
    numbering: NumberingBasis = NumberingBasis.ASSUMED
    series: tuple[Series, ...] = Field(min_length=1)
    localizer: str | None = Field(default=None, pattern=STORE_PATH)
    """A whole-spine sagittal slice to number the vertebrae by, where the study has one."""
    digest: str
    """SHA-256 over the source pixels, to notice a changed source and the same scan under two ids."""

    @model_validator(mode="after")
    def _one_series_a_plane(self) -> Self:
        planes = [s.plane for s in self.series]
        if len(set(planes)) != len(planes):
            raise ValueError(f"a study has one series a plane, got {[p.value for p in planes]}")
        return self

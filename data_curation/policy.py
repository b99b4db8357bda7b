"""Every threshold of curation, in one place. A change of what is accepted is a change of `VERSION`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.taxonomy import Split

VERSION = 5

Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Limits(_Frozen):
    """What no input may exceed: a file that does is left out, with this as its reason."""

    file_bytes: int = 600_000_000
    zip_bytes: int = 8_000_000_000
    """Unpacked, all members of one archive together."""
    zip_ratio: int = 200
    """Unpacked over packed, per member."""
    zip_members: int = 200_000
    zip_depth: int = 2
    """Archives within each other: hospitals pack the portions of an export once more."""
    pixels: int = 4096 * 4096
    frames: int = 2000


class Weighting(_Frozen):
    """T2, T1, STIR by what the scanner was set to; milliseconds."""

    t2_echo_at_least: float = 60.0
    t2_repetition_at_least: float = 900.0
    """SPACE uses 1000 (SPIDER's `overview.csv`)."""
    t1_echo_at_most: float = 30.0
    t1_repetition_at_most: float = 1200.0
    inversion_at_most: float = 400.0
    """Shorter inversion suppresses fat (STIR), longer fluid."""


class Stack(_Frozen):
    """What a stack of slices must be to be read."""

    tilt_at_most: float = 35.0
    """Degrees between a slice and the plane it is named for."""
    sagittal_slices: int = 5
    axial_slices: int = 3
    sagittal_height: tuple[float, float] = (150.0, 430.0)
    """Millimetres; taller is a whole-spine series, kept for numbering."""
    axial_width: tuple[float, float] = (90.0, 450.0)
    spacing_at_most: float = 1.5
    gap_at_most: float = 9.0
    square_within: float = 0.005
    """Relative difference of row and column spacing that needs no resampling."""
    duplicate_within: float = 0.05
    """Millimetres along the normal."""
    uneven_beyond: float = 0.25
    """Relative difference of a gap from the median gap that is flagged."""


class Display(_Frozen):
    """The one window of a series."""

    black_percentile: float = 1.0
    headroom: float = 1.08
    """White, in parts of cerebrospinal fluid's signal."""
    bright_percentile: float = 99.5
    """Where no fluid is found: of the pixels within the patient."""
    midline_slices: int = 3


class Splits(_Frozen):
    """Shares of the patients of a site; external sites have one split of their own."""

    train: Share = 0.7
    val: Share = 0.1
    test: Share = 0.2

    def ordered(self) -> tuple[tuple[Split, float], ...]:
        """Splits with their shares."""
        return ((Split.TRAIN, self.train), (Split.VAL, self.val), (Split.TEST, self.test))


class Eligibility(_Frozen):
    age_at_least: int = 18
    age_bands: tuple[int, ...] = (18, 30, 45, 60, 76)
    """Lower edges; the first to the second less one is the first band."""


class Quality(_Frozen):
    """Measures beyond these flag a series, or reject it where it says so."""

    signal_to_noise_at_least: float = 12.5
    rejected_signal_to_noise: float = 7.5
    ghosting_at_most: float = 12.0
    void_share_at_most: float = 0.02
    """Share of the spine's neighbourhood without any signal: metal."""
    discs_at_least: float = 5.4
    front_at_least: float = 45.0
    """Millimetres from the canal to the picture's front edge."""


class Policy(_Frozen):
    """All of it."""

    version: int = VERSION
    limits: Limits = Limits()
    weighting: Weighting = Weighting()
    stack: Stack = Stack()
    display: Display = Display()
    splits: Splits = Splits()
    eligibility: Eligibility = Eligibility()
    quality: Quality = Quality()


POLICY = Policy()

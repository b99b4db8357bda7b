"""Between Label Studio's result JSON and findings; the only place that knows percent from pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.findings import Findings
from domain.taxonomy import Plane
from labeling_configs.controls import Kind
from labeling_configs.decoding import Decisions, Decoder, Rejected
from labeling_configs.encoding import encode, encode_findings, encode_locked
from labeling_configs.problems import InvalidReading, Problem
from labeling_configs.regions import SliceSize, read_sheet

__all__ = [
    "Decisions",
    "InvalidReading",
    "Kind",
    "Problem",
    "Rejected",
    "SliceSize",
    "decode",
    "decode_adjudication",
    "encode",
    "encode_findings",
    "encode_locked",
]


def decode(result: Sequence[dict[str, Any]], *, plane: Plane, slices: Sequence[SliceSize]) -> Findings:
    """Read a submitted reading, or the findings of a submitted adjudication.

    Args:
        result: The annotation's `result` as Label Studio posts it; entries of locked controls are dropped.
        plane: Plane of the unit.
        slices: Sizes of the displayed slices in display order; empty when unknown, then each box's own
            `original_width` and `original_height` are taken.

    Returns:
        The findings, boxes in pixels of the displayed slices, discs from the lowest up with all levels
        that follow from the named one.

    Raises:
        InvalidReading: If anything in it is not an answer; names everything to mend.
    """
    return decode_adjudication(result, plane=plane, slices=slices).findings


def decode_adjudication(
    result: Sequence[dict[str, Any]], *, plane: Plane, slices: Sequence[SliceSize]
) -> Decisions:
    """Read a submitted adjudication: as `decode`, with the reasons and what was rejected."""
    sheet, refused = read_sheet(result, plane=plane, slices=slices)
    if refused:
        raise InvalidReading(refused)
    return Decoder(sheet, plane).decisions()

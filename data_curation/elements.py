"""Values of DICOM elements as text, number and date; what does not hold one is empty or None."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

DAMAGE = Exception
"""Damaged input makes pydicom and its decoders raise nearly anything, so everything but an exit counts."""
_LONGEST = 1024


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Odd values are judged here, not warned about: warnings and pydicom's log would carry them out."""
    log = logging.getLogger("pydicom")
    before, log.propagate = log.propagate, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.propagate = before


def value_of(dataset: Dataset, keyword: str) -> Any:
    """An element's value, None where it is missing.

    Converting takes longer than reading, and the slices of a series differ in a few elements only: each
    value is converted once, and left raw in the dataset.
    """
    element, charset = dataset.get_item(_tag(keyword)), dataset.original_character_set
    if element is None:
        return None
    if not isinstance(element, RawDataElement) or not charset or len(element.value or b"") > _LONGEST:
        return dataset.get(keyword)
    return _converted(
        element.tag,
        element.VR,
        element.value,
        (element.is_implicit_VR, element.is_little_endian),
        charset if isinstance(charset, str) else tuple(charset),
    )


@lru_cache(maxsize=256)
def _tag(keyword: str) -> BaseTag:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return BaseTag(tag)


@lru_cache(maxsize=4096)
def _converted(
    tag: BaseTag,
    kind: str | None,
    value: bytes | None,
    form: tuple[bool, bool],
    charset: str | tuple[str, ...],
) -> Any:
    raw = RawDataElement(tag, kind, len(value or b""), value, 0, *form)
    return convert_raw_data_element(raw, encoding=charset if isinstance(charset, str) else [*charset]).value


def text_of(dataset: Dataset, keyword: str) -> str:
    """An element as text without spaces round it, several values between backslashes."""
    with contextlib.suppress(DAMAGE):
        value = value_of(dataset, keyword)
        if value is None:
            return ""
        if isinstance(value, MultiValue | list):
            return "\\".join(str(v) for v in value).strip()
        return str(value).strip()
    return ""


def number_of(dataset: Dataset, keyword: str) -> float | None:
    """The first value of an element as a number."""
    text = text_of(dataset, keyword).split("\\")[0]
    with contextlib.suppress(ValueError):
        value = float(text)
        return value if abs(value) < 1e9 else None
    return None


def date_of(dataset: Dataset, keyword: str) -> date | None:
    """An element as a day."""
    text = text_of(dataset, keyword).replace(".", "").replace("-", "")
    with contextlib.suppress(ValueError):
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 a calendar day has no zone
    return None


def years_of(dataset: Dataset, keyword: str) -> int | None:
    """An age string (PS3.5 6.2) in whole years."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text_of(dataset, keyword).upper())
    if match is None:
        return None
    return int(match[1]) // {"D": 365, "W": 52, "M": 12, "Y": 1}[match[2]]

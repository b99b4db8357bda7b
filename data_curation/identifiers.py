"""What in a source names a person, a place or a date: gathered to prove that none of it is in the store.

Every text of every element counts (nested and private ones, too), and the names of files and folders. The
few attributes that the store may repeat are left out of the gathering, or nothing could pass.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from data_curation.elements import DAMAGE, quietly

_TEXT_REPRESENTATIONS = {"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
_BINARY = {"UN", "OB"}
_REPEATED = {
    "Manufacturer", "ManufacturerModelName", "SOPClassUID", "MediaStorageSOPClassUID", "PatientAge",
    "TransferSyntaxUID", "ImplementationClassUID", "MRAcquisitionType",
}  # fmt: skip
"""Attributes whose values the manifest may hold; a name that slips into one is found through the others."""
_SPLIT = re.compile(r"[\s^=\\,;:/()\[\]{}<>\"'|_.+-]+")
_ESCAPE = re.compile(r"\x1b[\x20-\x2f]*[\x30-\x7e]")
_LONGEST = 64
_LARGEST_BINARY = 4096
_CHARSETS = ("utf-8", "gb18030", "iso2022_jp", "latin-1")


Seen = set[tuple[object, ...]]
"""Elements that were gathered from another file: the slices of a series differ in a few only."""


def tokens_of(dataset: Dataset, seen: Seen | None = None) -> set[str]:
    """All that could identify, as normalised words and whole values.

    Args:
        dataset: A file's.
        seen: Elements of earlier files, passed over; this file's are added.
    """
    found: set[str] = set()
    with quietly():
        for text in _texts(dataset, set() if seen is None else seen):
            found |= tokenise(text)
    return found


def _is_new(element: DataElement | RawDataElement, charset: str, seen: Seen) -> bool:
    if not isinstance(element, RawDataElement):
        return True
    key = (element.tag, element.VR, element.value, charset)
    if key in seen:
        return False
    seen.add(key)
    return True


def _texts(dataset: Dataset, seen: Seen) -> Iterator[str]:
    charset = str(dataset.original_character_set)
    for tag, raw in list(dataset.items()):
        try:
            if tag.group == 0x7FE0 or not _is_new(raw, charset, seen):
                continue
            element = dataset[tag]
            value, kind = element.value, element.VR
            if element.keyword in _REPEATED:
                continue
        except DAMAGE:
            continue
        if isinstance(value, Sequence):
            for item in value:
                yield from _texts(item, seen)
        elif isinstance(value, bytes):
            if kind in _BINARY and len(value) <= _LARGEST_BINARY:
                yield from _decoded(value)
        elif kind in _TEXT_REPRESENTATIONS:
            yield from _values(value)


def _values(value: Any) -> Iterator[str]:
    for part in value if isinstance(value, MultiValue | list) else [value]:
        yield str(part) if part is not None else ""
        if isinstance(part, PersonName):
            # A wrong or missing character set is common: the bytes may be another language's.
            yield from _decoded(part.original_string)


def _decoded(value: bytes) -> Iterator[str]:
    """A private element's bytes, read as text in every way that gives text."""
    for charset in _CHARSETS:
        try:
            text = value.rstrip(b"\x00 ").decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
        if text and text.isprintable():
            yield text


def tokenise(text: str) -> set[str]:
    """Normalised words worth looking for: from 4 letters, 6 digits, or 2 letters of other scripts."""
    whole = normalise(text)
    # A name's writings (`Wang^XiaoDong=王^小东`, PS3.5 6.2.1.1) are names each.
    writings = [[part for part in _SPLIT.split(one) if part] for one in whole.split("=")]
    parts = [part for writing in writings for part in writing]
    joined = ["".join(writing) for writing in writings]
    return {word for word in (*parts, *joined, "".join(parts), whole) if _telling(word)}


def normalise(text: str) -> str:
    """Case, width, composition of letters and escape sequences (ISO 2022) do not matter."""
    return unicodedata.normalize("NFKC", _ESCAPE.sub("", text)).casefold().strip()[: _LONGEST * 4]


def without_accents(text: str) -> str:
    """`Müller` as `muller`."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _telling(word: str) -> bool:
    if len(word) > _LONGEST:
        return False
    if not word.isascii():
        return len(word) >= 2
    if word.isdigit():
        return len(word) >= 6
    return len(word) >= 4 and any(c.isalnum() for c in word)


def tokens_of_names(names: Iterable[str]) -> set[str]:
    """Words of file and folder names."""
    found: set[str] = set()
    for name in names:
        found |= tokenise(name)
    return found

"""The text of a CSV file, whatever program wrote it."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from domain.errors import DiscLoopError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LARGEST = 512 * 1024 * 1024


def read_text(file: Path) -> tuple[str, str]:
    """The file's text and the encoding it was read in.

    Raises:
        DiscLoopError: If the file cannot be read, is too large, or is not text.
    """
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise DiscLoopError(f"{file.name}: expected a table below 512 MiB, got {size // 2**20} MiB")
        raw = file.read_bytes()
    except OSError as error:
        raise DiscLoopError(f"{file}: cannot be read ({error.strerror})") from error
    return decode(raw, file.name)


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Text and encoding of a file's bytes; `name` is for the error."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return _strict(raw, encoding, name), encoding
    wide = _unmarked_utf16(raw)
    if wide:
        return _strict(raw, wide, name), wide
    if b"\0" in raw:
        raise DiscLoopError(f"{name}: expected a text table (CSV), got binary data")
    for encoding, plausible in _CANDIDATES:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if plausible(raw):
            return text, encoding
    return raw.decode("latin-1"), "latin-1"


def _strict(raw: bytes, encoding: str, name: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DiscLoopError(f"{name}: starts as {encoding} but is broken at byte {error.start}") from error


def _unmarked_utf16(raw: bytes) -> str | None:
    """UTF-16 without a mark: an ASCII header has a zero at every other byte."""
    head = raw[:64]
    if len(head) < 4:
        return None
    if not any(head[0::2]) and all(head[1::2]):
        return "utf-16-be"
    if not any(head[1::2]) and all(head[0::2]):
        return "utf-16-le"
    return None


def _chinese(raw: bytes) -> bool:
    """Whether bytes beyond ASCII come in pairs, as GB18030's everyday characters do and accents do not."""
    run = 0
    for byte in raw:
        if byte >= 0x80:
            run += 1
        elif run % 2:
            return False
        else:
            run = 0
    return run % 2 == 0


def _always(_raw: bytes) -> bool:
    return True


_CANDIDATES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("utf-8", _always),
    ("gb18030", _chinese),
    ("cp1252", _always),
)

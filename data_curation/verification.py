"""The proof that nothing identifying is in the store: two independent looks at everything written.

1. **Grammar**: every string in the manifest and the records, and every file name, is one that curation makes:
   a pseudonym, a hash, a store path, a word of the vocabulary, a scanner model of known words, a reason in
   curation's own words. Nothing else may be there, so nothing has to be recognised as a name. Slices are PNG
   files of pixel chunks only, and pixels are looked at for text before they are written.
2. **Search**: what an operator chose (the site's code) and all words of every text file are searched for the
   identifying values gathered from the sources (`identifiers`).

A finding tells where, never what.
"""

from __future__ import annotations

import html
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_curation.burnin import find_text
from data_curation.identifiers import normalise, tokenise, without_accents
from data_curation.scanners import MAKERS, OTHER_MAKER, is_model
from domain import taxonomy
from domain.errors import DiscLoopError
from domain.manifest import MidlineBand, ScoutLine, Series, Slice, Study

Known = Callable[[str], bool]
"""Whether a normalised word is an identifying value of a source."""

_IMAGE = r"studies/st-[0-9a-f]{12}/[a-z-]+/([0-9]{3}(\.source)?|scout)\.png"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(pt|st|se|fi)-[0-9a-f]{12}",
        r"[0-9a-f]{12}",
        r"[0-9a-f]{64}",
        r"[0-9]{4}-(0[1-9]|1[0-2])",
        r"[1-9][0-9]-[1-9][0-9]|[1-9][0-9]\+",
        _IMAGE,
    )
)
_FILE_NAMES = re.compile(
    r"manifest\.jsonl|labels\.jsonl|\.curation/labels/st-[0-9a-f]{12}\.json|contact-sheet\.html|\.curation/(store|splits|summary)\.json|\.curation/lock"
    rf"|\.curation/records/st-[0-9a-f]{{12}}\.json|{_IMAGE}"
)
_REASON = re.compile(r"[A-Za-z0-9 ,:-]{3,80}")
_REASON_WORDS = """
after agent an and another apart archive axial be beside beyond body burnt can cannot coarse colour columns
contrast damaged decoded derived dicom differ empty encrypted excluded far fat few fewer field file from
header image in its larger limit link localizer low lumbar member missing mr neither no nor not of one other
others part patients pixels plain read rows sagittal says series signal slices small spine stir study
suppressed symbolic t1 t2 text than the too two under unknown unpacks usable value view whole younger zip
"""
"""Words of the reasons: a source's folder or description may be named by one, and that betrays nobody."""
_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}
_FIELDS = (
    "schema", "key", "site", "external", "fingerprint", "curated", "reason", "notes", "value", "stratum",
    "fingerprints", "enrichment", "under-30", "over-75", "hiz", "pixels", "manufacturer", "model",
    "field_strength", "repetition_time", "echo_time", "slice_thickness", "slice_spacing", "unknown",
)  # fmt: skip
FLAGS = (
    "uneven_gaps", "duplicate_slices", "damaged_slices", "signal_to_noise", "ghosting", "void_share",
    "discs_seen", "cut_off", "masked_text", "spacing_assumed",
)  # fmt: skip
"""Names that a series' flags may have."""


class Leak(DiscLoopError):
    """Something identifying, or something that curation does not write, is in the store."""


def _vocabulary() -> frozenset[str]:
    codes = {
        member.value
        for thing in vars(taxonomy).values()
        if isinstance(thing, type) and issubclass(thing, StrEnum) and thing is not StrEnum
        for member in thing
    }
    models = (Study, Series, Slice, ScoutLine, MidlineBand)
    fields = {name for model in models for name in model.model_fields}
    return frozenset(codes | fields | {*_FIELDS, *FLAGS, *MAKERS, OTHER_MAKER, "F", "M", "O"})


_VOCABULARY = _vocabulary()


def known_among(tokens: Iterable[str]) -> Known:
    """A search among gathered values that are at hand."""
    everything = frozenset(tokens)
    everything |= {without_accents(token) for token in everything}
    return lambda word: word in everything


def check_json(value: Any, known: Known, where: str) -> None:
    """Check parsed JSON that curation is about to keep, or has kept.

    Raises:
        Leak: Naming the field.
    """
    for path, text in _strings(value, where):
        field = path.rpartition(".")[2]
        if not _allowed(field, text):
            raise Leak(f"{path}: holds a text that curation does not write")
        if field in ("site", "stratum", "model") and any(
            known(word) for word in spellings(text) - _VOCABULARY
        ):
            raise Leak(f"{path}: holds an identifying value of the source")


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.(a name)", str(name)
            yield from _strings(inner, f"{path}.{name}" if name in _VOCABULARY else path)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)


def _allowed(field: str, text: str) -> bool:
    if text in _VOCABULARY or any(p.fullmatch(text) for p in _PATTERNS):
        return True
    if field == "model":
        return is_model(text)
    if field == "reason":
        return _REASON.fullmatch(text) is not None
    if field == "stratum":
        return re.fullmatch(r"[A-Za-z0-9-]{4,40}\|(unknown|[0-9+-]{3,5})", text) is not None
    return field == "site" and re.fullmatch(r"[A-Za-z0-9-]{4,40}", text) is not None


def spellings(text: str) -> set[str]:
    """The words of a text as they would have been gathered from a source."""
    return tokenise(text) | tokenise(without_accents(text)) | {normalise(text)}


def check_folder(folder: Path, place: str = "") -> int:
    """Check names of all files below a folder, and that images hold pixels only; returns their number.

    Args:
        folder: The store, or what is to become a part of it.
        place: Where in the store it is or will be, with a final slash.

    Raises:
        Leak: Naming what is wrong, not where the wrong name leads.
    """
    count = 0
    for path in sorted(folder.rglob("*")):
        relative = place + path.relative_to(folder).as_posix()
        if path.is_dir() or relative.startswith(".curation/work/"):
            continue
        count += 1
        if path.is_symlink() or _FILE_NAMES.fullmatch(relative) is None:
            raise Leak("a file in the store has a name that curation does not give")
        if path.suffix == ".png":
            check_png(path, relative)
    return count


def check_png(path: Path, shown: str) -> None:
    """Check that a PNG holds pixels and nothing else, up to its last byte.

    Raises:
        Leak: If it has another chunk, or is damaged.
    """
    with path.open("rb") as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            raise Leak(f"{shown}: not a PNG file")
        kind = b""
        while header := file.read(8):
            if len(header) < 8 or kind == b"IEND":
                raise Leak(f"{shown}: holds bytes after its end")
            length, kind = struct.unpack(">I4s", header)
            if kind not in _CHUNKS:
                raise Leak(f"{shown}: holds a PNG chunk beside the pixels")
            file.seek(length + 4, 1)


def check_text_free(image: NDArray[np.uint16], shown: str) -> None:
    """Look at pixels that are about to be written once more for text burnt into them.

    Raises:
        Leak: If there is some that was neither masked nor rejected.
    """
    if find_text(image):
        raise Leak(f"{shown}: text is burnt into its pixels")


def verify_store(root: Path, known: Known, prose: str = "") -> int:
    """Check everything in a store.

    Args:
        root: The store.
        known: The search.
        prose: The contact sheet of an empty store: words that are in it anyway.

    Returns:
        The number of files looked at.

    Raises:
        Leak: At the first finding.
    """
    count = check_folder(root)
    for path in (root / "manifest.jsonl", *sorted((root / ".curation").rglob("*.json"))):
        if path.exists() and path.name != "summary.json" and path.parent.name != "labels":
            with path.open(encoding="utf-8") as file:
                lines = file if path.suffix == ".jsonl" else [file.read()]
                for line in lines:
                    check_json(json.loads(line), known, path.relative_to(root).as_posix())
    usual = {normalise(word) for word in (*_words(prose), *_words(_REASON_WORDS), *_VOCABULARY)}
    for path in (root / "contact-sheet.html", root / ".curation" / "summary.json"):
        if path.exists():
            check_text(path.read_text("utf-8"), known, usual, path.relative_to(root).as_posix())
    return count


def check_text(text: str, known: Known, usual: Iterable[str], where: str) -> None:
    """Search all words of a text (JSON, HTML, a log) but for those that are in it anyway.

    Raises:
        Leak: If a word is an identifying value.
    """
    passed = frozenset(usual)
    for word in set(_words(text)):
        plain = normalise(word)
        if plain not in passed and not any(p.fullmatch(word) for p in _PATTERNS) and known(plain):
            raise Leak(f"{where}: holds an identifying value of the source")


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", html.unescape(re.sub(r"</?[a-z][^>]*>", " ", text)))

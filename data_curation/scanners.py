"""Scanners by words known beforehand: what a header calls its scanner is free text, and names get in."""

from __future__ import annotations

import re

MAKERS = (
    "Siemens", "Philips", "GE", "Toshiba", "Canon", "Hitachi", "Fujifilm", "United Imaging", "Esaote",
    "Neusoft",
)  # fmt: skip
OTHER_MAKER = "other"
_MODELS = frozenset((
    "magnetom", "avanto", "aera", "skyra", "prisma", "symphony", "espree", "verio", "vida", "sola",
    "lumina", "altea", "amira", "essenza", "trio", "harmony", "sonata", "spectra", "biograph", "mmr",
    "allegra", "concerto", "cima", "free.max", "free.star", "terra", "ingenia", "achieva", "intera",
    "gyroscan", "panorama", "ambition", "elition", "evolution", "multiva", "prodiva", "signa", "hdxt",
    "hdx", "hde", "artist", "architect", "premier", "pioneer", "voyager", "explorer", "optima",
    "discovery", "brivo", "excite", "creator", "genesis", "hero", "champion", "vantage", "titan", "elan",
    "orian", "galan", "atlas", "excelart", "fortian", "centurian", "echelon", "oasis", "airis", "aperto",
    "smart", "velocity", "umr", "g-scan", "s-scan", "e-scan", "artoscan", "magnifico", "superstar",
    "neumr",
))  # fmt: skip
_SUFFIXES = frozenset((
    "fit", "tim", "xq", "xr", "xj", "cx", "tx", "dstream", "nova", "plus", "s", "x", "xl", "pro", "fx",
    "mr", "dx", "a", "d", "r", "ii", "iii", "vi",
))  # fmt: skip
_CODE = re.compile(r"(mr|u)?[0-9]{1,4}[a-z]{0,2}|[0-9]\.[0-9]{1,2}t?")


def maker_of(text: str) -> str:
    """One of `MAKERS`, or `other`."""
    lower = text.lower()
    return next((maker for maker in MAKERS if re.search(rf"\b{maker.lower()}\b", lower)), OTHER_MAKER)


def model_of(text: str) -> str | None:
    """The known words of a model's name (`Avanto fit`), or None where it has none."""
    words = re.split(r"[\s_]+", text.strip())
    if not any(word.lower().startswith(tuple(_MODELS)) and _known(word.lower()) for word in words):
        return None
    return " ".join(word for word in words if _known(word.lower()))


def is_model(text: str) -> bool:
    """Whether a text is what `model_of` gives."""
    return model_of(text) == text


def _known(word: str) -> bool:
    if any(word.startswith(model) and word[len(model) :] in _SUFFIXES for model in _MODELS):
        return True  # `SymphonyTim`
    return word in _MODELS or word in _SUFFIXES or _CODE.fullmatch(word) is not None

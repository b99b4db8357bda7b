"""What the cells of each column may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from domain.agreement.readings import ROLES
from domain.taxonomy import Level

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
NOT_GRADABLE = ("ng", "not gradable", "not_gradable")
TRUE = ("1", "1.0", "yes", "true")
FALSE = ("0", "0.0", "no", "false")
BLANK = ("", "na", "n/a", "nan", "null", "none", ".")

_LEVELS = {level.value: level.value for level in Level}
# Separator and second region letter are written in many ways: L4-5, L4/L5, l4_5.
_LEVEL = re.compile(r"([TLS])(\d{1,2})[-/_ –]*([TLS]?)(\d{1,2})", re.IGNORECASE)

Parse = Callable[[str], Any]
"""Cell text, stripped and not blank, to its value; ValueError says what was expected."""


def text(cell: str) -> str:
    """Any text of one line."""
    if any(ord(c) < 32 for c in cell):
        raise ValueError("text without line breaks")
    return cell


def level(cell: str) -> str:
    """A disc's level in the taxonomy's spelling."""
    found = _LEVEL.fullmatch(cell)
    if found:
        upper, lower = found[1].upper() + found[2], (found[3].upper() or found[1].upper()) + found[4]
        for name in (f"{upper}/{lower}", f"{upper}/{lower[1:]}"):
            if name in _LEVELS:
                return name
    raise ValueError(f"one of {', '.join(_LEVELS)}")


def _whole(cell: str) -> int:
    number = float(cell) if re.fullmatch(r"[+-]?\d{1,9}([.,]0*)?", cell.replace(",", ".")) else None
    if number is None:
        raise ValueError
    return int(number)


def grade(cell: str) -> int:
    """A Pfirrmann grade, 1 to 5 or I to V; 0 stands for not gradable."""
    folded = cell.casefold()
    if folded in NOT_GRADABLE:
        return 0
    if folded in ROMAN:
        return ROMAN[folded]
    try:
        value = _whole(cell.replace(",", "."))
    except ValueError:
        value = -1
    if not 1 <= value <= 5:
        raise ValueError("a Pfirrmann grade 1 to 5, `not gradable`, or blank")
    return value


def flag(cell: str) -> int:
    """0 or 1."""
    folded = cell.casefold()
    if folded in TRUE:
        return 1
    if folded in FALSE:
        return 0
    raise ValueError("0 or 1, or blank")


def index(cell: str) -> int:
    """Position of a disc, 1 is the lowest."""
    try:
        value = _whole(cell)
    except ValueError:
        value = 0
    if not 1 <= value <= 30:
        raise ValueError("a position 1 to 30, counted from the lowest disc")
    return value


def order(cell: str) -> int | str:
    """An occasion or revision: a whole number, or text that sorts (a date as 2026-01-31)."""
    try:
        return _whole(cell)
    except ValueError:
        return text(cell)


def number(cell: str) -> float:
    """A number of at least 0; a decimal comma is accepted."""
    if not re.fullmatch(r"\d{1,9}([.,]\d*)?", cell, re.ASCII):
        raise ValueError("a number of at least 0, or blank")
    return float(cell.replace(",", "."))


def probability(cell: str) -> float:
    """An inclusion probability, above 0 and at most 1."""
    try:
        value = number(cell)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise ValueError("a probability above 0 and at most 1, or blank")
    return value


def arm(cell: str) -> str:
    """An arm's name."""
    return text(cell).casefold()


def role(cell: str) -> str:
    """reader, model or consensus."""
    if cell.casefold() not in ROLES:
        raise ValueError(f"one of {', '.join(ROLES)}, or blank")
    return cell.casefold()


COLUMNS: dict[str, Parse] = {
    "patient": text,
    "study": text,
    "level": level,
    "index": index,
    "reader": text,
    "role": role,
    "pfirrmann": grade,
    "gradable": flag,
    "herniation": flag,
    "hiz": flag,
    "arm": arm,
    "occasion": order,
    "revision": order,
    "site": text,
    "scanner": text,
    "month": text,
    "random_share": flag,
    "arm_drawn": flag,
    "inclusion_probability": probability,
    "proposal": grade,
    "minutes": number,
}
ALSO = {
    "patientid": "patient",
    "patientno": "patient",
    "patientnumber": "patient",
    "subject": "patient",
    "subjectid": "patient",
    "studyid": "study",
    "studyno": "study",
    "studynumber": "study",
    "disclevel": "level",
    "spinallevel": "level",
    "discindex": "index",
    "readerid": "reader",
    "readername": "reader",
    "rater": "reader",
    "raterid": "reader",
    "observer": "reader",
    "observerid": "reader",
    "pfirrmanngrade": "pfirrmann",
    "pfirrmannscore": "pfirrmann",
    "discherniation": "herniation",
    "highintensityzone": "hiz",
}
"""Other headings, letters and digits alone, that stand for a column where none has its own name."""
PER_READER = ("pfirrmann", "gradable", "herniation", "hiz")
"""In a wide table these may stand once a reader, as `pfirrmann_<reader>`."""

"""Labelled discs to replay: SPIDER's grading table, one patient a unit of reading."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.errors import DiscLoopError
from domain.taxonomy import GRADES

FILE = "gradings.csv"
PATIENT, DISC, GRADE = "Patient", "IVD label", "Pfirrman grade"
ATTRIBUTES = (
    "Modic",
    "UP endplate",
    "LOW endplate",
    "Spondylolisthesis",
    "Disc herniation",
    "Disc narrowing",
    "Disc bulging",
)
"""What the light grader sees of a disc, with its place in the column. They stand in for the image."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Discs:
    """Discs as arrays of equal length D."""

    patient: Ints
    features: Floats
    """(D, F)"""
    grade: Ints
    """1 to 5, by the data set's expert: the truth of the simulation."""

    def of(self, patients: Ints) -> Discs:
        """The discs of these patients."""
        rows = np.isin(self.patient, patients)
        return Discs(self.patient[rows], self.features[rows], self.grade[rows])

    def drawn(self, rng: np.random.Generator) -> Discs:
        """As many patients drawn with replacement; one drawn twice is two patients."""
        chosen = rng.choice(self.patients, len(self.patients))
        rows = [np.flatnonzero(self.patient == patient) for patient in chosen]
        number = np.repeat(np.arange(len(chosen)), [len(one) for one in rows])
        at = np.concatenate(rows)
        return Discs(number, self.features[at], self.grade[at])

    @property
    def patients(self) -> Ints:
        """Each patient once, ascending."""
        return np.unique(self.patient)


def read_discs(folder: Path) -> Discs:
    """Read `gradings.csv`; the first row of a disc counts where there are two.

    Raises:
        DiscLoopError: Naming file, row and field.
    """
    path = folder / FILE
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DiscLoopError(f"--data: {path.name} is expected in {folder}: {error.strerror}") from None
    found: dict[tuple[int, int], tuple[list[float], int]] = {}
    for number, row in enumerate(rows, start=2):
        key = int(_number(row, PATIENT, number)), int(_number(row, DISC, number))
        grade = int(_number(row, GRADE, number))
        if grade not in GRADES:
            raise DiscLoopError(f"{FILE} row {number}, {GRADE}: 1 to 5 is expected, got {grade}")
        features = [_number(row, name, number) for name in ATTRIBUTES] + [float(key[1])]
        found.setdefault(key, (features, grade))
    if not found:
        raise DiscLoopError(f"{FILE}: it holds no disc")
    order = sorted(found)
    return Discs(
        patient=np.array([patient for patient, _ in order], dtype=np.int64),
        features=np.array([found[key][0] for key in order], dtype=np.float64),
        grade=np.array([found[key][1] for key in order], dtype=np.int64),
    )


def _number(row: Mapping[str, str | None], name: str, number: int) -> float:
    value = row.get(name)
    try:
        return float(value or "")
    except ValueError:
        raise DiscLoopError(f"{FILE} row {number}, {name}: a number is expected, got {value!r}") from None

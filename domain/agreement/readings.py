"""The table that agreement is computed from: one row a disc of a reading."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import DiscLoopError

Ints = NDArray[np.int64]

TEXT_COLUMNS = ("patient", "study", "level", "reader", "arm", "site", "scanner", "month", "role")
FLAG_COLUMNS = ("gradable", "herniation", "hiz", "random_share", "arm_drawn")
RANK_COLUMNS = ("occasion", "revision")
NUMBER_COLUMNS = ("index", "pfirrmann", "proposal", "minutes", "inclusion_probability")
REQUIRED = ("patient", "study", "reader")
ROLES = ("reader", "model", "consensus")


class DuplicateReadingError(DiscLoopError):
    """Two rows say what one reader saw on one disc in one revision; `rows` counts from 0."""

    def __init__(self, first: int, second: int) -> None:
        self.rows = (first, second)
        super().__init__(
            f"rows {first} and {second} hold the same patient, study, disc, reader, arm, occasion and "
            "revision; expected one row a disc"
        )


@dataclass(frozen=True)
class Column:
    """Text values as codes into `labels`; -1 is blank."""

    codes: Ints
    labels: tuple[str, ...]

    @property
    def filled(self) -> bool:
        """Whether any value is not blank."""
        return bool((self.codes >= 0).any())


def factorise(values: Sequence[Hashable | None]) -> tuple[Ints, list[Any]]:
    """Codes of the values in order of first appearance, and the values; None is -1."""
    labels = [v for v in dict.fromkeys(values) if v is not None]
    code: dict[Hashable | None, int] = {v: i for i, v in enumerate(labels)}
    code[None] = -1
    # Mapped in C, without a frame of Python for every row.
    return np.fromiter(map(code.__getitem__, values), np.int64, len(values)), labels


@dataclass(frozen=True)
class Readings:
    """Columns of equal length. Integers hold -1 where blank, floats NaN; a grade is 1 to 5."""

    patient: Column
    study: Column
    """Coded within the patient: the same study id of two patients is two studies."""
    level: Column
    reader: Column
    arm: Column
    site: Column
    scanner: Column
    month: Column
    role: Column
    index: Ints
    grade: Ints
    gradable: Ints
    herniation: Ints
    hiz: Ints
    random_share: Ints
    arm_drawn: Ints
    """0 where the arm was not drawn by lot, as for patients who judge models."""
    occasion: Ints
    revision: Ints
    proposal: Ints
    minutes: NDArray[np.float64]
    inclusion: NDArray[np.float64]
    has_index: bool
    """Discs are matched by index: every row has one."""

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[Any]]) -> Readings:
        """Build from lists named as the CSV's columns; None is blank.

        Args:
            columns: At least `patient, study, reader` and `level` or `index`, as text and integers;
                `pfirrmann` and `proposal` 1 to 5, `gradable, herniation, hiz, random_share, arm_drawn` 0 or 1
                (a grade implies gradable), `minutes` and `inclusion_probability` numbers, `occasion` and
                `revision` anything that sorts (lowest first), `role` one of reader, model, consensus (blank:
                reader).

        Raises:
            DuplicateReadingError: If two rows hold the same disc of the same reading.
            DiscLoopError: If a needed column is missing or blank.
        """
        rows = _length(columns)
        text = {name: _text(columns.get(name), rows) for name in TEXT_COLUMNS}
        flags = {name: _integers(columns.get(name), rows) for name in FLAG_COLUMNS}
        grade = _integers(columns.get("pfirrmann"), rows)
        flags["gradable"] = np.where(grade >= 1, 1, flags["gradable"])
        index = _integers(columns.get("index"), rows)
        has_index = bool(rows) and bool((index >= 0).all())
        _refuse_nameless(index, text["level"], has_index)
        table = cls(
            patient=text["patient"],
            study=_within(text["patient"], text["study"]),
            level=text["level"],
            reader=text["reader"],
            arm=text["arm"],
            site=text["site"],
            scanner=text["scanner"],
            month=text["month"],
            role=text["role"],
            index=index,
            grade=grade,
            gradable=flags["gradable"],
            herniation=flags["herniation"],
            hiz=flags["hiz"],
            random_share=flags["random_share"],
            arm_drawn=flags["arm_drawn"],
            occasion=_ranks(columns.get("occasion"), rows),
            revision=_ranks(columns.get("revision"), rows),
            proposal=_integers(columns.get("proposal"), rows),
            minutes=_floats(columns.get("minutes"), rows),
            inclusion=_floats(columns.get("inclusion_probability"), rows),
            has_index=has_index,
        )
        table._refuse_duplicates()
        return table

    def __len__(self) -> int:
        return len(self.grade)

    @property
    def position(self) -> Ints:
        """What discs are matched by: the index where every row has one, else the level."""
        return self.index if self.has_index else self.level.codes

    def key(self, *parts: Ints) -> Ints:
        """One integer per combination of the parts' values, in sorted order."""
        key: Ints = np.zeros(len(self), np.int64)
        for part in parts:
            key = key * (int(part.max(initial=-1)) + 2) + part + 1
            if key.max(initial=0) > 2**40:
                key = np.unique(key, return_inverse=True)[1].astype(np.int64)
        return key

    def _refuse_duplicates(self) -> None:
        parts = (self.study.codes, self.position, self.reader.codes, self.arm.codes)
        key = self.key(*parts, self.occasion, self.revision)
        order = np.argsort(key, kind="stable")
        same = np.flatnonzero(np.diff(key[order]) == 0)
        if len(same):
            second = same[np.argmin(order[same + 1])]
            raise DuplicateReadingError(int(order[second]), int(order[second + 1]))


def _length(columns: Mapping[str, Sequence[Any]]) -> int:
    for name in REQUIRED:
        if name not in columns:
            raise DiscLoopError(f"readings need a column {name!r}, got {', '.join(columns) or 'none'}")
        if None in columns[name]:
            raise DiscLoopError(f"readings need a {name} in every row, found a blank")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DiscLoopError(f"columns of readings must be equally long, got {lengths}")
    return lengths["patient"]


def _refuse_nameless(index: Ints, level: Column, has_index: bool) -> None:
    if not has_index and bool((level.codes < 0).any()):
        row = int(np.argmax(level.codes < 0))
        raise DiscLoopError(
            f"row {row} has no level; discs are matched by level unless every row has an index"
        )


def _text(values: Sequence[str | None] | None, rows: int) -> Column:
    if values is None:
        return Column(np.full(rows, -1, np.int64), ())
    codes, labels = factorise(values)
    order = sorted(range(len(labels)), key=labels.__getitem__)
    rank = np.full(len(labels) + 1, -1, np.int64)
    rank[order] = np.arange(len(order))
    return Column(rank[codes], tuple(labels[i] for i in order))


def _within(outer: Column, inner: Column) -> Column:
    number = max(len(inner.labels), 1)
    used, codes = np.unique(outer.codes * number + inner.codes, return_inverse=True)
    labels = tuple(map(inner.labels.__getitem__, (used % number).tolist()))
    return Column(codes.astype(np.int64), labels)


def _integers(values: Sequence[int | None] | None, rows: int) -> Ints:
    if values is None:
        return np.full(rows, -1, np.int64)
    if None in values:
        values = [-1 if v is None else v for v in values]
    return np.fromiter(values, np.int64, rows)


def _floats(values: Sequence[float | None] | None, rows: int) -> NDArray[np.float64]:
    if values is None:
        return np.full(rows, np.nan)
    return np.fromiter((np.nan if v is None else v for v in values), np.float64, rows)


def _ranks(values: Sequence[Any] | None, rows: int) -> Ints:
    """Order of the distinct values, from 0; blank sorts first."""
    if values is None:
        return np.zeros(rows, np.int64)
    codes, labels = factorise(values)
    order = sorted(range(len(labels)), key=lambda i: (isinstance(labels[i], str), labels[i]))
    rank = np.zeros(len(labels) + 1, np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[codes]

"""Which readings are compared: rows of the table chosen and laid out as discs x readers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from domain.agreement.moments import Codes
from domain.agreement.readings import Column, Ints, Readings

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Units:
    """U discs of studies (one per arm) by R readers; -1 is missing."""

    readers: tuple[str, ...]
    patient: Ints
    """(U,) codes of the readings' patients."""
    study: Ints
    disc: Ints
    """(U,) codes of study and position, the same in every arm."""
    row: Ints
    """(U,) a row of the readings that speaks of the disc."""
    grade: Codes
    """(U, R) 0 to 4."""
    gradable: Codes
    herniation: Codes
    hiz: Codes
    read: Mask
    """(U, R) whether the reader read the disc's study at all."""
    weight: NDArray[np.float64] | None
    """(U,) inverse inclusion probability, mean 1; None where all count alike."""

    def columns(self, *which: int) -> Units:
        """Some of the readers, on the discs of studies that any of them read."""
        at = list(which)
        chosen = replace(
            self,
            readers=tuple(self.readers[i] for i in at),
            grade=self.grade[:, at],
            gradable=self.gradable[:, at],
            herniation=self.herniation[:, at],
            hiz=self.hiz[:, at],
            read=self.read[:, at],
        )
        return chosen.subset(np.asarray(chosen.read.any(1)))

    def subset(self, keep: Mask) -> Units:
        """The discs that are kept, in order."""
        return Units(
            readers=self.readers,
            patient=self.patient[keep],
            study=self.study[keep],
            disc=self.disc[keep],
            row=self.row[keep],
            grade=self.grade[keep],
            gradable=self.gradable[keep],
            herniation=self.herniation[keep],
            hiz=self.hiz[keep],
            read=self.read[keep],
            weight=None if self.weight is None else self.weight[keep],
        )


def roles(readings: Readings) -> dict[str, str]:
    """Role of each reader: reader, model or consensus."""
    out = dict.fromkeys(readings.reader.labels, "reader")
    stated = readings.role.codes >= 0
    number = len(readings.role.labels)
    for pair in np.unique(readings.reader.codes[stated] * number + readings.role.codes[stated]).tolist():
        out[readings.reader.labels[pair // number]] = readings.role.labels[pair % number]
    return out


def first_signed(readings: Readings) -> Mask:
    """Rows of each reading's first revision (a reading: one reader, study, arm and occasion)."""
    reading = readings.key(readings.study.codes, readings.reader.codes, readings.arm.codes, readings.occasion)
    return _lowest(reading, readings.revision)


def first_occasion(readings: Readings, rows: Mask) -> Mask:
    """Of the given rows those of each reader's first occasion on the study and arm."""
    series = readings.key(readings.study.codes, readings.reader.codes, readings.arm.codes)
    out = np.zeros(len(rows), np.bool_)
    out[rows] = _lowest(series[rows], readings.occasion[rows])
    return out


def _lowest(group: Ints, value: Ints) -> Mask:
    if not len(value) or value.min() == value.max():
        return np.ones(len(value), np.bool_)
    names, inverse = np.unique(group, return_inverse=True)
    lowest = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(lowest, inverse, value)
    return np.asarray(value == lowest[inverse], dtype=np.bool_)


def by_reader_role(readings: Readings, role: str) -> Mask:
    """Rows of readers with this role."""
    named = roles(readings)
    wanted = np.array([named[label] == role for label in readings.reader.labels], np.bool_)
    return wanted[readings.reader.codes] if len(readings) else np.zeros(0, np.bool_)


def lay_out(
    readings: Readings,
    rows: Mask,
    *,
    columns: Ints | None = None,
    names: tuple[str, ...] = (),
    position: Ints | None = None,
    across_arms: bool = False,
) -> Units:
    """Lay rows out as discs x readers.

    Args:
        readings: The table.
        rows: Which of its rows.
        columns: The column each row of the table goes to; default the reader.
        names: Names of those columns.
        position: What discs are matched by; default `Readings.position`.
        across_arms: Put a disc's readings of all arms in one unit.
    """
    at = np.flatnonzero(rows)
    if columns is None:
        used = np.unique(readings.reader.codes[at])
        names = tuple(readings.reader.labels[u] for u in used)
        columns = np.searchsorted(used, readings.reader.codes)
    place = readings.position if position is None else position
    disc = readings.key(readings.study.codes, place)
    arm = np.zeros_like(disc) if across_arms else readings.arm.codes
    unit = readings.key(disc, arm)[at]
    _, first, inverse = np.unique(unit, return_index=True, return_inverse=True)
    column, source = columns[at], at[first]
    study = readings.study.codes[source]
    return Units(
        readers=names,
        patient=readings.patient.codes[source],
        study=study,
        disc=disc[source],
        row=source,
        grade=_matrix(np.maximum(readings.grade[at] - 1, -1), inverse, column, len(first), len(names)),
        gradable=_matrix(readings.gradable[at], inverse, column, len(first), len(names)),
        herniation=_matrix(readings.herniation[at], inverse, column, len(first), len(names)),
        hiz=_matrix(readings.hiz[at], inverse, column, len(first), len(names)),
        read=_studies_read(study, inverse, column, len(names)),
        weight=_weights(readings, source),
    )


def _matrix(values: Ints, unit: Ints, column: Ints, units: int, columns: int) -> Codes:
    out = np.full((units, columns), -1, np.int8)
    out[unit, column] = values
    return out


def _studies_read(study: Ints, unit: Ints, column: Ints, columns: int) -> Mask:
    if not len(study):
        return np.zeros((0, columns), np.bool_)
    names, dense = np.unique(study, return_inverse=True)
    read = np.zeros((len(names), columns), np.bool_)
    read[dense[unit], column] = True
    return np.asarray(read[dense])


def _weights(readings: Readings, source: Ints) -> NDArray[np.float64] | None:
    inclusion = readings.inclusion[source]
    if not len(inclusion) or not np.isfinite(inclusion).any() or (readings.random_share >= 0).any():
        return None
    weight = 1.0 / np.where(np.isfinite(inclusion), inclusion, 1.0)
    return np.asarray(weight / weight.mean())


def attribute(readings: Readings, units: Units, name: str) -> Column:
    """The discs' value of level, index, site, scanner, arm or month."""
    if name == "index":
        values = readings.index[units.row]
        used, codes = np.unique(values, return_inverse=True)
        shift = 1 if len(used) and used[0] < 0 else 0
        return Column(codes.astype(np.int64) - shift, tuple(str(u) for u in used[shift:]))
    column: Column = getattr(readings, name)
    return Column(column.codes[units.row], column.labels)

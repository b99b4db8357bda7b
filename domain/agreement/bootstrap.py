"""Resampling of patients: every statistic of a report is computed on the same resamples.

A resample is how often each patient was drawn. Sections of a report first register what each disc adds to
which sum (`Plan.add`), then `Plan.totals` forms all sums of all resamples in blocks of one sparse product:
cost follows the number of discs, memory the number of sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from domain.agreement.weights import Array

# Patients x resamples held at once: few enough to stay in the processor's cache (16 bit: 1.3 MB).
BLOCK = 640_000
# More members than this are counted row by row, which stays in the processor's cache; the draws are the same.
WIDE = 1000


@dataclass(frozen=True)
class Slot:
    """Where a section's sums stand in the totals."""

    start: int
    stop: int


@dataclass(frozen=True)
class Totals:
    """(1 + B, sums): row 0 as observed, then the resamples."""

    values: Array
    seed: int

    def readers(self, number: int) -> Array:
        """(1 + B, readers): how often each was drawn, the first row once each; the same in every section."""
        blocks = draws(number, resamples=len(self.values) - 1, seed=self.seed + 1)
        return np.concatenate([np.ones((1, number)), *blocks])

    def __getitem__(self, slot: Slot) -> Array:
        return self.values[:, slot.start : slot.stop]


class Plan:
    """Collects which sums are wanted, for patients 0 to `patients` - 1."""

    def __init__(self, patients: int, *, resample_readers: bool = False) -> None:
        self.patients = patients
        self.resample_readers = resample_readers
        self._size = 0
        self._cells: list[NDArray[np.int64]] = []
        self._patients: list[NDArray[np.int64]] = []
        self._amounts: list[Array] = []

    def add(self, cells: ArrayLike, patients: ArrayLike, size: int, amounts: ArrayLike | None = None) -> Slot:
        """Register `size` sums; entry j adds `amounts[j]` (default 1) of `patients[j]` to sum `cells[j]`."""
        cell = np.asarray(cells, dtype=np.int64)
        self._cells.append(cell + self._size)
        self._patients.append(np.asarray(patients, dtype=np.int64))
        self._amounts.append(np.ones(len(cell)) if amounts is None else np.asarray(amounts, dtype=np.float64))
        slot = Slot(self._size, self._size + size)
        self._size += size
        return slot

    def totals(self, *, resamples: int, seed: int) -> Totals:
        """All sums, observed and in each resample; the same seed and patients give the same resamples."""
        shape = (self._size, self.patients)
        if not self._cells or self.patients == 0:
            return Totals(np.zeros((1 + resamples, self._size)), seed)
        entries = (np.concatenate(self._cells), np.concatenate(self._patients))
        matrix = sparse.coo_array((np.concatenate(self._amounts), entries), shape=shape).tocsr()
        out = np.empty((1 + resamples, self._size))
        out[0] = np.asarray(matrix.sum(axis=1)).ravel()
        matrix = matrix.astype(_narrowest(matrix))
        row = 1
        for drawn in draws(self.patients, resamples=resamples, seed=seed, dtype=matrix.dtype):
            out[row : row + len(drawn)] = (matrix @ np.ascontiguousarray(drawn.T)).T
            row += len(drawn)
        return Totals(out, seed)


def _narrowest(matrix: sparse.csr_array) -> np.dtype[Any]:
    """The smallest type that holds every sum of any resample exactly; half the width is twice the speed."""
    whole = bool((matrix.data == np.round(matrix.data)).all()) and bool((matrix.data >= 0).all())
    largest = float(matrix.max()) * matrix.shape[1] if matrix.nnz else 0.0
    if whole and largest < 2**16:
        return np.dtype(np.uint16)
    return np.dtype(np.float32 if whole and largest < 2**24 else np.float64)


def draws(
    members: int, *, resamples: int, seed: int, dtype: np.dtype[Any] | type[np.generic] = np.float64
) -> Iterator[NDArray[Any]]:
    """Blocks (b, members) of how often each member was drawn; `resamples` rows in all."""
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK // max(members, 1))
    for start in range(0, resamples, block):
        yield _drawn(rng, min(block, resamples - start), members, dtype)


def _drawn(
    rng: np.random.Generator, rows: int, members: int, dtype: np.dtype[Any] | type[np.generic]
) -> NDArray[Any]:
    if members > WIDE:
        out = np.empty((rows, members), dtype)
        for row in out:
            row[:] = np.bincount(rng.integers(0, members, members), minlength=members)
        return out
    places = rng.integers(0, members, (rows, members)) + members * np.arange(rows)[:, None]
    return np.bincount(places.ravel(), minlength=rows * members).reshape(rows, members).astype(dtype)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979, Scand J Stat 6:65), in the given order."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = worst
    return adjusted


def bootstrap_p(differences: Array) -> float:
    """Two-sided p that a difference is zero: twice the smaller tail of its resamples, at least 2/(B+1)."""
    finite = differences[np.isfinite(differences)]
    if not len(finite):
        return float("nan")
    tail = min(int((finite <= 0).sum()), int((finite >= 0).sum()))
    return float(min(1.0, 2.0 * (tail + 1) / (len(finite) + 1)))

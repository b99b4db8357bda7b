"""The sums that every agreement coefficient is a function of.

Each sum is linear in the discs, so its value in a bootstrap resample of patients is a weighted sum of the
patients' own: the discs are visited once, however many resamples are asked for. Axes before the named
ones are batch axes (resamples, strata).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.agreement.weights import Array

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class IccSums:
    """Sums over discs that every reader graded, for a two-way analysis of variance."""

    discs: Array
    """(...)"""
    readers: Array
    """(..., R): sum of each reader's grades."""
    squared_rows: Array
    """(...): sum of squared disc totals."""
    squares: Array
    """(...): sum of squared grades."""


@dataclass(frozen=True)
class Moments:
    """K categories, R readers; r_ic is the number of readers who put disc i in category c, r_i their sum."""

    agree: Array
    """(..., K, K): sum of r_ic (r_ik - [c = k]) / (r_i (r_i - 1)); in all the discs with two readings."""
    coincidences: Array
    """(..., K, K): sum of r_ic (r_ik - [c = k]) / (r_i - 1), Krippendorff's matrix."""
    pairs: Array
    """(..., K, K): sum of r_ic (r_ik - [c = k]), ordered pairs of readings."""
    shares: Array
    """(..., K): sum of r_ic / r_i; its total is the discs with a reading."""
    margins: Array
    """(..., R, K): each reader's readings."""
    icc: IccSums
    times: Array | None = None
    """(..., R): how often each reader was drawn; None where readers are fixed."""


def from_tables(tables: Array) -> Moments:
    """Moments of two readers from their cross-tables, (..., K, K), first reader in rows."""
    k = tables.shape[-1]
    both = tables + np.swapaxes(tables, -1, -2)
    ones, grade = np.ones(k), np.arange(1, k + 1, dtype=np.float64)
    rows, columns = tables @ ones, np.matmul(ones, tables)
    total, square = grade[:, None] + grade, grade[:, None] ** 2 + grade**2
    wanted = np.stack([np.ones(k * k), total.ravel() ** 2, square.ravel()], 1)
    sums = tables.reshape(*tables.shape[:-2], k * k) @ wanted
    icc = IccSums(
        discs=sums[..., 0],
        readers=np.stack([rows @ grade, columns @ grade], -1),
        squared_rows=sums[..., 1],
        squares=sums[..., 2],
    )
    return Moments(both / 2, both, both, (rows + columns) / 2, np.stack([rows, columns], -2), icc)


def cells_of_pair(codes: Codes, categories: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Discs with both readings and their cell, row-major, in the cross-table.

    Args:
        codes: (N, 2) categories 0 to K - 1; negative is missing.
        categories: K.

    Returns:
        Rows of `codes`, and the cell of each.
    """
    units = np.flatnonzero((codes[:, 0] >= 0) & (codes[:, 1] >= 0))
    first, second = codes[units, 0].astype(np.intp), codes[units, 1].astype(np.intp)
    return units, first * categories + second


def counts(codes: Codes, categories: int) -> Array:
    """(N, K): readers who put each disc in each category; codes (N, R), negative is missing."""
    disc, reader = np.nonzero(codes >= 0)
    cell = disc * categories + codes[disc, reader]
    out = np.bincount(cell, minlength=len(codes) * categories)
    return out.reshape(len(codes), categories).astype(np.float64)


@dataclass(frozen=True)
class ManyReaders:
    """How the moments of R readers lie in one flat vector of sums."""

    categories: int
    readers: int

    @property
    def size(self) -> int:
        """Length of the vector."""
        k = self.categories
        return 3 * k * k + k + self.readers * k + 3 + self.readers

    def features(self, codes: Codes) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """What each disc adds: (disc, cell, amount) of non-zero terms; codes (N, R), negative is missing."""
        k = self.categories
        r = counts(codes, k)
        total = r.sum(1)
        upper, other = np.triu_indices(k)
        both = r[:, upper] * (r[:, other] - (upper == other))
        # Symmetric matrices travel as their upper triangle, off-diagonal terms doubled.
        both = both * np.where(upper == other, 1.0, 2.0)
        triangle = np.zeros((len(codes), 3, k * k))
        several = np.maximum(total, 2.0)[:, None]
        place = upper * k + other
        triangle[:, 0, place] = both / (several * (several - 1))
        triangle[:, 1, place] = both / (several - 1)
        triangle[:, 2, place] = both
        share = r / np.maximum(total, 1.0)[:, None]
        margins = np.stack([codes == c for c in range(k)], 2).astype(np.float64)
        dense = np.concatenate(
            [
                triangle.reshape(len(codes), 3 * k * k),
                share,
                margins.reshape(len(codes), self.readers * k),
                _icc_features(codes),
            ],
            1,
        )
        disc, cell = np.nonzero(dense)
        return disc, cell, dense[disc, cell]

    def icc_features(self, codes: Codes) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """The last 3 + R of the features alone, as (disc, cell, amount)."""
        dense = _icc_features(codes)
        disc, cell = np.nonzero(dense)
        return disc, cell, dense[disc, cell]

    def moments(self, sums: Array) -> Moments:
        """Moments from summed features, (..., size), or (..., size + R) with how often readers were drawn."""
        k, lead = self.categories, sums.shape[:-1]
        times = sums[..., self.size :] if sums.shape[-1] > self.size else None
        sums = sums[..., : self.size]
        ends = np.cumsum([k * k, k * k, k * k, k, self.readers * k, 1, self.readers, 1])
        parts = np.split(sums, ends, axis=-1)
        square = [p.reshape(*lead, k, k) for p in parts[:3]]
        agree, coincidences, pairs = ((m + np.swapaxes(m, -1, -2)) / 2 for m in square)
        icc = IccSums(parts[5][..., 0], parts[6], parts[7][..., 0], parts[8][..., 0])
        margins = parts[4].reshape(*lead, self.readers, k)
        return Moments(agree, coincidences, pairs, parts[3], margins, icc, times)


def _icc_features(codes: Codes) -> Array:
    """(N, 3 + R): 1, grades by reader, squared total, sum of squares; 0 unless every reader graded."""
    complete = (codes >= 0).all(1, keepdims=True)
    grades = np.where(complete, codes.astype(np.float64) + 1, 0.0)
    return np.concatenate(
        [complete, grades, grades.sum(1, keepdims=True) ** 2, (grades**2).sum(1, keepdims=True)], 1
    )

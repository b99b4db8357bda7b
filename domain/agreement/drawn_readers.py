"""Moments when readers are resampled too: each resample draws readers as often as chance has it.

A reader drawn twice would agree with himself, so only pairs of different readers count, as often as both were
drawn. The sums kept for it are linear in the discs, like all others: cross-tables of the pairs of readers and
each reader's grades, apart for each set of readers that read a disc, because a disc's weight depends on how
many of its readers were drawn.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from domain.agreement.moments import Codes, ManyReaders, Moments
from domain.agreement.weights import Array
from domain.errors import DiscLoopError

FEWEST = 4
"""Resampling fewer readers tells little of readers like them."""


MOST_SUMS = 50_000
"""Beyond this the sums of 2,000 resamples take more than 0.8 GB."""


class DrawnReaders:
    """The sums of R readers' discs, and how they become those of `ManyReaders` once readers are drawn.

    Raises:
        DiscLoopError: If there are too many different sets of readers of a disc.
    """

    def __init__(self, many: ManyReaders, codes: Codes, strata: int) -> None:
        self.many, self.strata = many, strata
        read = codes >= 0
        self._read, self._set = np.unique(read, axis=0, return_inverse=True)
        self._set = self._set.ravel()
        members = [np.flatnonzero(row).tolist() for row in self._read]
        couples = [(s, a, b) for s, who in enumerate(members) for a, b in combinations(who, 2)]
        ones = [(s, a) for s, who in enumerate(members) for a in who]
        self._couples = np.array(couples, np.int64).reshape(-1, 3)
        self._ones = np.array(ones, np.int64).reshape(-1, 2)
        if self.size * strata > MOST_SUMS:
            raise DiscLoopError(
                f"{len(members)} different sets of {many.readers} readers read a disc: too many to resample "
                "readers too; resample patients only"
            )

    @property
    def size(self) -> int:
        """Sums of one stratum."""
        k = self.many.categories
        return len(self._couples) * k * k + len(self._ones) * k + 3 + self.many.readers

    def features(self, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
        """What each disc adds: (disc, cell, amount), as in `ManyReaders.features`."""
        k = self.many.categories
        parts = [self._cells(codes, (a, b), s, j * k * k) for j, (s, a, b) in enumerate(self._couples)]
        start = len(self._couples) * k * k
        parts += [self._cells(codes, (a,), s, start + j * k) for j, (s, a) in enumerate(self._ones)]
        disc, cell, amount = self.many.icc_features(codes)
        parts.append((disc, cell + start + len(self._ones) * k))
        amounts = np.concatenate([np.ones(sum(len(d) for d, _ in parts[:-1])), amount])
        return np.concatenate([d for d, _ in parts]), np.concatenate([c for _, c in parts]), amounts

    def _cells(
        self, codes: Codes, readers: tuple[int, ...], readers_set: int, start: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        disc = np.flatnonzero(self._set == readers_set)
        cell = np.zeros(len(disc), np.int64)
        for reader in readers:
            cell = cell * self.many.categories + codes[disc, reader]
        return disc, start + cell

    def moments(self, sums: Array, times: Array) -> Moments:
        """Moments with the readers drawn, batch axes (1 + B, strata).

        Args:
            sums: (1 + B, strata * size).
            times: (1 + B, R) how often each reader was drawn.
        """
        # In blocks, for the intermediate products are larger than the sums.
        blocks = [self._drawn(sums[i : i + 100], times[i : i + 100]) for i in range(0, len(sums), 100)]
        return self.many.moments(np.concatenate(blocks))

    def _drawn(self, sums: Array, times: Array) -> Array:
        """(b, strata, features of `ManyReaders` and how often each reader was drawn)."""
        k, b = self.many.categories, len(sums)
        flat = sums.reshape(b, self.strata, self.size)
        ends = np.cumsum([len(self._couples) * k * k, len(self._ones) * k])
        tables, grades, icc = np.split(flat, ends, axis=-1)
        tables = tables.reshape(b, self.strata, len(self._couples), k * k)
        grades = grades.reshape(b, self.strata, len(self._ones), k)
        s, first, second = self._couples.T
        drawn = times @ self._read.T
        different = drawn**2 - times**2 @ self._read.T
        both = times[:, first] * times[:, second]
        agree = both / np.maximum(different[:, s], 1.0)
        # Ordered pairs: `ManyReaders.moments` takes the mean of a matrix and its transpose.
        squares = [
            2 * np.einsum("bj,bsjc->bsc", weight, tables) for weight in (agree, agree * drawn[:, s], both)
        ]
        of_set, reader = self._ones.T
        share = np.einsum("bj,bsjc->bsc", times[:, reader] / np.maximum(drawn[:, of_set], 1.0), grades)
        margins = np.einsum("rj,bsjc->bsrc", np.arange(self.many.readers)[:, None] == reader, grades)
        often = np.broadcast_to(times[:, None, :], (b, self.strata, self.many.readers))
        # An analysis of variance has no place for a reader drawn twice: defined as observed only.
        whole = np.where((times == 1).all(1)[:, None, None], icc, 0.0)
        parts = [*squares, share, margins.reshape(b, self.strata, -1), whole, often]
        return np.concatenate(parts, -1)

"""Looking for text burnt into the pixels: an export's overlay of name and date.

Letters of an overlay are thin strokes of one value that no tissue reaches, sharp against what lies behind,
standing in rows. Tissue at that brightness is broad, or fades at its edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label

Pixels = NDArray[np.uint16]
_STROKE = 5
"""Pixels: what a 5 x 5 opening removes is thin."""
_HEIGHT = (4, 40)
_LETTERS = 4
_MARGIN = 0.2
"""Share of the picture's height and width in which text may be masked; further in it is rejected."""


@dataclass(frozen=True)
class Text:
    """A row of letters: rows and columns of the picture."""

    top: int
    bottom: int
    left: int
    right: int

    def marginal(self, shape: tuple[int, ...]) -> bool:
        """Whether it lies outside of what a reader needs."""
        rows, columns = shape
        return (
            self.bottom <= rows * _MARGIN
            or self.top >= rows * (1 - _MARGIN)
            or self.right <= columns * _MARGIN
            or self.left >= columns * (1 - _MARGIN)
        )


def find_text(image: Pixels) -> list[Text]:
    """Rows of at least four letters in a slice."""
    brightest = int(image.max())
    if brightest < 16:
        return []
    top = image >= math.ceil(brightest * 0.985)
    many = np.count_nonzero(top)
    if many < 6 * _LETTERS or many > 0.08 * top.size:
        return []
    rows, columns = _ending(image, top, brightest * 0.6)
    # Only where so much is left: it takes longer than all of the above.
    if rows.size >= 6 * _LETTERS:
        thin = _opened(image, rows, columns) < brightest * 0.7
        rows, columns = rows[thin], columns[thin]
    if rows.size < 6 * _LETTERS:
        return []
    strokes = np.zeros(image.shape, bool)
    strokes[rows, columns] = True
    labels, _ = label(binary_dilation(strokes, iterations=1) & (image >= brightest * 0.9), np.ones((3, 3)))
    letters = [box for box in find_objects(labels) if _HEIGHT[0] <= box[0].stop - box[0].start <= _HEIGHT[1]]
    return [text for text in _rows_of(letters) if _stands_out(image, strokes, text)]


def _ending(image: Pixels, top: NDArray[np.bool_], dark: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the brightest pixels that have a dark one two pixels away: a stroke ends within a
    pixel, the blurred edge of bright tissue does not. The picture counts as closed round its edges."""
    height, width = image.shape
    rows, columns = np.divmod(np.flatnonzero(top), width)
    nearby = np.minimum.reduce(
        [image[rows, (columns + step) % width] for step in (-2, 2)]
        + [image[(rows + step) % height, columns] for step in (-2, 2)]
    )
    ending = nearby < dark
    return rows[ending], columns[ending]


def _opened(image: Pixels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Pixels:
    """The grey opening of a picture at some pixels only: the brightest of the squares' darkest values."""
    padded = np.pad(image, _STROKE - 1, mode="symmetric")
    around = sliding_window_view(padded, (2 * _STROKE - 1, 2 * _STROKE - 1))[rows, columns]
    for fold in (np.minimum, np.maximum):
        for axis in (1, 2):
            count = around.shape[axis] - _STROKE + 1
            around = fold.reduce([around.take(range(k, k + count), axis) for k in range(_STROKE)])
    return around[:, 0, 0]


def _stands_out(image: Pixels, strokes: NDArray[np.bool_], text: Text) -> bool:
    """Whether what lies between the letters is darker than they are: fat with fine strands is not."""
    place = np.s_[text.top : text.bottom, text.left : text.right]
    between = ~binary_dilation(strokes[place], iterations=2)
    if not between.any():
        return True
    return float((image[place][between] > 0.6 * float(image.max())).mean()) < 0.1


def _rows_of(letters: list[tuple[slice, slice]]) -> list[Text]:
    """Letters of like height on one line, close to each other."""
    found: list[Text] = []
    left = sorted(letters, key=lambda box: (box[0].start, box[1].start))
    while left:
        first = left.pop(0)
        height = first[0].stop - first[0].start
        line = [first, *[o for o in left if _alike(first, o, height)]]
        left = [o for o in left if o not in line]
        line.sort(key=lambda box: box[1].start)
        for run in _runs(line, reach=height * 3):
            if len(run) >= _LETTERS:
                rows, columns = [b[0] for b in run], [b[1] for b in run]
                found.append(
                    Text(
                        min(r.start for r in rows),
                        max(r.stop for r in rows),
                        min(c.start for c in columns),
                        max(c.stop for c in columns),
                    )
                )
    return found


def _alike(first: tuple[slice, slice], other: tuple[slice, slice], height: int) -> bool:
    """Whether two shapes stand on one line and are of one height, within a third."""
    slack = max(height // 3, 1)
    return bool(abs(other[0].start - first[0].start) <= slack and abs(other[0].stop - first[0].stop) <= slack)


def _runs(line: list[tuple[slice, slice]], reach: int) -> list[list[tuple[slice, slice]]]:
    runs: list[list[tuple[slice, slice]]] = []
    for box in line:
        if runs and box[1].start - runs[-1][-1][1].stop <= reach:
            runs[-1].append(box)
        else:
            runs.append([box])
    return runs


def mask_text(image: Pixels, texts: list[Text], border: int = 6) -> Pixels:
    """A copy with the rows of text, and a border round them, black."""
    masked = image.copy()
    for text in texts:
        masked[
            max(text.top - border, 0) : text.bottom + border, max(text.left - border, 0) : text.right + border
        ] = 0
    return masked

"""The column of discs among the detector's candidates: one chain from the lowest disc up.

A wrong count shifts every grade of the patient, so candidates are not taken one by one: the chain with the
best sum of evidence and geometry is found by dynamic programming, and holes in it are filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_backend.samples import BoxArray

Scores = npt.NDArray[np.float32]
Costs = npt.NDArray[np.float64]
ACCEPT = 0.25
"""A candidate of this score neither helps nor harms the chain."""
SPACING_TO_WIDTH = 0.86
"""Distance to the next disc by the discs' width: median of the drawn boxes."""
SPACING_SPREAD = 0.8
"""Difference of that ratio's logarithm that costs half a unit of evidence: patients differ much."""
NEAREST, FARTHEST = 0.26, 3.6
STEEPEST = 1.7
"""Largest sideways step between neighbours, by the upward step: a steep lumbosacral angle is 1.2."""
STEP_SPREAD = 0.35
"""Difference of the logarithms of neighbouring steps that costs half a unit."""
TURN_SPREAD = 0.45
"""Radians between neighbouring steps that cost half a unit."""
WORST_BEND = 2.0
"""Most that an uneven pair of steps costs: about as much as a disc found with certainty brings in."""
HOLE = 1.62
"""A distance this many times its neighbours' is a missed disc."""
FILLED_SCORE = 0.1
MOST = 24
"""Candidates looked at."""


@dataclass(frozen=True)
class Column:
    """Discs from the lowest up.

    Attributes:
        boxes: (discs, 4).
        scores: (discs,), 0 to 1; filled holes have `FILLED_SCORE`.
        doubt: 0 (sure of the count) to 1.
    """

    boxes: BoxArray
    scores: Scores
    doubt: float

    @property
    def count(self) -> int:
        """Discs found."""
        return len(self.boxes)


def suppress_overlaps(boxes: BoxArray, scores: Scores, *, overlap: float = 0.4) -> npt.NDArray[np.intp]:
    """Indices of the candidates left after greedy non-maximum suppression, best first."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        sides = np.minimum(boxes[best, 2:], boxes[order, 2:]) - np.maximum(boxes[best, :2], boxes[order, :2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        smaller = np.minimum(areas[best], areas[order])
        union = areas[best] + areas[order] - shared
        order = order[(shared <= overlap * union) & (shared <= 0.7 * smaller)]
    return np.array(kept, np.intp)


def trace_column(boxes: BoxArray, scores: Scores) -> Column:
    """The chain of discs with the best evidence.

    Args:
        boxes: (candidates, 4), any order.
        scores: (candidates,), 0 to 1.

    Returns:
        The column, empty if nothing is better than nothing.
    """
    if not len(boxes):
        return Column(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 1.0)
    kept = suppress_overlaps(boxes, scores)[:MOST]
    boxes, scores = boxes[kept], scores[kept]
    order = np.argsort(-(boxes[:, 1] + boxes[:, 3]), kind="stable")
    boxes, scores = boxes[order], scores[order]
    gains = _evidence(scores)
    chain = _best_chain(gains, _step_costs(boxes), _bend_costs(boxes))
    if not chain:
        return Column(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 1.0)
    left_out = [float(scores[i]) for i in range(len(scores)) if i not in chain]
    filled_boxes, filled_scores = fill_holes(boxes[chain], scores[chain])
    return Column(filled_boxes, filled_scores, _doubt(filled_scores, left_out))


def fill_holes(boxes: BoxArray, scores: Scores) -> tuple[BoxArray, Scores]:
    """Put the mean of its neighbours where a step is about twice the steps next to it."""
    if len(boxes) < 4:
        return boxes, scores
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    out_boxes, out_scores = [boxes[0]], [scores[0]]
    for i, step in enumerate(steps):
        near = np.median(np.delete(steps, i)[max(0, i - 2) : i + 2])
        if step > HOLE * near:
            out_boxes.append((boxes[i] + boxes[i + 1]) / 2)
            out_scores.append(np.float32(FILLED_SCORE))
        out_boxes.append(boxes[i + 1])
        out_scores.append(scores[i + 1])
    return np.array(out_boxes, np.float32), np.array(out_scores, np.float32)


def _evidence(scores: Scores) -> Costs:
    clipped = np.clip(scores.astype(np.float64), 0.005, 0.98)
    return np.asarray(np.log(clipped / (1 - clipped)) - np.log(ACCEPT / (1 - ACCEPT)), np.float64)


def _step_costs(boxes: BoxArray) -> Costs:
    """(candidates, candidates): cost of stepping from the lower i up to j; infinite where impossible."""
    widths = boxes[:, 2] - boxes[:, 0]
    across, up = _steps(boxes)
    ratio = np.hypot(across, up) / np.maximum((widths[:, None] + widths[None]) / 2, 1e-6)
    possible = (up > 0) & (np.abs(across) <= STEEPEST * up) & (ratio >= NEAREST) & (ratio <= FARTHEST)
    safe = np.where(possible, ratio, 1.0)
    uneven = np.log(np.maximum(widths[:, None], 1e-6) / np.maximum(widths[None], 1e-6)) / 0.6
    cost = 0.5 * (np.log(safe / SPACING_TO_WIDTH) / SPACING_SPREAD) ** 2 + 0.5 * uneven**2
    return np.asarray(np.where(possible, cost, np.inf), np.float64)


def _bend_costs(boxes: BoxArray) -> Costs:
    """(candidates, candidates, candidates): cost of the step i to j followed by the step j to k."""
    across, up = _steps(boxes)
    length = np.log(np.maximum(np.hypot(across, up), 1e-6))
    angle = np.arctan2(across, np.maximum(up, 1e-6))
    longer = (length[:, :, None] - length[None]) / STEP_SPREAD
    turn = (angle[:, :, None] - angle[None]) / TURN_SPREAD
    return np.asarray(np.minimum(0.5 * longer**2 + 0.5 * turn**2, WORST_BEND), np.float64)


def _steps(boxes: BoxArray) -> tuple[Costs, Costs]:
    """Sideways and upward distance from each candidate i to each j."""
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.float64)
    return centres[None, :, 0] - centres[:, None, 0], centres[:, None, 1] - centres[None, :, 1]


def _best_chain(gains: Costs, costs: Costs, bends: Costs) -> list[int]:
    """Indices of the best chain, lowest first; candidates come ordered from the lowest up.

    `best[i, j]` is the value of the best chain that ends with the step i to j.
    """
    count = len(gains)
    best, before = gains[:, None] + gains[None] - costs, np.full((count, count), -1)
    for j in range(count):
        for k in range(j + 1, count):
            through = best[:j, j] - bends[:j, j, k] if j else np.zeros(0)
            if np.isfinite(costs[j, k]) and len(through) and through.max() > gains[j]:
                before[j, k] = int(np.argmax(through))
                best[j, k] = through.max() + gains[k] - costs[j, k]
    i, j = divmod(int(np.argmax(best)), count)
    if count < 2 or best[i, j] <= gains.max():
        alone = int(np.argmax(gains))
        return [alone] if gains[alone] > 0 else []
    chain = [j, i]
    while before[chain[-1], chain[-2]] >= 0:
        chain.append(int(before[chain[-1], chain[-2]]))
    return chain[::-1]


def _doubt(scores: Scores, left_out: list[float]) -> float:
    """How close the weakest disc came to being left out, or the strongest other candidate to being in."""
    weakest = float(scores.min())
    strongest = max(left_out, default=0.0)
    return float(np.clip(max(1 - weakest / (2 * ACCEPT), strongest / (2 * ACCEPT)), 0, 1))

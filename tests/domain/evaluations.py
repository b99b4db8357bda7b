"""Evaluations of simulated models on simulated test patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.evaluation import EvaluatedDisc, EvaluatedStudy, Evaluation, LesionCounts, Serving

Grades = NDArray[np.int64]
Probs = tuple[float, float, float, float, float]
SERVED = Serving(runtime="openvino", slices=150, same_grades=1.0, box_px=0.1, milliseconds=10.0)


def truths(patients: int, *, shares: Probs = (0.15, 0.25, 0.3, 0.2, 0.1), seed: int = 0) -> Grades:
    """(P, 5) true grades."""
    return np.random.default_rng(seed).choice(5, size=(patients, 5), p=shares) + 1


def evaluation(
    true: Grades,
    *,
    right: float,
    model: str,
    seed: int,
    right_of: dict[int, float] | None = None,
    missed: float = 0.0,
    herniation: float = 0.8,
) -> Evaluation:
    """A model that is right with probability `right` (or `right_of` its grade) and else one step off."""
    rng = np.random.default_rng(seed)
    items = []
    for patient, row in enumerate(true):
        discs = []
        for index, grade in enumerate(row.tolist(), 1):
            hit = rng.random() < (right_of or {}).get(grade, right)
            said = grade if hit else int(np.clip(grade + rng.choice((-1, 1)), 1, 5))
            said = said if hit or said != grade else (2 if grade == 1 else 4)
            probs = [0.05] * 5
            probs[said - 1] = 0.8
            found = bool(rng.random() >= missed)
            discs.append(
                EvaluatedDisc(
                    index=index,
                    truth=grade,
                    predicted=said if found else None,
                    probs=(probs[0], probs[1], probs[2], probs[3], probs[4]) if found else None,
                    matched=found,
                )
            )
        marked = bool(rng.random() < herniation)
        items.append(
            EvaluatedStudy(
                study=f"study-{patient:04d}",
                patient=f"pat-{patient:04d}",
                discs=tuple(discs),
                herniations=LesionCounts(true_positive=int(marked), false_negative=int(not marked)),
            )
        )
    return Evaluation(model=model, split="test", items=tuple(items), serving=SERVED)

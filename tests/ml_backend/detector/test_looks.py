"""Two looks at a slice: what both see stays, what one sees counts half, and when a second one is taken."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ml_backend.detector.looks import closer_side, merge_looks
from ml_backend.model import LoadedModel
from ml_backend.weights import ModelDescription

Floats = npt.NDArray[np.float32]


def rows(*candidates: list[float]) -> Floats:
    return np.array(candidates, np.float32).reshape(-1, 5)


def test_what_both_see_is_one_candidate_between_them() -> None:
    merged = merge_looks([rows([0, 0, 40, 20, 0.6]), rows([0, 4, 40, 24, 0.2])])
    assert merged == pytest.approx(rows([0, 1, 40, 21, 0.4]))


def test_what_one_sees_counts_half_and_its_own_neighbours_do_not_count_twice() -> None:
    merged = merge_looks([rows([0, 0, 40, 20, 0.8], [1, 0, 41, 20, 0.7]), rows([0, 60, 40, 80, 0.5])])
    assert merged == pytest.approx(rows([0, 0, 40, 20, 0.4], [0, 60, 40, 80, 0.25]))
    assert merge_looks([rows(), rows()]).shape == (0, 5)


@pytest.mark.parametrize(("weakest", "looks", "found"), [(0.8, 1, 3), (0.35, 2, 4)])
def test_a_second_look_is_taken_where_the_count_is_in_doubt(weakest: float, looks: int, found: int) -> None:
    """Drawn on a slice of 96 x 192: a disc that the first look misses, the larger one sees."""
    seen: list[int] = []

    def detector(side: int, heights: list[int], scores: list[float]) -> object:
        def run(pictures: Floats) -> tuple[Floats, ...]:
            seen.append(pictures.shape[-1])
            scale = side / 192
            discs = [[20 * scale, y * scale, 60 * scale, (y + 12) * scale] for y in heights]
            candidates = [[*disc, score] for disc, score in zip(discs, scores, strict=True)]
            return np.array([candidates], np.float32), np.zeros((1, 128), np.float32)

        return run

    first = detector(384, [130, 95, 60], [0.8, weakest, 0.8])
    second = detector(512, [130, 95, 60, 25], [0.8, 0.8, 0.8, 0.8])
    description = ModelDescription(version="drawn", sha256="0" * 64, side=384, graders=1)
    model = LoadedModel(description, first, second, first, None)  # type: ignore[arg-type]
    column = model.find([np.zeros((192, 96), np.uint8)])[0].column
    assert seen == [384, closer_side(384)][:looks]
    assert column.count == found
    assert column.boxes[0] == pytest.approx([20, 130, 60, 142], abs=0.1)

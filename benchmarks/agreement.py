"""The whole agreement report at 10,000 studies, and how much faster it is than a loop over scikit-learn."""

from __future__ import annotations

import resource
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from domain.agreement import Readings, report

SIZES = (2_500, 5_000, 10_000)
DISCS = 5
RESAMPLES = 2000
LOOPED = 20
"""Resamples that the loop is timed on; its cost is proportional to them."""
LEVELS = ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")


def make_grades(studies: int, seed: int = 0) -> NDArray[np.int64]:
    """(studies, discs, 2 readers) grades."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, (studies, DISCS, 1))
    return np.asarray(np.clip(truth + rng.choice([-1, 0, 0, 0, 1], (studies, DISCS, 2)), 1, 5))


def make_columns(grades: NDArray[np.int64], seed: int = 0) -> dict[str, list[Any]]:
    """Columns of a table of readings, as `discloop agreement` names them."""
    studies = len(grades)
    rows = studies * DISCS * 2
    study = np.repeat(np.arange(studies), DISCS * 2).tolist()
    rng = np.random.default_rng(seed)
    return {
        "patient": [f"p{s}" for s in study],
        "study": [f"s{s}" for s in study],
        "level": [level for level in LEVELS for _ in range(2)] * studies,
        "reader": ["A", "B"] * (studies * DISCS),
        "pfirrmann": grades.ravel().tolist(),
        "herniation": (rng.random(rows) < 0.2).astype(int).tolist(),
        "hiz": (rng.random(rows) < 0.1).astype(int).tolist(),
    }


def _report_seconds(studies: int) -> tuple[float, float]:
    """Best wall time and best processor time of the whole report, from columns of plain values on."""
    columns = make_columns(make_grades(studies))
    wall, processor = [], []
    for _ in range(3):
        start, began = perf_counter(), process_time()
        report(Readings.from_columns(columns), resamples=RESAMPLES)
        wall.append(perf_counter() - start)
        processor.append(process_time() - began)
    return min(wall), min(processor)


def _loop_seconds(studies: int) -> float:
    """scikit-learn's linear kappa alone, over all resamples of patients (measured on some, scaled)."""
    grades = make_grades(studies)
    rng = np.random.default_rng(0)
    start = process_time()
    for _ in range(LOOPED):
        drawn = grades[rng.integers(0, studies, studies)].reshape(-1, 2)
        cohen_kappa_score(drawn[:, 0], drawn[:, 1], weights="linear")
    return (process_time() - start) * RESAMPLES / LOOPED


def measure() -> dict[str, Any]:
    """The report's seconds by size, the loop's, their ratio, growth, and the process's peak memory.

    Ratio and growth are of processor time, so that what else runs on the machine does not count.
    """
    seconds = {size: _report_seconds(size) for size in SIZES}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    smallest, largest = SIZES[0], SIZES[-1]
    loop = _loop_seconds(largest)
    growth = seconds[largest][1] / seconds[smallest][1] / (largest / smallest)
    return {
        "seconds": {str(size): round(wall, 3) for size, (wall, _) in seconds.items()},
        "processor_seconds": {str(size): round(own, 3) for size, (_, own) in seconds.items()},
        "loop_of_one_kappa_processor_seconds": round(loop, 1),
        "times_faster": round(loop / seconds[largest][1], 1),
        "growth_over_growth_of_data": round(growth, 2),
        "peak_mib": round(peak),
    }

"""Small tables of readings for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.agreement import AgreementReport, Readings, report

LEVELS = ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")


def columns(patients: int, readers: int = 2, *, seed: int = 0, **more: Any) -> dict[str, list[Any]]:
    """Simulated readings of five discs a patient; `more` adds columns as functions of the patient."""
    rng = np.random.default_rng(seed)
    names = ("patient", "study", "level", "reader", "pfirrmann", "herniation", "hiz", *more)
    out: dict[str, list[Any]] = {name: [] for name in names}
    for p in range(patients):
        for level in LEVELS:
            truth = int(rng.integers(1, 6))
            for r in range(readers):
                row = {
                    "patient": f"p{p}",
                    "study": f"s{p}",
                    "level": level,
                    "reader": "ABCDEF"[r],
                    "pfirrmann": int(np.clip(truth + rng.choice([-1, 0, 0, 0, 1]), 1, 5)),
                    "herniation": int(truth + rng.integers(-1, 2) >= 5),
                    "hiz": int(rng.random() < 0.2),
                }
                for name, value in {**row, **{k: f(p) for k, f in more.items()}}.items():
                    out[name].append(value)
    return out


def from_pairs(*pairs: tuple[int | None, int | None], one_patient: bool = False) -> Readings:
    """Two readers, one disc a study."""
    names = ("patient", "study", "level", "reader", "pfirrmann")
    rows = [
        (f"p{0 if one_patient else i}", f"s{i}", "L4/5", reader, grade)
        for i, pair in enumerate(pairs)
        for reader, grade in zip("AB", pair, strict=True)
        if grade is not None
    ]
    return Readings.from_columns({n: [row[i] for row in rows] for i, n in enumerate(names)})


def quick(readings: Readings, **options: Any) -> AgreementReport:
    """The report with few resamples."""
    return report(readings, resamples=200, **options)

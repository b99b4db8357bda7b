"""Patient-level folds: a patient is in exactly one, whatever number of slices they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def assign_folds(strata: Mapping[str, str], folds: int, *, seed: int) -> dict[str, int]:
    """Deal patients into folds, evenly within each stratum.

    Args:
        strata: Stratum of each patient, for instance "drawn" or "unboxed".
        folds: Number of folds.
        seed: The same seed and patients give the same folds.

    Returns:
        The fold of each patient, 0 to `folds` - 1.
    """
    generator = np.random.default_rng(seed)
    assigned: dict[str, int] = {}
    for stratum in sorted(set(strata.values())):
        patients = sorted(patient for patient, value in strata.items() if value == stratum)
        start = int(generator.integers(folds))
        for position, chosen in enumerate(generator.permutation(len(patients))):
            assigned[patients[int(chosen)]] = (start + position) % folds
    return assigned


def shared_patients(splits: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Patients that occur in more than one split, with the splits' names."""
    seen: dict[str, list[str]] = {}
    for split, patients in splits.items():
        for patient in set(patients):
            seen.setdefault(patient, []).append(split)
    return {patient: sorted(names) for patient, names in seen.items() if len(names) > 1}

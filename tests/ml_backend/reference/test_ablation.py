"""The ablation: its variants, that training is deterministic, and that a reading can be tabulated."""

from __future__ import annotations

import torch

from ml_backend.reference.ablation import Options, read, train, variants
from ml_backend.reference.network import Changes
from ml_backend.tables import tabulate
from tests.ml_backend.spines import DISCS, labelled_spine

OPTIONS = Options(epochs=1, side=64, batch=2)


def test_each_variant_leaves_out_one_change() -> None:
    found = variants(OPTIONS)
    assert [name for name in found if name.startswith("without")] == list(found)[1:-1]
    for name, (changes, options) in found.items():
        left_out = [*vars(changes).values(), options.augment].count(False)
        assert left_out == {"all": 0, "none": 5}.get(name, 1)


def test_training_is_deterministic_and_its_readings_can_be_tabulated() -> None:
    slices = [labelled_spine(f"p{i}", seed=i) for i in range(2)]
    first, second = (train(slices, Changes(), OPTIONS) for _ in range(2))
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    tables = tabulate(read(first, slices, OPTIONS.side), threshold=0.5, resamples=0)
    assert tables["per_disc"]["discs"] == 2 * (DISCS - 1)
    assert tables["herniation"]["per_disc"] == "not evaluable"

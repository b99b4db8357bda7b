"""Grey values are counted as NumPy sorts them."""

from __future__ import annotations

import numpy as np
import pytest

from ml_backend.tone import percentiles


@pytest.mark.parametrize("size", [1, 2, 3, 100, 12_288])
@pytest.mark.parametrize("greys", [1, 2, 256])
def test_percentiles_are_numpys(size: int, greys: int) -> None:
    values = np.random.default_rng(size).integers(0, greys, size, dtype=np.uint8)
    shares = (0.0, 0.5, 1.0, 37.5, 99.0, 100.0)
    assert percentiles(values, shares) == pytest.approx(np.percentile(values, shares), abs=1e-9)

"""Four studies that two readers read; one of a scanner with a name that a spreadsheet would compute."""

from __future__ import annotations

import pytest

from tests.backend.loop import read_all
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

FORMULA = '=HYPERLINK("http://x.example","1,2")\n-1'


@pytest.fixture
def read_twice(workplace: Workplace) -> Workplace:
    """Twenty discs, two of them graded otherwise."""
    studies = [a_study(n, axial=False) for n in range(1, 5)]
    series = studies[0].series[0].model_copy(update={"scanner": {"manufacturer": FORMULA}})
    studies[0] = studies[0].model_copy(update={"series": (series,)})
    workplace.ready(*studies)
    otherwise = {"study-0001-sagittal": (3, 4, 3, 2, 1), "study-0003-sagittal": (5, 3, 3, 2, 1)}
    read_all(workplace, otherwise)
    workplace.work("outbox", "comparisons")
    return workplace

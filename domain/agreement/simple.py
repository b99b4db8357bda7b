"""One statistic of two readers, without a table of readings."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from domain.agreement import weights as w
from domain.agreement.asked import ONE_CATEGORY
from domain.agreement.bootstrap import Plan
from domain.agreement.coefficients import kappa
from domain.agreement.estimates import NO_PAIR, Statistic, summarise
from domain.agreement.moments import from_tables
from domain.agreement.pair import kappa_standard_error
from domain.agreement.readings import factorise
from domain.errors import DiscLoopError
from domain.taxonomy import GRADES


def linear_kappa(
    pairs: Sequence[tuple[int, int]],
    patients: Sequence[Hashable],
    *,
    resamples: int = 2000,
    seed: int = 1,
) -> Statistic:
    """Linear weighted kappa of paired grades, with its interval by resampling patients.

    Args:
        pairs: Two grades, 1 to 5, of each disc.
        patients: Whose disc it is.
        resamples: Bootstrap resamples.
        seed: Of the resampling.

    Raises:
        DiscLoopError: If lengths differ or a grade is not 1 to 5.
    """
    if len(pairs) != len(patients):
        raise DiscLoopError(
            f"linear_kappa needs a patient for each pair, got {len(pairs)} and {len(patients)}"
        )
    grades = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if len(grades) and not np.isin(grades, GRADES).all():
        raise DiscLoopError(f"grades must be 1 to 5, got {sorted(set(grades.ravel().tolist()))}")
    codes, people = factorise(list(patients))
    categories = len(GRADES)
    plan = Plan(len(people))
    slot = plan.add((grades[:, 0] - 1) * categories + grades[:, 1] - 1, codes, categories**2)
    tables = plan.totals(resamples=resamples, seed=seed)[slot].reshape(-1, categories, categories)
    weights = w.linear(categories)
    return summarise(
        kappa(from_tables(tables), weights),
        undefined=ONE_CATEGORY if len(grades) else NO_PAIR,
        patients=len(people),
        se_analytic=kappa_standard_error(tables[0], weights),
    )

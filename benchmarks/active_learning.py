"""scikit-activeml's strategies beside the product's ranking, in the same simulation, on the same seeds.

`python -m benchmarks.active_learning ../shared/data/spider 20` prints the report as `discloop simulate` does.
Discs are scored by the strategies that want a classifier, a patient by their mean; the others see a patient's
mean features, which stand in for the detector's embedding. No strategy is tuned here.
scikit-activeml is no dependency of DiscLoop: `uv pip install --python .venv scikit-activeml` first.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skactiveml import pool
from skactiveml.classifier import SklearnClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from discloop.simulate.data import Discs, Floats, read_discs
from discloop.simulate.grader import STRENGTH
from discloop.simulate.readers import ErrorModel
from discloop.simulate.report import run
from discloop.simulate.strategies import STRATEGIES, Moment, Strategy, embedded
from domain.taxonomy import GRADES

MEMBERS = 5
SEEDS = 20
APART = 1e-4
"""Of a standard deviation."""


def _classifier(seed: int) -> SklearnClassifier:
    return SklearnClassifier(
        LogisticRegression(C=STRENGTH, max_iter=300), classes=list(GRADES), random_state=seed
    )


def by_disc(make: Callable[[int], Any], **fitted: Callable[[int], Any]) -> Strategy:
    """A strategy that scores discs with the classifiers in `fitted`; a patient by the mean of theirs."""

    def choose(now: Moment, count: int, seed: int) -> list[int]:
        scaler = StandardScaler().fit(now.read.features)
        everything = scaler.transform(np.vstack([now.pool.features, now.read.features]))
        labels = np.concatenate([np.full(len(now.pool.grade), np.nan), now.grade])
        models = {name: model(seed) for name, model in fitted.items()}
        _, utilities = make(seed).query(X=everything, y=labels, **models, return_utilities=True)
        utility = utilities[0, : len(now.pool.grade)]
        mean = [utility[now.pool.patient == patient].mean() for patient in now.pool.patients]
        return [int(patient) for patient in now.pool.patients[np.argsort(-np.array(mean))[:count]]]

    return choose


def by_patient(make: Callable[[int], Any]) -> Strategy:
    """A strategy that looks at where patients lie and which of them were read."""

    def choose(now: Moment, count: int, seed: int) -> list[int]:
        places = np.vstack([embedded(now.pool), embedded(now.read)])
        read = np.concatenate([np.full(len(now.pool.patients), np.nan), np.zeros(len(now.read.patients))])
        wanted = min(count, len(now.pool.patients))
        chosen = make(seed).query(X=_scaled(places), y=read, batch_size=wanted)
        return [int(patient) for patient in now.pool.patients[chosen]]

    return choose


def _scaled(places: Floats) -> Floats:
    """Standardised, no two patients at one place: twins leave `TypiClust` without a cluster to choose."""
    apart = np.random.default_rng(1).normal(scale=APART, size=places.shape)
    return np.asarray(StandardScaler().fit_transform(places) + apart, dtype=np.float64)


def _committee(seed: int) -> list[SklearnClassifier]:
    """Members that differ in how strongly they are held back."""
    return [
        SklearnClassifier(
            LogisticRegression(C=strength, max_iter=300), classes=list(GRADES), random_state=seed
        )
        for strength in np.geomspace(0.01, 10, MEMBERS)
    ]


def _seeded(kind: Callable[..., Any], **options: Any) -> Callable[[int], Any]:
    return lambda seed: kind(random_state=seed, **options)


THEIRS: dict[str, Strategy] = {
    "entropy (skactiveml)": by_disc(_seeded(pool.UncertaintySampling, method="entropy"), clf=_classifier),
    "margin (skactiveml)": by_disc(
        _seeded(pool.UncertaintySampling, method="margin_sampling"), clf=_classifier
    ),
    "committee (skactiveml)": by_disc(
        _seeded(pool.QueryByCommittee, method="KL_divergence"), ensemble=_committee
    ),
    "core set (skactiveml)": by_patient(_seeded(pool.CoreSet)),
    "typical clusters (skactiveml)": by_patient(_seeded(pool.TypiClust)),
}


def measure(discs: Discs, seeds: int = SEEDS) -> dict[str, Any]:
    """Each strategy's labels over random order's, as `discloop simulate` reports them; simulated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report, _ = run(discs, seeds=seeds, errors=ErrorModel.STATED, strategies={**STRATEGIES, **THEIRS})
    return report.model_dump(mode="json")


if __name__ == "__main__":
    folder, *more = sys.argv[1:]
    found = measure(read_discs(Path(folder)), int(more[0]) if more else SEEDS)
    for name, one in found["strategies"].items():
        sys.stdout.write(f"{name}: {one['labels_ratio']}, rare found {one['rare_found']}\n")

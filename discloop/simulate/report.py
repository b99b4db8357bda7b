"""From runs to `labels_ratio` with its interval, and to a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from discloop.simulate.data import Discs, Floats, Ints
from discloop.simulate.readers import ErrorModel
from discloop.simulate.replay import BATCH, FIRST, TEST_SHARE, Curve, replay
from discloop.simulate.strategies import STRATEGIES, Strategy

TARGET_SHARE = 0.9
"""Fixed beforehand: the target is this share of random order's value with every label, seed by seed."""
TUNING_PATIENTS = 60
TUNING_SEED = 99
"""The ranking's weights were chosen on these patients alone; they take no part in what is reported."""
RESAMPLES = 2000
GRID = 5
"""Labels between two points of a mean curve."""
BASELINE, OURS = "random", "ranked"
STARVED_AFTER = 200
"""Labelled discs after which the rarest grade's finds are compared."""


class Ratio(BaseModel):
    """A value with its 95% interval from resampling the paired seeds."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float


class StrategyReport(BaseModel):
    """One strategy against random order."""

    labels_ratio: Ratio
    minutes_ratio: Ratio
    by_seed: Ratio
    labels_needed: float
    """Where the mean curve reaches the target; every label where it never does."""
    censored: int
    """Runs that never reach the target."""
    rare_found: float
    """Discs of the rarest grade among the first 200 labelled discs, mean over seeds."""


class SimulationReport(BaseModel):
    """What `discloop simulate --json` prints."""

    simulated: bool = True
    labels_ratio: Ratio
    """Labels that the product's ranking needs, over those that random order needs."""
    minutes_ratio: Ratio
    strategies: dict[str, StrategyReport]
    error_model: ErrorModel
    patients_resampled: bool
    """Whether each seed drew its patients with replacement."""
    seeds: int
    patients: int
    discs: int
    by_seed: Ratio
    """The same, seed by seed."""
    target: str
    full_value: float
    """Random order's linear kappa with every label, mean over seeds."""
    method: str


METHOD = (
    "Simulated. Grades are the data set's; two readers and an adjudicator are simulated with the stated "
    "error model; a logistic regression on the table's other attributes stands in for the network, so "
    "nothing here says how well images are graded. Each seed splits the patients anew "
    f"({TEST_SHARE:.0%} test), reads {FIRST} patients at random, then {BATCH} at a time; the strategies of a "
    "seed share patients, first readings and readers' errors. Weights of the ranking were chosen on other "
    "patients. labels_ratio and minutes_ratio: where the mean curves over seeds first reach the target; "
    "by_seed: where each seed's own curve does, which is noisier. Intervals from 2,000 resamples of seeds, "
    "pairs kept; unless patients are resampled, seeds share them, and intervals are narrower than for new."
)


def reported_patients(discs: Discs) -> Ints:
    """All patients but those the weights were chosen on (of a small data set a third)."""
    order = np.random.default_rng(TUNING_SEED).permutation(discs.patients)
    return np.sort(order[min(TUNING_PATIENTS, len(order) // 3) :])


def run(
    discs: Discs,
    *,
    seeds: int,
    errors: ErrorModel,
    strategies: Mapping[str, Strategy] = STRATEGIES,
    resample: bool = False,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[SimulationReport, dict[str, list[Curve]]]:
    """Replay every strategy with every seed.

    Args:
        discs: Labelled discs.
        seeds: Paired runs of each strategy.
        errors: How the simulated readers err.
        strategies: By name; `random` and `ranked` are among them.
        resample: Draw each seed's patients with replacement, so that intervals are for new patients as well.
        done: Hears of each run that has ended, and of how many.
    """
    reported = discs.of(reported_patients(discs))
    curves: dict[str, list[Curve]] = {name: [] for name in strategies}
    for seed in range(seeds):
        for number, (name, strategy) in enumerate(strategies.items(), start=1):
            curves[name].append(replay(reported, strategy, seed=seed, errors=errors, resample=resample))
            done(seed * len(strategies) + number, seeds * len(strategies))
    targets = [TARGET_SHARE * float(curve.smooth[-1]) for curve in curves[BASELINE]]
    needed = {name: _needed(runs, targets) for name, runs in curves.items()}
    reports = {
        name: _strategy(runs, curves[BASELINE], needed[name], needed[BASELINE], targets)
        for name, runs in curves.items()
    }
    report = SimulationReport(
        labels_ratio=reports[OURS].labels_ratio,
        minutes_ratio=reports[OURS].minutes_ratio,
        strategies=reports,
        by_seed=reports[OURS].by_seed,
        error_model=errors,
        patients_resampled=resample,
        seeds=seeds,
        patients=len(reported.patients),
        discs=len(reported.grade),
        target=f"{TARGET_SHARE:.0%} of random order's linear kappa with every label",
        full_value=round(float(np.mean([curve.smooth[-1] for curve in curves[BASELINE]])), 4),
        method=METHOD,
    )
    return report, curves


def _needed(runs: Sequence[Curve], targets: Sequence[float]) -> Floats:
    """(seeds, 2) labels and minutes until the target; everything there is where it is never reached."""
    found = [
        curve.needed(target) or (int(curve.labels[-1]), float(curve.minutes[-1]))
        for curve, target in zip(runs, targets, strict=True)
    ]
    return np.array(found, dtype=np.float64)


def _strategy(
    runs: Sequence[Curve],
    baseline: Sequence[Curve],
    needed: Floats,
    needed_at_random: Floats,
    targets: Sequence[float],
) -> StrategyReport:
    ours, theirs = _crossings(runs, baseline), _crossings(baseline, baseline)
    return StrategyReport(
        labels_ratio=_interval(ours[:, 0] / theirs[:, 0]),
        minutes_ratio=_interval(ours[:, 1] / theirs[:, 1]),
        by_seed=_ratio(needed[:, 0], needed_at_random[:, 0]),
        labels_needed=round(float(ours[0, 0]), 1),
        censored=sum(curve.needed(target) is None for curve, target in zip(runs, targets, strict=True)),
        rare_found=round(float(np.mean([_rare(curve) for curve in runs])), 2),
    )


def _crossings(runs: Sequence[Curve], baseline: Sequence[Curve]) -> Floats:
    """(1 + B, 2) labels and minutes where the mean curve reaches the target: observed, then resamples."""
    grid = np.arange(GRID, max(int(curve.labels[-1]) for curve in runs) + GRID, GRID)
    kappas = np.array([np.interp(grid, curve.labels, curve.smooth) for curve in runs])
    minutes = np.array([np.interp(grid, curve.labels, curve.minutes) for curve in runs])
    full = np.array([curve.smooth[-1] for curve in baseline])
    found = []
    for seeds in _resamples(len(runs)):
        reached = np.flatnonzero(kappas[seeds].mean(0) >= TARGET_SHARE * full[seeds].mean())
        at = int(reached[0]) if len(reached) else len(grid) - 1
        found.append((float(grid[at]), float(minutes[seeds][:, at].mean())))
    return np.array(found)


def _resamples(seeds: int) -> list[Ints]:
    """All seeds once, then as many drawn with replacement; the same for every strategy."""
    drawn = np.random.default_rng(1).integers(0, seeds, (RESAMPLES, seeds))
    return [np.arange(seeds), *drawn]


def _interval(replicates: Floats) -> Ratio:
    low, high = np.quantile(replicates[1:], (0.025, 0.975))
    return Ratio(value=round(float(replicates[0]), 4), low=round(float(low), 4), high=round(float(high), 4))


def _rare(curve: Curve) -> int:
    return int(curve.rare[min(int(np.searchsorted(curve.labels, STARVED_AFTER)), len(curve.rare) - 1)])


def _ratio(ours: Floats, baseline: Floats) -> Ratio:
    """The ratio of means over seeds."""
    return _interval(np.array([ours[s].mean() / baseline[s].mean() for s in _resamples(len(ours))]))

"""Coverage of the 95% interval of linear kappa, by simulation.

Two readers grade five discs a patient. Each disc has a latent degeneration, each reading adds an error; both
are correlated within the patient. Cutting the latent values at four thresholds gives five grades with the
stated margins, and the correlation of two readings is solved so that the population's linear kappa is the
stated one. Run: `python -m tests.soak_agreement --out docs/evidence/agreement_coverage.md`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from domain.agreement import linear_kappa
from domain.agreement import weights as w
from domain.agreement.coefficients import kappa
from domain.agreement.moments import from_tables

DISCS = 5
WITHIN = 0.3
"""Correlation of two discs of one patient, of latent grades and of reading errors alike."""
MARGINS = {
    "even": (0.2, 0.2, 0.2, 0.2, 0.2),
    "skewed": (0.04, 0.30, 0.34, 0.22, 0.10),
    "very skewed": (0.70, 0.15, 0.08, 0.05, 0.02),
}
PATIENTS = (20, 40, 100)
KAPPAS = (0.4, 0.6, 0.8, 0.9)


@dataclass(frozen=True)
class Cell:
    margins: str
    patients: int
    kappa: float
    repetitions: int
    seed: int


def population_table(correlation: float, margins: tuple[float, ...]) -> NDArray[np.float64]:
    """Joint probabilities of two readers' grades."""
    cuts = np.concatenate([[-8.0], stats.norm.ppf(np.cumsum(margins)[:-1]), [8.0]])
    normal = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    cdf = np.array([[normal.cdf([a, b]) for b in cuts] for a in cuts])
    return np.asarray(np.diff(np.diff(cdf, axis=0), axis=1))


def solve(target: float, margins: tuple[float, ...]) -> float:
    """The latent correlation at which the population's linear kappa is `target`."""

    def miss(correlation: float) -> float:
        table = population_table(correlation, margins)
        return float(kappa(from_tables(table), w.linear(len(margins)))) - target

    return float(optimize.brentq(miss, 0.05, 0.9995, xtol=1e-6))


def clustered(rng: np.random.Generator, patients: int) -> NDArray[np.float64]:
    """(patients, DISCS) standard normal, correlated `WITHIN` within the patient."""
    shared = rng.standard_normal((patients, 1))
    own = rng.standard_normal((patients, DISCS))
    return np.asarray(np.sqrt(WITHIN) * shared + np.sqrt(1 - WITHIN) * own)


def simulate(cell: Cell) -> tuple[Cell, float, float, float, int]:
    """Coverage by patient bootstrap and by the disc-wise interval, mean width, and undefined repetitions."""
    margins = MARGINS[cell.margins]
    correlation = solve(cell.kappa, margins)
    cuts = stats.norm.ppf(np.cumsum(margins)[:-1])
    rng = np.random.default_rng([cell.seed, cell.patients, round(cell.kappa * 100), len(cell.margins)])
    whose = np.repeat(np.arange(cell.patients), DISCS).tolist()
    hit = naive = undefined = 0
    widths = []
    for repetition in range(cell.repetitions):
        truth = np.sqrt(correlation) * clustered(rng, cell.patients)
        readings = [truth + np.sqrt(1 - correlation) * clustered(rng, cell.patients) for _ in range(2)]
        grades = np.stack([np.digitize(r, cuts) + 1 for r in readings], -1).reshape(-1, 2)
        pairs = [(int(a), int(b)) for a, b in grades]
        got = linear_kappa(pairs, whose, seed=repetition)
        if got.value is None or got.low is None or got.high is None or got.se_analytic is None:
            undefined += 1
            continue
        hit += got.low <= cell.kappa <= got.high
        naive += abs(got.value - cell.kappa) <= 1.959964 * got.se_analytic
        widths.append(got.high - got.low)
    used = max(cell.repetitions - undefined, 1)
    return cell, hit / used, naive / used, float(np.mean(widths)), undefined


def page(rows: list[tuple[Cell, float, float, float, int]], commit: str) -> str:
    """The evidence page."""
    first = rows[0][0]
    lines = [
        "# Coverage of the 95% interval of linear kappa (simulated)",
        "",
        f"Commit `{commit}`, seed {first.seed}, {first.repetitions} repetitions a row, 2,000 resamples each. "
        f"Two readers, {DISCS} discs a patient, correlation {WITHIN} between discs of a patient in latent "
        "grade and in reading error. Margins: "
        + "; ".join(f"{name} {'/'.join(f'{m:.0%}' for m in values)}" for name, values in MARGINS.items())
        + ". The simulation error of a coverage of 95% is 0.7 points (one standard error). Made by "
        "`python -m tests.soak_agreement`.",
        "",
        "| margins | patients | kappa | patient bootstrap | disc-wise (naive) | mean width | undefined |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {c.margins} | {c.patients} | {c.kappa} | {hit:.1%} | {naive:.1%} | {width:.3f} | {undefined} |"
        for c, hit, naive, width, undefined in rows
    ]
    for patients in PATIENTS:
        hits = [hit for c, hit, *_ in rows if c.patients == patients]
        if hits:
            lines += ["", f"{patients} patients: {min(hits):.1%} to {max(hits):.1%}."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the grid; exit 1 if coverage from 40 patients on is outside 93 to 97%."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    cells = [
        Cell(margins, patients, target, options.repetitions, options.seed)
        for margins in MARGINS
        for patients in PATIENTS
        for target in KAPPAS
    ]
    with Pool(options.processes) as pool:
        rows = pool.map(simulate, cells, chunksize=1)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    text = page(rows, commit)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    outside = [row for row in rows if row[0].patients >= 40 and not 0.93 <= row[1] <= 0.97]
    for cell, hit, *_ in outside:
        sys.stderr.write(f"{cell.margins}, {cell.patients} patients, kappa {cell.kappa}: {hit:.1%}\n")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes `agreement.json`: what other packages say of 200 random tables of readings.

Runs in an environment of its own (`requirements.txt` beside this file), because irrCAC pins old NumPy and
SciPy: `python agreement.py > agreement.json`. The tests read the JSON; see docs/decisions/0200.
"""

import json
import sys
import warnings

import krippendorff
import numpy as np
import pandas as pd
import pingouin
from irrCAC.raw import CAC
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import SquareTable, mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

SEED = 20261121
TABLES = 200
GRADES = [1, 2, 3, 4, 5]
DIGITS = 15


def random_table(rng, number):
    """(discs, readers) grades 1 to 5, NaN where missing; every third table complete."""
    readers = int(rng.integers(2, 7))
    discs = int(rng.integers(12, 80))
    margins = rng.dirichlet(np.ones(5) * rng.choice([0.4, 1.0, 5.0]))
    truth = rng.choice(GRADES, size=discs, p=margins)
    noise = rng.choice([-2, -1, 0, 1, 2], size=(discs, readers), p=[0.03, 0.15, 0.64, 0.15, 0.03])
    table = np.clip(truth[:, None] + noise, 1, 5).astype(float)
    if number % 3:
        table[rng.random(table.shape) < rng.uniform(0.02, 0.3)] = np.nan
    return table


def number(value):
    value = float(value)
    return value if np.isfinite(value) else None


def with_irrcac(table):
    frame = pd.DataFrame(table)
    out = {}
    for name, weights in (("", "identity"), ("_linear", "linear"), ("_quadratic", "quadratic")):
        cac = CAC(frame.copy(), weights=weights, categories=[float(g) for g in GRADES], digits=DIGITS)
        gwet = cac.gwet()["est"]
        out["ac1" if not name else f"ac2{name}"] = number(gwet["coefficient_value"])
        out["se_ac1" if not name else f"se_ac2{name}"] = number(gwet["se"])
        out[f"conger{name}"] = number(cac.conger()["est"]["coefficient_value"])
    return out


def with_krippendorff(table):
    out = {}
    for level in ("nominal", "ordinal", "interval", "ratio"):
        try:
            value = krippendorff.alpha(table.T, level_of_measurement=level, value_domain=GRADES)
        except ValueError:
            value = float("nan")
        out[f"alpha_{level}"] = number(value)
    return out


def with_pingouin(table):
    complete = table[~np.isnan(table).any(1)]
    if len(complete) < 5:
        return {}
    discs, readers = complete.shape
    frame = pd.DataFrame(
        {
            "disc": np.repeat(np.arange(discs), readers),
            "reader": np.tile(np.arange(readers), discs),
            "grade": complete.ravel(),
        }
    )
    icc = pingouin.intraclass_corr(frame, targets="disc", raters="reader", ratings="grade").set_index("Type")
    row = icc.loc["ICC2"] if "ICC2" in icc.index else icc.loc["ICC(A,1)"]
    return {"icc_2_1": number(row["ICC"])}


def with_two(table):
    """The first two readers, on the discs both graded."""
    both = table[:, :2][~np.isnan(table[:, :2]).any(1)].astype(int)
    if len(both) < 5 or len(np.unique(both)) < 2:
        return {}
    first, second = both.T
    out = {"paired": len(both)}
    for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        out[name] = number(cohen_kappa_score(first, second, labels=GRADES, weights=weights))
    counts = np.array([[((first == a) & (second == b)).sum() for b in GRADES] for a in GRADES])
    out["se_kappa"] = number(cohens_kappa(counts, return_results=True).std_kappa)
    out["kappa_max"] = number(cohens_kappa(counts, return_results=True).kappa_max)
    for name in ("linear", "quadratic"):
        out[f"se_kappa_{name}"] = number(cohens_kappa(counts, wt=name).std_kappa)
    used = [g for g in range(5) if counts[g].sum() + counts[:, g].sum() - 2 * counts[g, g] > 0]
    square = counts[np.ix_(used, used)].astype(float)
    if len(used) > 1:
        try:
            test = SquareTable(square, shift_zeros=False).homogeneity()
            out["stuart_maxwell"] = [number(test.statistic), int(test.df), number(test.pvalue)]
        except np.linalg.LinAlgError:
            pass
    present = np.array([[((first >= 4) == a) & ((second >= 4) == b) for b in (0, 1)] for a in (0, 1)]).sum(-1)
    out["presence"] = {
        "table": present.tolist(),
        "kappa": number(cohen_kappa_score(first >= 4, second >= 4)),
        "mcnemar": number(mcnemar(present, exact=False, correction=False).pvalue),
        "mcnemar_exact": number(mcnemar(present, exact=True).pvalue),
    }
    return out


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(SEED)
    cases = []
    for i in range(TABLES):
        table = random_table(rng, i)
        cases.append(
            {
                "ratings": [[None if np.isnan(v) else int(v) for v in row] for row in table],
                "irrCAC": with_irrcac(table),
                "krippendorff": with_krippendorff(table),
                "pingouin": with_pingouin(table),
                "two": with_two(table),
            }
        )
    json.dump({"seed": SEED, "cases": cases}, sys.stdout, separators=(",", ":"))


main()

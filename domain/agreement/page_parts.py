"""What the report's page is built of: its style, tables, and numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import compress

from domain.agreement.charts import words
from domain.agreement.estimates import Statistic
from domain.agreement.schema import Test

LABELS = {
    "percent_agreement": "Percent agreement",
    "within_one": "Within one grade",
    "kappa": "Kappa, unweighted",
    "kappa_linear": "Kappa, linear",
    "kappa_quadratic": "Kappa, quadratic",
    "ac1": "Gwet AC1",
    "ac2_linear": "Gwet AC2, linear",
    "ac2_quadratic": "Gwet AC2, quadratic",
    "alpha_nominal": "Alpha, nominal",
    "alpha_ordinal": "Alpha, ordinal",
    "alpha_interval": "Alpha, interval",
    "alpha_ratio": "Alpha, ratio",
    "icc_2_1": "ICC(2,1)",
}
PRESENCE = {
    "percent_agreement": "Percent agreement",
    "kappa": "Kappa",
    "ac1": "Gwet AC1",
    "alpha_nominal": "Alpha, nominal",
    "positive_agreement": "Positive agreement",
    "negative_agreement": "Negative agreement",
}
NOTE = ' class="note"'
CSS = """
:root{color-scheme:light dark;--ink:#16191d;--paper:#fff;--quiet:#565d66;--rule:#d5d9de}
@media(prefers-color-scheme:dark){:root{--ink:#eceef0;--paper:#14171a;--quiet:#a8afb7;--rule:#3a4047}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}main{max-width:1160px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.6rem;margin:0 0 4px}
h2{font-size:1.2rem;margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:20px 0 6px}.lead{font-size:1.15rem}.quiet{color:var(--quiet)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 11px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
td{white-space:nowrap}td:first-child{white-space:normal;min-width:7rem}td.note{white-space:normal;min-width:15rem}
.two{display:grid;gap:16px 32px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
details{margin:12px 0}summary{cursor:pointer}
.two>*{min-width:0}figure{margin:8px 0;overflow-x:auto}.methods{max-width:75ch}
@media print{main{max-width:none}h2{break-after:avoid}}
"""


def statistics_table(rows: Iterable[tuple[str, Statistic]]) -> str:
    """A line a statistic; columns in which nothing stands are left out."""
    body = [[label, words(s, 3), _number(s.se), _number(s.se_analytic), s.reason or ""] for label, s in rows]
    header = ["Statistic", "Value (95%)", "SE", "SE, disc-wise", "Note"]
    used = [any(column) for column in zip(*body, strict=True)]
    return table(list(compress(header, used)), [list(compress(row, used)) for row in body])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself on a narrow screen; a last column `Note` may wrap."""
    cells = [
        "".join(
            f"<td{NOTE if name == 'Note' else ''}>{escape(cell)}</td>"
            for name, cell in zip(header, row, strict=True)
        )
        for row in rows
    ]
    if not cells:
        return ""
    names = "".join(f'<th scope="col">{escape(h)}</th>' for h in header)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def test_words(test: Test) -> str:
    if test.statistic is None or test.p is None:
        return test.reason or "not defined"
    exact = "" if test.p_exact is None else f", exact p {test.p_exact:.3g}"
    return f"chi-square {test.statistic:.2f}, {test.df} df, p\N{NO-BREAK SPACE}{test.p:.3g}{exact}"


def p_words(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

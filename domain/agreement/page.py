"""The report as one self-contained HTML file: no script, no address, no font from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from domain.agreement.charts import forest, heat_map, trend, words
from domain.agreement.estimates import Statistic
from domain.agreement.schema import Agreement, AgreementReport, Pooled, PresenceAgreement, Reference, Test

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
font:16px/1.5 system-ui,sans-serif}main{max-width:1080px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.6rem;margin:0 0 4px}
h2{font-size:1.2rem;margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:20px 0 6px}.lead{font-size:1.15rem}.quiet{color:var(--quiet)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 14px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
td,th{white-space:nowrap}td.note{white-space:normal;min-width:15rem}
.two{display:grid;gap:16px 32px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.two>*{min-width:0}figure{margin:8px 0;overflow-x:auto}.methods{max-width:75ch}
@media print{main{max-width:none}h2{break-after:avoid}}
"""


def page(report: AgreementReport, *, title: str = "Agreement") -> str:
    """The whole report as HTML; `title` is usually the file's name."""
    parts = [
        _head(report, title),
        _overview(report),
        _grades(report),
        _presence(report),
        _pairs(report),
        _breakdowns(report),
        _trend(report),
        _readers(report),
        _arms(report),
        _references(report),
        _comparisons(report),
        f'<h2>Methods</h2><p class="methods">{escape(report.methods)}</p>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} – agreement</title><style>{CSS}</style></head><body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _head(report: AgreementReport, title: str) -> str:
    n, headline = report.n, report.kappa_linear
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    verdict = f"Linear kappa <strong>{words(headline)}</strong>"
    if headline.reason:
        verdict += f' <span class="quiet">({escape(headline.reason)})</span>'
    arm = f", arm {escape(report.settings.arm)}" if report.settings.arm else ""
    return (
        f'<h1>Agreement: {escape(title)}</h1><p class="lead">{verdict}</p>'
        f'<p class="quiet">{n.paired} discs graded by two readers or more, of {n.union} graded by any; '
        f"{n.patients} patients, {n.studies} studies{arm}. {escape(', '.join(report.source.readers))}.</p>"
        + (f"<ul>{notes}</ul>" if notes else "")
    )


def _overview(report: AgreementReport) -> str:
    rows = [(label, getattr(report, name)) for name, label in LABELS.items()]
    chart = forest(rows, name="overview", title="Agreement on the Pfirrmann grade, 95% intervals")
    extra = [
        ("Second minus first reader, grades", report.mean_signed_difference),
        ("Largest kappa the margins allow", report.kappa_max),
        ("Largest linear kappa the margins allow", report.kappa_linear_max),
    ]
    if len(report.pairs) > 1:
        extra = []  # they belong to the pairs
    if report.by_named_level is not None:
        extra.append(("Linear kappa, matched by named level", report.by_named_level.kappa_linear))
    return (
        f"<h2>Grades</h2><figure>{chart}</figure>{_statistics_table(extra)}"
        f"<details><summary>Values, standard errors</summary>{_statistics_table(rows)}</details>"
    )


def _statistics_table(rows: Iterable[tuple[str, Statistic]]) -> str:
    body = [[label, words(s, 3), _number(s.se), _number(s.se_analytic), s.reason or ""] for label, s in rows]
    return _table(["Statistic", "Value (95%)", "SE", "SE, disc-wise", "Note"], body)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
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


def _grades(report: AgreementReport) -> str:
    rows = [
        [
            f"Grade {g.category}",
            str(g.readings),
            words(g.specific_agreement),
            words(g.prevalence_index),
            words(g.bias_index),
        ]
        for g in report.by_grade
    ]
    specific = _table(["Grade", "Readings", "Specific agreement", "Prevalence index", "Bias index"], rows)
    tests = "".join(
        f"<p>{name}: {escape(_test(test))}</p>"
        for name, test in (
            ("Stuart-Maxwell, discs independent", report.marginal_homogeneity.disc_wise),
            ("The same, clustered by patient", report.marginal_homogeneity.clustered),
        )
    )
    extended = heat_map(report.table_with_missing, name="extended", title="With not gradable and missing")
    return (
        '<h2>Where the readers part</h2><div class="two">'
        f"<figure>{heat_map(report.table, name='grades')}</figure><div>{specific}{tests}</div></div>"
        "<details><summary>With not gradable and missing</summary>"
        f"<figure>{extended}</figure></details>"
    )


def _test(test: Test) -> str:
    if test.statistic is None or test.p is None:
        return test.reason or "not defined"
    exact = "" if test.p_exact is None else f", exact p {test.p_exact:.3g}"
    return f"chi-square {test.statistic:.2f}, {test.df} df, p {test.p:.3g}{exact}"


def _presence(report: AgreementReport) -> str:
    out = ["<h2>Herniation, high-intensity zone, gradability</h2>"]
    findings = (
        ("Herniation", "herniation", report.herniation),
        ("High-intensity zone", "hiz", report.hiz),
        ("Gradable", "gradability", report.gradability),
    )
    for title, name, finding in findings:
        out.append(f"<h3>{title}</h3>{_one_presence(finding, title, name)}")
    return "".join(out)


def _one_presence(finding: PresenceAgreement, title: str, name: str) -> str:
    n = finding.n
    if n.paired == 0:
        return f'<p class="quiet">No disc was assessed for it by two readers ({n.union} by any).</p>'
    rows = [(label, getattr(finding, field)) for field, label in PRESENCE.items()]
    chart = forest(rows, name=name, title=f"{title}: agreement per disc, 95% intervals")
    notes = "; ".join(f"{label}: {s.reason}" for label, s in rows if s.reason)
    return (
        f'<p class="quiet">{n.paired} discs assessed by two readers or more, of {n.union} by any.</p>'
        f"<figure>{chart}</figure>"
        + (f'<p class="quiet">{escape(notes)}</p>' if notes else "")
        + f"<p>McNemar, discs independent: {escape(_test(finding.mcnemar.disc_wise))}; "
        f"clustered by patient: {escape(_test(finding.mcnemar.clustered))}</p>"
    )


def _pairs(report: AgreementReport) -> str:
    if len(report.pairs) < 2:
        return ""
    rows = [(" and ".join(p.readers), p.kappa_linear) for p in report.pairs]
    chart = forest(rows, name="pairs", title="Linear kappa by pair")
    out = f"<h2>Pairs of readers</h2><figure>{chart}</figure>"
    if report.pooled_pairs is not None:
        pooled = report.pooled_pairs
        fixed = [(LABELS[f], getattr(pooled.readers_fixed, f)) for f in Pooled.model_fields]
        drawn = [(LABELS[f], getattr(pooled.readers_resampled, f)) for f in Pooled.model_fields]
        out += f"<h3>All pairs pooled, these readers</h3>{_statistics_table(fixed)}"
        reason = pooled.readers_resampled.kappa_linear.reason
        told = f'<p class="quiet">{escape(reason)}</p>' if reason else _statistics_table(drawn)
        out += f"<h3>All pairs pooled, readers like these</h3>{told}"
    return out


def _breakdowns(report: AgreementReport) -> str:
    out = []
    for breakdown in report.breakdowns:
        if breakdown.by == "month" or not breakdown.strata:
            continue
        rows = [(f"{s.name} (n {s.n.paired})", s.kappa_linear) for s in breakdown.strata]
        chart = forest(rows, name=f"by-{breakdown.by}", title=f"Linear kappa by {breakdown.by}")
        out.append(f"<div><h3>By {breakdown.by}</h3><figure>{chart}</figure></div>")
    return f'<h2>Breakdowns</h2><div class="two">{"".join(out)}</div>' if out else ""


def _trend(report: AgreementReport) -> str:
    drift = report.drift
    if not drift.points:
        return ""
    flags = "".join(f"<li>{escape(p.month)}: {escape(p.flag)}</li>" for p in drift.points if p.flag)
    told = f"<p>Drift flagged:</p><ul>{flags}</ul>" if flags else "<p>No month is outside the limits.</p>"
    return f"<h2>By month</h2><figure>{trend(drift)}</figure>{told}"


def _readers(report: AgreementReport) -> str:
    rows = [
        [
            r.reader,
            str(r.readings),
            *map(str, r.grades),
            str(r.not_gradable),
            words(r.signed_difference),
            words(r.leave_one_out),
        ]
        for r in report.readers
    ]
    header = [
        "Reader",
        "Graded",
        "1",
        "2",
        "3",
        "4",
        "5",
        "Not gradable",
        "Minus the others",
        "Linear kappa, others",
    ]
    out = f"<h2>Readers</h2>{_table(header, rows)}"
    if report.within_reader.readers:
        own = [
            (f"{r.reader} (n {r.agreement.n.paired})", r.agreement.kappa_linear)
            for r in report.within_reader.readers
        ]
        chart = forest(own, name="within", title="Linear kappa of readers with themselves")
        out += f"<h3>With themselves, linear kappa</h3><figure>{chart}</figure>"
    return out


def _arms(report: AgreementReport) -> str:
    if not report.arms:
        return ""
    rows = [
        [a.arm, f"{a.patients} / {a.unaided_patients}", *(words(getattr(a, f)) for f in _ARM_FIELDS)]
        for a in report.arms
    ]
    header = [
        "Arm",
        "Patients / unaided",
        "As proposed",
        "Distance to proposal",
        "Minutes",
        "Herniations missed",
        "HIZ missed",
    ]
    explained = "<p>Difference to unaided, by patient as randomised.</p>"
    return f"<h2>Effect of the arm</h2>{explained}{_table(header, rows)}"


_ARM_FIELDS = ("matches_proposal", "distance_to_proposal", "minutes", "herniations_missed", "hiz_missed")


def _references(report: AgreementReport) -> str:
    out: list[str] = []
    for c in report.ceilings:
        rows = [
            ("Model with readers", c.model_reader),
            ("Readers with each other", c.reader_reader),
            ("Difference", c.difference),
        ]
        chart = forest(
            rows, name=f"ceiling-{len(out)}", title=f"{c.model}: linear kappa against the human ceiling"
        )
        out.append(
            f"<h3>{escape(c.model)} and the readers, the same {c.discs} discs</h3><figure>{chart}</figure>"
        )
    out.append(_reference_table("Model against readers", report.model_against_readers))
    out.append(_reference_table("Model against consensus", report.model_against_consensus))
    out.append(_reference_table("Readers against consensus", report.readers_against_consensus))
    body = "".join(out)
    return f"<h2>Model and consensus</h2>{body}" if body else ""


def _reference_table(title: str, references: Sequence[Reference]) -> str:
    if not references:
        return ""
    rows = [
        [
            f"{r.first} and {r.second}",
            str(r.agreement.n.paired),
            *_short(r.agreement),
            words(r.mean_signed_difference),
        ]
        for r in references
    ]
    header = ["", "Discs", "Percent", "Linear kappa", "AC2 linear", "Second minus first"]
    note = f'<p class="quiet">{escape(references[0].note)}</p>'
    return f"<h3>{title}</h3>{note}{_table(header, rows)}"


def _short(agreement: Agreement) -> list[str]:
    return [words(s) for s in (agreement.percent_agreement, agreement.kappa_linear, agreement.ac2_linear)]


def _comparisons(report: AgreementReport) -> str:
    rows = [
        [c.family, f"{c.first} minus {c.second}", words(c.difference), _p(c.p), _p(c.p_holm)]
        for c in report.comparisons
    ]
    if not rows:
        return ""
    header = ["Family", "Linear kappa", "Difference", "p", "p, Holm"]
    table = _table(header, rows)
    return f"<h2>Differences</h2><details><summary>{len(rows)} comparisons</summary>{table}</details>"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

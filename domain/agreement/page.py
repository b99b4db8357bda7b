"""The report as one self-contained HTML file: no script, no address, no font from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from domain.agreement.charts import forest, heat_map, trend, words
from domain.agreement.page_parts import CSS, LABELS, PRESENCE, p_words, statistics_table, table, test_words
from domain.agreement.schema import Agreement, AgreementReport, Pooled, PresenceAgreement, Reference


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
    drawn = " Intervals are for readers like these." if report.settings.readers_resampled else ""
    arm = f", arm {escape(report.settings.arm)}" if report.settings.arm else ""
    return (
        f'<h1>Agreement: {escape(title)}</h1><p class="lead">{verdict}</p>'
        f'<p class="quiet">{n.paired} discs graded by two readers or more, of {n.union} graded by any; '
        f"{n.patients} patients, {n.studies} studies{arm}. {escape(', '.join(report.source.readers))}."
        f"{drawn}</p>" + (f"<ul>{notes}</ul>" if notes else "")
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
        f"<h2>Grades</h2><figure>{chart}</figure>{statistics_table(extra)}"
        f"<details><summary>Values, standard errors</summary>{statistics_table(rows)}</details>"
    )


def _grades(report: AgreementReport) -> str:
    header = ["Grade", "Readings", "Specific agreement", "Prevalence index", "Bias index"]
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
    # Both indices are of two readers.
    shown = 3 if report.by_grade[0].prevalence_index.value is None else 5
    specific = table(header[:shown], [row[:shown] for row in rows])
    tests = "".join(
        f"<p>{name}: {escape(test_words(test))}</p>"
        for name, test in (
            ("Stuart-Maxwell, discs independent", report.marginal_homogeneity.disc_wise),
            ("The same, clustered by patient", report.marginal_homogeneity.clustered),
        )
    )
    extended = heat_map(report.table_with_missing, name="extended", title="With not gradable and missing")
    return (
        '<h2>Where the readers part</h2><div class="two">'
        f"<figure>{heat_map(report.table, name='grades')}</figure><div>{tests}</div></div>{specific}"
        "<details><summary>With not gradable and missing</summary>"
        f"<figure>{extended}</figure></details>"
    )


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
    if finding.kappa_max.value is not None:
        rows += [
            ("Prevalence index", finding.prevalence_index),
            ("Bias index", finding.bias_index),
            ("Largest kappa the margins allow", finding.kappa_max),
        ]
    return (
        f'<p class="quiet">{n.paired} discs assessed by two readers or more, of {n.union} by any.</p>'
        f"<figure>{chart}</figure>"
        + (f'<p class="quiet">{escape(notes)}</p>' if notes else "")
        + f"<p>McNemar, discs independent: {escape(test_words(finding.mcnemar.disc_wise))}; "
        f"clustered by patient: {escape(test_words(finding.mcnemar.clustered))}</p>"
        f"<details><summary>Values, standard errors</summary>{statistics_table(rows)}</details>"
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
        out += f"<h3>All pairs pooled, these readers</h3>{statistics_table(fixed)}"
        reason = pooled.readers_resampled.kappa_linear.reason
        told = f'<p class="quiet">{escape(reason)}</p>' if reason else statistics_table(drawn)
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
    out = f"<h2>Readers</h2>{table(header, rows)}"
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
    return (
        "<h2>Effect of the arm</h2><p>Difference to unaided, by patient as randomised.</p>"
        f"{table(header, rows)}"
    )


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
    return f"<h3>{title}</h3>{note}{table(header, rows)}"


def _short(agreement: Agreement) -> list[str]:
    return [words(s) for s in (agreement.percent_agreement, agreement.kappa_linear, agreement.ac2_linear)]


def _comparisons(report: AgreementReport) -> str:
    rows = [
        [c.family, f"{c.first} minus {c.second}", words(c.difference), p_words(c.p), p_words(c.p_holm)]
        for c in report.comparisons
    ]
    if not rows:
        return ""
    header = ["Family", "Linear kappa", "Difference", "p", "p, Holm"]
    told = table(header, rows)
    return f"<h2>Differences</h2><details><summary>{len(rows)} comparisons</summary>{told}</details>"

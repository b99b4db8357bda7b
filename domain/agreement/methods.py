"""The methods paragraph: what was computed, and how, in words a paper can use."""

from __future__ import annotations

from domain.agreement.schema import Counts, Settings, Source


def paragraph(settings: Settings, source: Source, n: Counts, readers: int) -> str:
    """The paragraph of one report.

    Args:
        settings: Of the report.
        source: What the table held.
        n: Denominators of the headline.
        readers: Readers of the headline.
    """
    return " ".join(
        [_units(settings, n, readers), _coefficients(readers), _intervals(settings), _repeats(source)]
    ).strip()


def _units(settings: Settings, n: Counts, readers: int) -> str:
    place = "position from below" if settings.matched_by == "index" else "named level"
    arm = "" if settings.arm is None else f" in readings of the arm '{settings.arm}'"
    return (
        "Agreement on the Pfirrmann grade was assessed with the disc of a study as unit, one grade per "
        f"disc and reading, between {readers} {'reader' if readers == 1 else 'readers'}{arm}; discs were "
        f"matched by {place}. The first signed revision of each reader's first reading was used. Of "
        f"{n.union} discs that any reader graded, {n.paired} (from {n.studies} studies of {n.patients} "
        f"patients) were graded by at least two, and these were compared; {settings.share}. Discs called "
        "not gradable are reported separately."
    )


def _coefficients(readers: int) -> str:
    if readers <= 2:
        kappas = "Cohen's kappa (unweighted, and with linear and quadratic weights)"
    else:
        kappas = (
            "Conger's kappa for several readers (unweighted, and with linear and quadratic weights; for "
            "a pair it is Cohen's), pooled pairwise kappa"
        )
    return (
        f"We report percent agreement, agreement within one grade, {kappas}, Gwet's AC1 and AC2 over the "
        "five grades of the scale, Krippendorff's alpha (nominal, ordinal, interval and ratio), "
        "ICC(2,1) for absolute agreement on discs that every reader graded, and specific agreement for "
        "each grade. For herniation, high-intensity zone and gradability we report kappa, AC1 and "
        "positive and negative specific agreement per disc. Marginal homogeneity was tested by "
        "Stuart-Maxwell or McNemar, with discs as independent and with covariance clustered by patient."
    )


def _intervals(settings: Settings) -> str:
    percent = f"{settings.confidence:.0%}"
    return (
        f"{percent} confidence intervals are percentile intervals from {settings.resamples} bootstrap "
        f"resamples of patients (seed {settings.seed}), which keeps the discs of a patient together, "
        "with the percentiles expanded for the number of patients (Hesterberg 2015); "
        f"{_readers(settings)}. "
        "The standard error is the standard deviation over these resamples; a "
        "large-sample standard error that takes discs for independent stands beside it where one is in "
        "common use. "
        "Differences between two agreements were computed on the same resamples, with two-sided bootstrap "
        "p values adjusted by Holm's method within each family."
    )


def _readers(settings: Settings) -> str:
    if not settings.readers_resampled:
        return "readers are taken as fixed"
    return (
        "where four readers or more are compared together, readers were drawn with replacement as well "
        "(pairs of different readers count as often as both were drawn), and are taken as fixed elsewhere"
    )


def _repeats(source: Source) -> str:
    if not source.repeats:
        return ""
    return "Agreement of readers with themselves was assessed on repeated readings of the same discs."

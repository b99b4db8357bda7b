"""What the agreement report holds, as JSON."""

from __future__ import annotations

from domain.agreement.estimates import Reported, Statistic

SCHEMA = 1


class Counts(Reported):
    """Denominators of one comparison."""

    paired: int
    """Discs with the finding assessed by two readers or more."""
    union: int
    """Discs with the finding assessed by one reader or more."""
    patients: int
    """Patients of the paired discs; the bootstrap draws patients."""
    studies: int


class Agreement(Reported):
    """Agreement on an ordinal grade. Two readers: Cohen's kappas; more: Conger's."""

    n: Counts
    percent_agreement: Statistic
    within_one: Statistic
    kappa: Statistic
    kappa_linear: Statistic
    kappa_quadratic: Statistic
    ac1: Statistic
    ac2_linear: Statistic
    ac2_quadratic: Statistic
    alpha_nominal: Statistic
    alpha_ordinal: Statistic
    alpha_interval: Statistic
    alpha_ratio: Statistic
    icc_2_1: Statistic


class Table(Reported):
    """A cross-table: rows are `first`'s categories, columns `second`'s."""

    first: str
    second: str
    categories: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


class Test(Reported):
    """A hypothesis test; null with a reason where it is not defined."""

    statistic: float | None
    df: int | None
    p: float | None
    p_exact: float | None = None
    reason: str | None = None


class Homogeneity(Reported):
    """Whether two readers use the categories equally often."""

    disc_wise: Test
    """Stuart-Maxwell (grades) or McNemar (presence): takes discs for independent."""
    clustered: Test
    """The same with the covariance between patients."""


class CategoryAgreement(Reported):
    """One grade, or one answer, against the rest."""

    category: str
    readings: int
    specific_agreement: Statistic
    prevalence_index: Statistic
    bias_index: Statistic


class GradeAgreement(Agreement):
    """Agreement on the Pfirrmann grade with what the 5 x 5 table adds."""

    mean_signed_difference: Statistic
    """Second minus first reader, in grades; two readers only."""
    kappa_max: Statistic
    kappa_linear_max: Statistic
    by_grade: tuple[CategoryAgreement, ...]
    table: Table
    """5 x 5; for more than two readers the pairs' tables added, first of a pair in name order in rows."""
    table_with_missing: Table
    """The same with `not gradable` and `missing` (the reader read the study but not this disc)."""
    marginal_homogeneity: Homogeneity


class PairAgreement(GradeAgreement):
    """Two readers on the discs both graded."""

    readers: tuple[str, str]


class Pooled(Reported):
    """All pairs of readers together: 1 - sum of observed / sum of chance disagreement, pair by pair."""

    percent_agreement: Statistic
    within_one: Statistic
    kappa: Statistic
    kappa_linear: Statistic
    kappa_quadratic: Statistic


class PooledPairs(Reported):
    """The pooled pairs with two intervals: for these readers, and for readers like them."""

    readers_fixed: Pooled
    readers_resampled: Pooled


class PresenceAgreement(Reported):
    """Agreement on a yes or no per disc."""

    n: Counts
    percent_agreement: Statistic
    kappa: Statistic
    ac1: Statistic
    alpha_nominal: Statistic
    positive_agreement: Statistic
    negative_agreement: Statistic
    prevalence_index: Statistic
    bias_index: Statistic
    kappa_max: Statistic
    table: Table
    mcnemar: Homogeneity


class Stratum(Agreement):
    """One level, index, site, scanner, arm or month."""

    name: str


class Breakdown(Reported):
    """Agreement by one property; `reason` says why there are no strata."""

    by: str
    strata: tuple[Stratum, ...]
    reason: str | None = None


class DriftPoint(Reported):
    """One month of the control chart."""

    month: str
    paired: int
    kappa_linear: Statistic
    lower_limit: float | None
    upper_limit: float | None
    flag: str | None


class Drift(Reported):
    """Control chart of linear kappa by month around the whole period's value."""

    centre: float | None
    points: tuple[DriftPoint, ...]
    drifting: bool
    basis: str
    reason: str | None = None


class WithinReader(Reported):
    """One reader's first reading against the first repeat of the same discs."""

    reader: str
    agreement: Agreement
    mean_signed_difference: Statistic


class Repeats(Reported):
    readers: tuple[WithinReader, ...]
    pooled: Pooled | None
    reason: str | None = None


class ArmEffect(Reported):
    """Readings in an arm against the unaided ones; mean over patients, as randomised."""

    arm: str
    patients: int
    unaided_patients: int
    matches_proposal: Statistic
    """Difference in the share of discs graded as proposed (the shift towards the proposal)."""
    distance_to_proposal: Statistic
    """Difference in the mean distance from the proposed grade."""
    minutes: Statistic
    """Difference in minutes a reading."""
    herniations_missed: Statistic
    """Difference in the share of the consensus' herniations that the reader did not mark."""
    hiz_missed: Statistic


class Reference(Reported):
    """A model or a consensus against readers or each other."""

    first: str
    second: str
    agreement: Agreement
    mean_signed_difference: Statistic
    independent: bool
    note: str


class Ceiling(Reported):
    """Mean model-reader minus reader-reader agreement on the same unaided discs, pair by pair."""

    model: str
    discs: int
    model_reader: Statistic
    reader_reader: Statistic
    difference: Statistic


class Comparison(Reported):
    """The difference of two linear kappas, on the same resamples of patients."""

    family: str
    first: str
    second: str
    difference: Statistic
    p: float | None
    p_holm: float | None


class ReaderProfile(Reported):
    reader: str
    readings: int
    grades: tuple[int, int, int, int, int]
    not_gradable: int
    signed_difference: Statistic
    """Mean of this reader minus the other readers of the same disc."""
    leave_one_out: Statistic
    """Linear kappa against the others of the same disc, each weighing alike."""


class Settings(Reported):
    resamples: int
    seed: int
    confidence: float
    readers_resampled: bool = False
    """Whether the intervals of four readers and more are for readers like these too."""
    arm: str | None
    """The arm of the headline; null where the table has no arms."""
    matched_by: str
    share: str
    """Which discs the headline speaks for: all, the random share, or weighted by inclusion probability."""


class Source(Reported):
    """What the table held."""

    rows: int
    patients: int
    studies: int
    readers: tuple[str, ...]
    models: tuple[str, ...]
    consensus: tuple[str, ...]
    later_revisions: int
    repeats: int


class AgreementReport(GradeAgreement):
    """The whole report; the headline's statistics stand at the top."""

    schema_version: int = SCHEMA
    settings: Settings
    source: Source
    by_named_level: Agreement | None
    """The headline with discs matched by the level's name, where position was the headline's."""
    pairs: tuple[PairAgreement, ...]
    pooled_pairs: PooledPairs | None
    herniation: PresenceAgreement
    hiz: PresenceAgreement
    gradability: PresenceAgreement
    readers: tuple[ReaderProfile, ...]
    breakdowns: tuple[Breakdown, ...]
    drift: Drift
    within_reader: Repeats
    arms: tuple[ArmEffect, ...]
    model_against_readers: tuple[Reference, ...]
    model_against_consensus: tuple[Reference, ...]
    readers_against_consensus: tuple[Reference, ...]
    ceilings: tuple[Ceiling, ...]
    comparisons: tuple[Comparison, ...]
    methods: str
    notes: tuple[str, ...]

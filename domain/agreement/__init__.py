"""Agreement between readers: pure functions of readings, no I/O."""

from domain.agreement.estimates import Statistic
from domain.agreement.readings import DuplicateReadingError, Readings
from domain.agreement.report import arm_effects, report
from domain.agreement.schema import AgreementReport
from domain.agreement.simple import linear_kappa

__all__ = [
    "AgreementReport",
    "DuplicateReadingError",
    "Readings",
    "Statistic",
    "arm_effects",
    "linear_kappa",
    "report",
]

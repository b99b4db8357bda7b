"""What goes out about the balance."""

from __future__ import annotations

from pydantic import BaseModel


class SourceOut(BaseModel):
    """One site's or scanner's share."""

    name: str
    patients: int
    studies: int
    labelled: int
    """Studies with a label in some plane."""
    classes: dict[str, int]
    """Labelled train and val discs and lesions, by class."""


class BalanceOut(BaseModel):
    """Labels of train and val patients against the quotas, and by where they come from."""

    have: dict[str, int]
    wanted: dict[str, int]
    splits: dict[str, int]
    """Patients by split."""
    sites: list[SourceOut]
    scanners: list[SourceOut]

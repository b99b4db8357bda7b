"""Projects have no pages of their own: they bring the projection's job."""

from __future__ import annotations

from backend.nouns import Noun
from backend.projects.service import PROJECTION_JOB

NOUN = Noun(name="projects", jobs=(PROJECTION_JOB,))

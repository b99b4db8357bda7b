"""What goes out about the freeze."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class Missing(BaseModel):
    """Something that a frozen study should have."""

    what: str
    count: int
    path: str
    """The page that names them."""


class FreezeOut(BaseModel):
    """Whether the study is frozen, since when and by whom, and what is missing now."""

    frozen_at: datetime | None
    frozen_by: str | None
    missing: list[Missing]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not any(one.count for one in self.missing)

"""No cell of a table is a formula."""

from __future__ import annotations

import pytest

from domain.spreadsheet import plain_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_would_be_computed_is_text(start: str) -> None:
    assert plain_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("value", [-1.5, 0, None, "", "st-0123", "a=b", "L5/S1"])
def test_all_else_stays(value: object) -> None:
    assert plain_cell(value) == value

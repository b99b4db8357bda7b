"""Tables that people open in a spreadsheet."""

from __future__ import annotations

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(value: object) -> object:
    """A cell that no spreadsheet computes: text that would start a formula gets an apostrophe before it.

    Numbers are left as they are; text that looks like one is text. (OWASP, CSV Injection.)
    """
    if isinstance(value, str) and value.startswith(STARTS_A_FORMULA):
        return f"'{value}"
    return value

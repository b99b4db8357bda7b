"""The script that the labelling page needs beside its configuration; the guard serves it."""

from __future__ import annotations

from pathlib import Path

READING_SCRIPT = Path(__file__).parent / "static" / "reading.js"

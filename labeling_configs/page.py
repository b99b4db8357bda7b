"""The script and style that the labelling page needs beside its configuration; the guard adds them."""

from __future__ import annotations

from pathlib import Path

READING_SCRIPT = Path(__file__).parent / "static" / "reading.js"
FRAME_STYLE = Path(__file__).parent / "static" / "frame.css"

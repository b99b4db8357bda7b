"""What a run did, with every rejection and its reason, and the contact sheet to skim."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from domain.manifest import Study


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileNote(_Frozen):
    """A file that was left out, under its keyed number, and why."""

    file: str
    reason: str


class StudyNote(_Frozen):
    """A study or one of its series that was left out, and why."""

    study: str
    series: str | None = None
    reason: str
    value: float | None = None
    """The measure that was beyond its threshold, where one was."""


class Summary(_Frozen):
    """What one run did."""

    files: int
    studies: int
    """In the source."""
    curated: int
    """In the manifest."""
    unchanged: int
    changed: int
    slices: int
    splits: dict[str, int]
    """Patients."""
    flags: dict[str, int]
    """Series with a quality measure beyond its threshold."""
    files_skipped: dict[str, int]
    studies_rejected: dict[str, int]
    series_rejected: dict[str, int]
    verified_files: int
    """Files of the store that were searched for identifying values."""
    skipped: tuple[FileNote, ...]
    rejected: tuple[StudyNote, ...]


def counted(words: Iterable[str]) -> dict[str, int]:
    """How often each word occurs, sorted."""
    return dict(sorted(Counter(words).items()))


def in_words(summary: Summary) -> str:
    """The summary for a person at a terminal."""
    lines = [
        f"{summary.curated} studies with {summary.slices} slices from {summary.files} files"
        f" ({summary.unchanged} unchanged, {summary.changed} changed); patients: "
        + (", ".join(f"{count} {split}" for split, count in summary.splits.items()) or "none")
    ]
    for label, counts in (
        ("files left out", summary.files_skipped),
        ("series left out", summary.series_rejected),
        ("studies rejected", summary.studies_rejected),
        ("series flagged", summary.flags),
    ):
        lines += [f"{label}: {count} {reason}" for reason, count in counts.items()]
    lines.append(f"no identifying value in {summary.verified_files} files of the store")
    return "\n".join(lines)


_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Contact sheet</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'">
<style>
:root{color-scheme:light dark;font:14px/1.4 system-ui,sans-serif}
body{margin:1rem}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(360px,100%),1fr));gap:1rem}
article{border:1px solid #8886;border-radius:6px;padding:.5rem}
article.flagged{border-color:#c50}
article div{display:grid;grid-template-columns:1fr 1fr;gap:4px}
img{width:100%;aspect-ratio:1;object-fit:contain;background:#000}
h2{font-size:1rem;margin:.2rem 0}main+h2{margin-top:1.5rem}p{margin:.2rem 0}.flag{color:#c50}
td{padding:0 .8rem 0 0;overflow-wrap:anywhere}
</style><h1>Contact sheet</h1>
"""


def contact_sheet(studies: Iterable[Study], notes: Sequence[StudyNote]) -> Iterator[str]:
    """The parts of an HTML page: each study's midline, scout and flags; then what was left out and why."""
    yield _HEAD + "<main>\n"
    for study in studies:
        yield _article(study)
    yield "</main><h2>Left out</h2>"
    yield "".join(
        f"<p>{count} {html.escape(reason)}</p>" for reason, count in counted(n.reason for n in notes).items()
    )
    yield "<table>\n"
    for note in notes:
        reason = note.reason if note.value is None else f"{note.reason} {note.value:g}"
        cells = (note.study, note.series or "study", reason)
        yield "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>\n"
    yield "</table></html>\n"


def _article(study: Study) -> str:
    images, flags = [], []
    for series in study.series:
        shown = series.scout or series.slices[series.midline].path
        images.append(f'<img loading="lazy" alt="{series.plane.value}" src="{html.escape(shown)}">')
        flags += [f"{series.plane.value} {name} {value:g}" for name, value in series.flags.items()]
    about = " · ".join(
        word for word in (study.split.value, study.age_band, study.sex, study.site) if word is not None
    )  # fmt: skip
    sizes = ", ".join(f"{s.plane.value} {len(s.slices)}" for s in study.series)
    flagged = "".join(f'<p class="flag">{html.escape(flag)}</p>' for flag in flags)
    words = f"<p>{html.escape(about)}</p><p>{sizes}</p>{flagged}"
    kind = ' class="flagged"' if flags else ""
    return f"<article{kind}><h2>{study.study}</h2><div>{''.join(images)}</div>{words}</article>\n"

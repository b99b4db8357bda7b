"""What is measured while the soak runs: memory, processor time, trainers at once, lines in the logs."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from discloop.stack.processes import descendants

WARM_UP_S = 1200.0
"""A service's first minutes do not count: caches fill, threads start one by one."""
SHORTEST_LIFE_S = 1800.0
"""What a slope needs after the warm-up."""
SETTLING_S = 300.0
"""What arrived last is read and compared meanwhile."""
NEAR_S = 60.0
"""A line in a log this soon after a kill or restart may be its echo."""
GRAVE = re.compile(r"\b(ERROR|CRITICAL)\b|Traceback|\"level\": \"(error|critical)\"")
STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\+00:00)?")


@dataclass(frozen=True)
class Sample:
    """A service at one moment."""

    at: float
    service: str
    pid: int
    rss_mb: float


def group_of(leader: int) -> list[int]:
    """The processes of a service's group; a trainer has a group of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == leader:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def rss_mb(leader: int) -> float:
    """Resident memory of a service's group, MB; 0 if it has just ended."""
    pages = 0
    for pid in group_of(leader):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def slopes(samples: list[Sample], settled: float) -> dict[str, dict[str, Any]]:
    """Memory's slope by service, MB an hour, within the lives of its processes, each with its own level.

    A life's first `WARM_UP_S` and lives that leave less than `SHORTEST_LIFE_S` are left out.

    Args:
        samples: All, in their order.
        settled: When the last studies arrived, seconds since 1970: from then on data hardly grow, and so
            should memory, `settled_mb_per_hour`.
    """
    lives: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lives[sample.service, sample.pid].append(sample)
    found: dict[str, dict[str, Any]] = {}
    for service in sorted({sample.service for sample in samples}):
        own = [s for s in samples if s.service == service]
        warm = [
            [s for s in life if s.at >= life[0].at + WARM_UP_S]
            for (name, _pid), life in lives.items()
            if name == service
        ]
        calm = [[s for s in life if s.at >= settled + SETTLING_S] for life in warm]
        found[service] = {
            "slope_mb_per_hour": _slope(warm),
            "settled_mb_per_hour": _slope(calm),
            "lives_used": len(_long(warm)),
            "lives": len({s.pid for s in own}),
            "least_mb": min(s.rss_mb for s in own),
            "most_mb": max(s.rss_mb for s in own),
        }
    return found


def _long(lives: list[list[Sample]]) -> list[list[Sample]]:
    return [life for life in lives if life and life[-1].at - life[0].at >= SHORTEST_LIFE_S]


def _slope(lives: list[list[Sample]]) -> float | None:
    """MB an hour, each life with a level of its own; `None` if all are too short."""
    ages, sizes = [], []
    for life in _long(lives):
        hours, size = np.array([s.at for s in life]) / 3600, np.array([s.rss_mb for s in life])
        ages.append(hours - hours.mean())
        sizes.append(size - size.mean())
    if not ages:
        return None
    x, y = np.concatenate(ages), np.concatenate(sizes)
    return round(float((x * y).sum() / (x * x).sum()), 1)


def grave_lines(logs: Path, restarts: list[float]) -> dict[str, Any]:
    """Lines of errors in all logs, those near a kill or restart apart from the rest."""
    near, rest = Counter[str](), Counter[str]()
    for log in sorted(logs.glob("*.log")):
        for at, line in _grave(log):
            is_near = at is not None and any(-5 <= at - moment <= NEAR_S for moment in restarts)
            (near if is_near else rest)[f"{log.name}: {_shape(line)}"] += 1
    return {"near_a_restart": dict(near.most_common(40)), "unexplained": dict(rest.most_common(40))}


def _grave(log: Path) -> Iterator[tuple[float | None, str]]:
    """Grave lines with the time they or the last line before them bear."""
    at: float | None = None
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        stamp = STAMP.search(line)
        if stamp:
            text = stamp[0].replace(",", ".").replace(" ", "T")
            is_utc = text.endswith(("Z", "+00:00"))
            at = datetime.fromisoformat(text if is_utc else text + "+00:00").timestamp()
        if GRAVE.search(line):
            yield at, line


def _shape(line: str) -> str:
    """The line without what differs from one time to the next."""
    try:
        said = json.loads(line)
        return " ".join(str(said.get(name)) for name in ("level", "event", "exception") if said.get(name))[
            :300
        ]
    except (ValueError, AttributeError):
        return re.sub(r"\d+", "N", line)[:200]


def processor_seconds(root: int, seen: dict[int, float]) -> float:
    """Processor time of a process and all below it, so far, seconds.

    Args:
        root: The process.
        seen: The time of each process as last seen; kept up to date here, so that ended ones count.
    """
    for pid in (root, *descendants(root)):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        seen[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return round(sum(seen.values()), 1)

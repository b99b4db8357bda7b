"""A soak's report in words: `python -m tests.soak_loop.evidence report.json > docs/evidence/soak.md`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def in_words(report: Report) -> str:
    """The whole page, as Markdown."""
    parts = (_head, _happened, _checks, _memory, _logs)
    return "\n".join(line for part in parts for line in part(report))


def _head(report: Report) -> Iterator[str]:
    ran, planned = report["ran_s"], report["planned_s"]
    yield "# The loop, soaked"
    yield ""
    yield "Eight readers, two adjudicators and an engineer, all simulated, on phantoms, at the real stack"
    yield "(`python -m tests.soak_loop`, part of `make soak`). It says nothing about real readers."
    yield ""
    yield f"Commit `{report['commit']}`, {report['changed_files']} files changed, seed {report['seed']},"
    yield f"begun {report['began']}. **Ran {ran // 60:.0f} of {planned / 60:.0f} minutes**"
    yield f"({report['state']}), on {report['cores_used']} processor cores on average."
    yield ""


def _happened(report: Report) -> Iterator[str]:
    victims = Counter(one["victim"] for one in report["troubles"])
    longest = max((one["back_after_s"] for one in report["troubles"]), default=0)
    states = Counter(state for _id, state, _restarts in report.get("rounds", ()))
    yield "## What happened"
    yield f"- {report['told']} submissions that a person was told are saved, in {report['shifts']} sign-ins"
    yield f"- {report['studies']} studies, the first ones and what arrived"
    yield f"- killed or restarted at random: {_counted(victims)}; ready again after {longest:.0f} s at most"
    yield f"- rounds: {_counted(states)}; trainers at once: {report['most_trainers_at_once']}"
    yield f"- refusals and missing answers: {len(report['refused'])}"
    yield ""


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def _checks(report: Report) -> Iterator[str]:
    yield "## Checks in the end"
    if "checks" not in report:
        yield "None: it was cut off before its end."
    else:
        yield "| check | looked at | wrong |"
        yield "|---|---:|---:|"
        for name, check in report["checks"].items():
            wrong = "; ".join((str(check["wrong"]), *check["first"][:3]))
            yield f"| {name.replace('_', ' ')} | {check['looked_at']} | {wrong} |"
        yield ""
        yield f"Problems that `discloop doctor` found: {'; '.join(report['doctor']) or 'none'}."
    yield ""


def _memory(report: Report) -> Iterator[str]:
    yield "## Memory"
    yield "Resident, by service, sampled each minute; slopes within the lives of its processes, without their"
    yield "first twenty minutes. While studies arrive a service may grow with the data; in the last third"
    yield "none arrive, people correct, rounds train and models change: that slope is judged."
    yield ""
    yield "| service | least MB | most MB | MB an hour | once settled | lives, of them long enough |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, row in report["memory"].items():
        slopes = [row["slope_mb_per_hour"], row["settled_mb_per_hour"]]
        slope, settled = ("too short" if one is None else one for one in slopes)
        lives = f"{row['lives']}, {row['lives_used']}"
        yield f"| {name} | {row['least_mb']} | {row['most_mb']} | {slope} | {settled} | {lives} |"
    yield ""


def _logs(report: Report) -> Iterator[str]:
    yield "## Errors in the logs"
    logs = report.get("logs", {"near_a_restart": {}, "unexplained": {}})
    for title, words in (
        ("near_a_restart", "Within a minute of a kill or restart"),
        ("unexplained", "Others"),
    ):
        yield f"{words}:" if logs[title] else f"{words}: none."
        yield from (f"- {count} x `{line}`" for line, count in logs[title].items())
        yield ""


if __name__ == "__main__":
    sys.stdout.write(in_words(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).rstrip() + "\n")

"""What must be so in the end. Each check says what it looked at and what was wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from discloop import credentials
from discloop.backend_client import BackendClient
from discloop.home import Home
from domain.boxes import intersection_over_union
from domain.consensus import Consensus
from domain.findings import Disc, Findings
from domain.taxonomy import Plane
from labeling_configs.codec import InvalidReading, decode
from tests.soak_loop.people import Told, digest_of

SAME_DISC = 0.3
ECHO_S = 150.0
"""After a restart: a person's patience, and a little."""
NOTHING_YET = "there is no consensus on a train patient's graded disc yet"
"""What a round is refused with that comes too early."""
MOST_GROWTH = 0.05
"""Of a service's memory, an hour."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that must be so."""

    name: str
    looked_at: int
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Also not, if nothing was looked at."""
        return not self.wrong and self.looked_at > 0

    def as_row(self) -> Row:
        """For the report."""
        wrong = list(self.wrong[:20])
        return {"holds": self.holds, "looked_at": self.looked_at, "wrong": len(self.wrong), "first": wrong}


def ledger(client: BackendClient) -> list[Row]:
    """Every revision with its content."""
    rows: list[Row] = []
    while page := client.get("/api/readings", after=rows[-1]["id"] if rows else 0, limit=200, content=True):
        rows += page
    return rows


def outbox(home: Home, label_studio: str) -> list[Row]:
    """Everything that Label Studio's side has written down."""
    secret = credentials.load(home.secrets).guard_secret
    entries: list[Row] = []
    with httpx.Client(base_url=label_studio, trust_env=False, timeout=120) as client:
        while True:
            answer = client.get(
                "/discloop/control/outbox",
                params={"after": entries[-1]["id"] if entries else 0, "limit": 500},
                headers={"Authorization": f"DiscLoop {secret}"},
            )
            answer.raise_for_status()
            if not (page := answer.json()["entries"]):
                return entries
            entries += page


def told_is_kept(told: Iterable[Told], rows: list[Row]) -> Check:
    """Every submission that a person was told is saved is in the ledger exactly once."""
    kept = Counter((r["task_key"], digest_of(r["result"])) for r in rows if r["result"] is not None)
    said = Counter((one.key, one.digest) for one in told)
    wrong = [
        f"task {key[:6]}: told {n}, kept {kept[key, d]}" for (key, d), n in said.items() if kept[key, d] != n
    ]
    return Check("told_is_kept", sum(said.values()), tuple(wrong))


def outbox_is_ledger(entries: list[Row], rows: list[Row], cases: Collection[str]) -> Check:
    """The ledger has what the outbox has, in its order, and nothing else.

    Nothing is in quarantine but decisions that came in on a case that a late correction had taken back.
    """
    written = [(entry["id"], entry["sha256"]) for entry in entries]
    kept = [(row["outbox_id"], row["sha256"]) for row in rows]
    wrong = [f"outbox {a}, ledger {b}" for a, b in zip(written, kept, strict=False) if a != b]
    if len(written) != len(kept):
        wrong.append(f"{len(written)} in the outbox, {len(kept)} in the ledger")
    wrong += [
        f"outbox {r['outbox_id']} is {r['state']}: {r['reason']}"
        for r in rows
        if r["state"] != "signed" and not (r["kind"] == "adjudication" and r["task_key"] not in cases)
    ]
    return Check("outbox_is_ledger", len(written), tuple(wrong))


def chain_is_intact(client: BackendClient) -> Check:
    """The audit trail's chain of hashes."""
    said = client.get("/api/audit/verify")
    return Check("audit_chain", said["entries"], () if said["intact"] else (json.dumps(said),))


def consensus_is_what_was_said(client: BackendClient, rows: list[Row]) -> Check:
    """An adjudicated label is the decision; an agreed one is what both readers say; a correction counts."""
    units = {one["key"]: one["unit"] for one in client.get("/api/adjudications") if one["decided_at"]}
    decided = {units[r["task_key"]]: r for r in newest(rows, "adjudication") if r["task_key"] in units}
    read: dict[str, list[Row]] = defaultdict(list)
    for row in newest(rows, "reading"):
        read[row["unit"]].append(row)
    wrong, looked_at = [], 0
    labels = _labels(client)
    for one in labels:
        looked_at += 1
        label, unit = Consensus.model_validate(one["consensus"]), one["unit"]
        sources = [decided[unit]] if unit in decided else read[unit][:2]
        wrong += [f"{unit}: {what}" for row in sources for what in _differences(label, row)]
        if unit not in decided and len(sources) != 2:
            wrong.append(f"{unit}: a label of {len(sources)} readings")
    unlabelled = set(decided) - {one["unit"] for one in labels}
    wrong += [f"{unit}: decided, and no label" for unit in unlabelled]
    return Check("consensus_is_what_was_said", looked_at, tuple(wrong))


def everything_read_twice_is_compared(client: BackendClient, rows: list[Row]) -> Check:
    """As many comparisons as units that two readers signed, and a label or an open case for each."""
    stages = {stage["key"]: stage for stage in client.get("/api/status")["stages"]}
    twice, compared = stages["readings"]["done"], stages["comparisons"]["done"]
    open_cases = stages["adjudications"]["total"] - stages["adjudications"]["done"]
    wrong = [] if twice == compared else [f"{twice} read twice, {compared} compared"]
    if stages["consensus"]["done"] + open_cases != compared:
        wrong.append(f"{compared} compared, {stages['consensus']['done']} labels, {open_cases} open")
    return Check("compared", twice, tuple(wrong))


def no_round_twice(home: Home, client: BackendClient, most_trainers: int) -> Check:
    """Each step of a round once, one training at a time, each network of one round."""
    with closing(
        sqlite3.connect(f"{(home.backend / 'backend.sqlite3').as_uri()}?mode=ro", uri=True)
    ) as database:
        steps = database.execute(
            "SELECT subject, action, count(*) FROM audit_entry WHERE action LIKE 'round.%' GROUP BY 1, 2"
        ).fetchall()
    wrong = [f"{subject}: {action} {count} times" for subject, action, count in steps if count > 1]
    rounds = client.get("/api/rounds")
    made = Counter(one["challenger"] for one in rounds if one["challenger"])
    wrong += [f"{version}: of {count} rounds" for version, count in made.items() if count > 1]
    wrong += [f"{one['id']}: failed: {one['error']}" for one in rounds if one["state"] == "failed"]
    if most_trainers > 1:
        wrong.append(f"{most_trainers} trainers at once")
    return Check("no_round_twice", len(rounds), tuple(wrong))


def is_of_a_withdrawn_case(refusal: Row, cases: Collection[str]) -> bool:
    """Whether an adjudicator had a case open that a late correction took away: it is there no more.

    Args:
        refusal: Who was told no to what.
        cases: Keys and tasks, as text, of the cases there are.
    """
    slices = r"/discloop/slices/\d+/([\w-]+)/\d+: 404"
    asked = re.search(rf"{slices}|/api/tasks/(\d+)/(?:annotations/)?: 40[34]", refusal["what"])
    if asked is None or not refusal["who"].startswith("adjudicator"):
        return False
    return (asked[1] or asked[2]) not in cases


def nobody_was_refused(refused: list[Row], moments: list[float], acts: int, cases: Collection[str]) -> Check:
    """Nobody was told no, or got no answer for minutes, but while something was being restarted.

    Args:
        refused: What people and the engineer were told no to.
        moments: Each kill or restart, and when all was well again; seconds.
        acts: How much was done in all.
        cases: Keys and tasks, as text, of what adjudicators have to decide or have decided.
    """
    strange = [
        r
        for r in refused
        if not any(0 <= r["at"] - m <= ECHO_S for m in moments)
        and NOTHING_YET not in r["what"]
        and not is_of_a_withdrawn_case(r, cases)
    ]
    return Check("nobody_was_refused", acts, tuple(f"{r['who']}: {r['what']}" for r in strange))


def memory_is_flat(slopes: dict[str, Row]) -> Check:
    """No service's memory grows by more than a twentieth an hour once no studies arrive any more.

    Nothing is said of too short a life.
    """
    known = {name: row for name, row in slopes.items() if row["settled_mb_per_hour"] is not None}
    wrong = [
        f"{name}: {row['settled_mb_per_hour']} MB an hour on {row['least_mb']} MB"
        for name, row in known.items()
        if row["settled_mb_per_hour"] > MOST_GROWTH * row["least_mb"]
    ]
    return Check("memory_is_flat", len(known), tuple(wrong))


def newest(rows: list[Row], kind: str) -> list[Row]:
    """Each task's newest signed revision, tasks in the order of their first."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["kind"] == kind and row["state"] == "signed":
            found[row["task_key"]] = row
    return list(found.values())


def _labels(client: BackendClient) -> list[Row]:
    labels: list[Row] = []
    while page := client.get("/api/consensus", after=labels[-1]["unit"] if labels else "", limit=500):
        labels += page
    return labels


def _differences(label: Consensus, row: Row) -> list[str]:
    """What of a submitted answer is not so in the label: discs with level and grade, and lesions' number."""
    try:
        said = decode(row["result"], plane=label.plane, slices=())
    except InvalidReading as error:
        return [f"cannot be read again: {error}"]
    found = (
        []
        if len(said.discs) == len(label.discs)
        else [f"{len(said.discs)} discs said, {len(label.discs)} kept"]
    )
    for disc in said.discs:
        twin = _twin(disc, label)
        if twin is None:
            found.append(f"disc {disc.level} is not in the label")
        elif (twin.pfirrmann, twin.level) != (disc.pfirrmann, disc.level):
            found.append(
                f"disc {disc.level} grade {disc.pfirrmann} became {twin.level} grade {twin.pfirrmann}"
            )
    return found + _lesions(label, said)


def _twin(disc: Disc, label: Consensus) -> Any:
    """The label's disc that overlaps most: on sagittal slices in any slice, on axial ones on the same."""
    pairs = [
        (intersection_over_union(a.box, b.box), n)
        for n, other in enumerate(label.discs)
        for a in disc.boxes
        for b in other.boxes
        if label.plane is Plane.SAGITTAL or a.slice == b.slice
    ]
    best = max(pairs, default=(0.0, 0))
    return label.discs[best[1]] if best[0] >= SAME_DISC else None


def _lesions(label: Consensus, said: Findings) -> list[str]:
    pairs = (("herniations", said.herniations, label.herniations), ("zones", said.hiz, label.hiz))
    return [f"{len(a)} {name} said, {len(b)} kept" for name, a, b in pairs if len(a) != len(b)]

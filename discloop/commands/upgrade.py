"""`discloop upgrade`: a home of an older DiscLoop becomes one of this, after a backup."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.audit import service as audit
from backend.clock import utc_now
from backend.database import Database
from backend.migrations.upgrade import upgrade as migrate
from discloop import credentials
from discloop.backup.sealing import read_key
from discloop.backup.writing import back_up, databases_of
from discloop.commands.backup import KeyOption
from discloop.console import Json, print_json, result
from discloop.doctor.findings import State
from discloop.doctor.installation import label_studio_findings
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.stack import environment, state, versions
from discloop.stack.ports import Ports
from discloop.stack.services import MODULE, label_studio_python
from domain.errors import DiscLoopError

app = typer.Typer()


@app.command()
def upgrade(
    backup: Annotated[
        Path | None, typer.Option(help="Where the backup goes. Default: beside the home, by date.")
    ] = None,
    key: KeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Back the home up, then migrate both databases. The stack must be down.

    To go back: discloop restore of that backup to another home, with the older DiscLoop.
    """
    here = Home.at(home)
    report = bring_up_to_date(here, backup, read_key(key) if key else None)
    if as_json:
        print_json(report)
    elif report["upgraded"]:
        result().print(f"{here.root} is up to date. The backup before it: {report['backup']}", soft_wrap=True)
    else:
        result().print(f"{here.root} is up to date already.", soft_wrap=True)


def bring_up_to_date(home: Home, backup: Path | None, key: bytes | None) -> dict[str, Any]:
    """The report of `discloop upgrade --json`.

    Raises:
        DiscLoopError: If the stack runs, Label Studio is one the guard was not tested with, a newer DiscLoop
            wrote the home, or a migration failed; the last names the backup.
    """
    if not home.root.is_dir():
        raise DiscLoopError(f"--home {home.root}: there is no such folder")
    with state.held(home):
        for finding in label_studio_findings():
            if finding.state is State.PROBLEM:
                raise DiscLoopError(f"{finding.check}: {finding.found}: {finding.cure}")
        before = {"migration": versions.migration_of(home), "stamp": versions.stamp_of(home)}
        if versions.is_current(home) and before["stamp"] is not None:
            return {"home": str(home.root), "upgraded": False, "backup": None}
        target = (backup or _beside(home)).expanduser().absolute()
        back_up(home, target, key)
        try:
            _migrate(home)
        except DiscLoopError as error:
            raise DiscLoopError(f"{error}; the home as it was: discloop restore {target}") from error
        versions.Stamp.now().save(home)
    return {
        "home": str(home.root),
        "upgraded": True,
        "backup": str(target),
        "from": before["migration"],
        "to": versions.newest_migration(),
    }


def _beside(home: Home) -> Path:
    return home.root.with_name(f"{home.root.name}-before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def _migrate(home: Home) -> None:
    url = f"sqlite:///{databases_of(home)[0]}"
    before = versions.migration_of(home)
    migrate(url)
    _migrate_label_studio(home)
    database = Database(url)
    try:
        with database.writing() as session:
            audit.record(
                session,
                "home.upgraded",
                subject=versions.newest_migration(),
                by=None,
                clock=utc_now,
                before=before,
            )
    finally:
        database.dispose()


def _migrate_label_studio(home: Home) -> None:
    """Label Studio's tables and the guard's, by the guard's own start without serving."""
    command = [
        str(label_studio_python()),
        *MODULE,
        "label_studio_guard.serve",
        "--port",
        "1",
        "--migrate-only",
    ]
    told = environment.label_studio(home, Ports(), credentials.load(home.secrets))
    done = subprocess.run(command, env=told, cwd=home.root, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise DiscLoopError(f"Label Studio's database was not migrated: {lines[-1] if lines else 'no word'}")

"""The `discloop` command: its table of commands, and the one place that turns an error into an exit code.

A command's module is imported when that command is asked for, so `discloop --help` is quick and a missing
optional dependency concerns only the command that needs it.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple, NoReturn

import typer
from typer.exceptions import TyperException

from domain.errors import DiscLoopError

PURPOSE = "Trustworthy labels from lumbar MR, and a model that learns from them. Not for clinical use."
WRONG_INPUT = 2
FAILED = 1
INTERRUPTED = 130
TERMINATED = 143


class Command(NamedTuple):
    """One line of the table."""

    module: str
    attribute: str
    """In the module: a Typer app that holds this command, or the function that is it."""
    extra: str
    """The optional dependency group that the command needs."""
    help: str


COMMANDS: dict[str, Command] = {
    "demo": Command(
        "discloop.commands.demo", "app", "dev", "Start everything with studies, people and worklists."
    ),
    "up": Command("discloop.commands.up", "app", "cli", "Start the local stack and keep it running."),
    "down": Command("discloop.commands.down", "app", "cli", "Stop the local stack of a home."),
    "status": Command(
        "discloop.commands.status", "app", "cli", "What runs, what is healthy, where the loop stands."
    ),
    "phantom": Command(
        "data_curation.cli", "phantom", "curation", "Write synthetic DICOM studies with known truth."
    ),
    "curate": Command(
        "data_curation.cli", "curate", "curation", "De-identify DICOM, write slices and a manifest."
    ),
    "import": Command(
        "data_curation.cli", "import_", "curation", "Bring public data sets and label files into a store."
    ),
    "ingest": Command(
        "discloop.commands.ingest", "app", "cli", "Tell the backend of the studies in its store."
    ),
    "people": Command("discloop.commands.people", "app", "cli", "Add, sign out, retire and replace people."),
    "audit": Command(
        "discloop.commands.audit", "app", "cli", "The trail of acts, and how blind a study was read."
    ),
    "calibrate": Command(
        "discloop.commands.calibrate", "app", "backend", "What a reader passes before the first unit."
    ),
    "worklists": Command("discloop.commands.worklists", "app", "cli", "Plan who reads what."),
    "propose": Command("ml_backend.cli", "app", "ml", "The active model on PNG or DICOM files."),
    "rank": Command("discloop.commands.rank", "app", "cli", "The next units to read, and why."),
    "round": Command(
        "discloop.commands.rounds", "app", "cli", "Plan, approve, start and follow retraining rounds."
    ),
    "evaluate": Command("ml_backend.cli", "app", "ml", "A model on a labelled store: the papers' tables."),
    "agreement": Command("discloop.agreement.cli", "app", "agreement", "Agreement of a table of readings."),
    "simulate": Command("discloop.simulate.cli", "app", "ml", "Replay the loop on labelled data."),
    "export": Command(
        "discloop.commands.export", "app", "curation", "Consensus labels with provenance, as a data set."
    ),
    "doctor": Command("discloop.commands.doctor", "app", "backend", "What is wrong here, and its cure."),
    "backup": Command(
        "discloop.commands.backup", "app", "backend", "Everything of a home, as of one moment."
    ),
    "restore": Command("discloop.commands.restore", "app", "backend", "A backup becomes a home again."),
    "upgrade": Command(
        "discloop.commands.upgrade", "app", "backend", "A home of an older DiscLoop, after a backup."
    ),
    "prune": Command("discloop.commands.prune", "app", "backend", "Make room; what is evidence stays."),
}


def build(only: str | None = None) -> typer.Typer:
    """The Typer app with `only` that command loaded or, without it, all of them as names with a help line."""
    app = typer.Typer(
        name="discloop",
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback(help=PURPOSE)(_root)
    if only is None:
        for name, command in COMMANDS.items():
            app.command(name, help=command.help)(_placeholder)
        return app
    _mount(app, only, COMMANDS[only])
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("discloop"))
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", is_eager=True, callback=_show_version
    ),
) -> None:
    """The options before the command."""


def _placeholder() -> None:
    """Stands in the list of commands; `main` loads the real one before it is run."""


def _mount(app: typer.Typer, name: str, command: Command) -> None:
    part = _load(name, command)
    if isinstance(part, typer.Typer):
        app.registered_commands += part.registered_commands
        app.registered_groups += part.registered_groups
    else:
        app.command(name)(part)


def _load(name: str, command: Command) -> typer.Typer | Callable[..., None]:
    try:
        part: typer.Typer | Callable[..., None] = getattr(
            importlib.import_module(command.module), command.attribute
        )
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        raise DiscLoopError(
            f"{name}: the Python package {missing} is not installed; it comes with discloop[{command.extra}]"
        ) from error
    return part


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code: 0, 1 failed, 2 wrong input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)


def run(arguments: list[str]) -> int:
    """Run one command line; every expected error becomes one line on standard error and an exit code."""
    try:
        command = next((a for a in arguments if not a.startswith("-")), None)
        app = build(command if command in COMMANDS else None)
        code = app(arguments or ["--help"], prog_name="discloop", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except DiscLoopError as error:
        return _complain(str(error), WRONG_INPUT)
    except TyperException as error:  # a wrong use: an unknown option, a bad value
        return _complain(_usage(error), WRONG_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED


def _usage(error: BaseException) -> str:
    formatted: str = getattr(error, "format_message", lambda: str(error))()
    return formatted


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"discloop: {' '.join(message.split())}\n")
    return code

"""`discloop down`: end the stack of a home from another terminal."""

from __future__ import annotations

import os
import signal
import time

import typer

from discloop.console import Json, print_json, words
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.stack import state
from domain.errors import DiscLoopError

app = typer.Typer()

LONGEST_WAIT_SECONDS = 40.0


@app.command()
def down(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Stop the local stack of a home and wait until every process has ended."""
    here = Home.at(home)
    was_running = stop(here)
    if as_json:
        print_json({"home": str(here.root), "was_running": was_running})
    else:
        words().print("Stopped." if was_running else f"No stack runs on {here.root}.")


def stop(home: Home) -> bool:
    """Stop the stack of a home; False if none was running.

    Raises:
        DiscLoopError: If it has not ended in time.
    """
    stack = state.read(home)
    if stack is None:
        return False
    os.kill(stack.pid, signal.SIGTERM)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while state.is_running(home):
        if time.monotonic() > deadline:
            raise DiscLoopError(f"--home {home.root}: process {stack.pid} did not end; its logs: {home.logs}")
        time.sleep(0.1)
    return True

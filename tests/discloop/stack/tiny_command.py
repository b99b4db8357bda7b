"""The tiny stack as a command, so that the tests go through the real error and signal handling."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from discloop.home import Home
from tests.discloop.stack.tiny_stack import supervise

app = typer.Typer()


@app.command()
def tiny(home: Path, ports: list[int]) -> None:
    """Supervise tiny services on these ports."""
    os.chdir(home)
    supervise(Home.at(home), ports)

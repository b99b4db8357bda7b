"""What happened in a played turn, for the person who watched."""

from __future__ import annotations

from typing import Any

from discloop.console import result


def show_outcome(outcome: dict[str, Any]) -> None:
    """Print the turn, marked as simulated."""
    console = result()
    console.print()
    console.print("[bold]What happened[/] (simulated people, phantom images: no evidence about real readers)")
    console.print(f"{outcome['read']} readings, {outcome['adjudicated']} units adjudicated", soft_wrap=True)
    now = outcome["round"]
    console.print(f"round {now['id']}: {now['state']}, {now['champion']} against {now['challenger']}")

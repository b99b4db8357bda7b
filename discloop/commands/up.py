"""`discloop up`: the local stack in the foreground."""

from __future__ import annotations

from collections.abc import Callable

import typer

from discloop import credentials
from discloop.console import Json, print_json, words
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.stack import preflight, state
from discloop.stack.ports import BackendPort, LabelStudioPort, MlPort, Ports
from discloop.stack.rounds import (
    EpochsOption,
    PolicyOption,
    RayGpusOption,
    RayOption,
    RayStorageOption,
    Rounds,
)
from discloop.stack.services import local_services
from discloop.stack.state import Condition, StackState
from discloop.stack.supervisor import Supervisor

app = typer.Typer()


@app.command()
def up(
    home: HomeOption = DEFAULT_HOME,
    port_label_studio: LabelStudioPort = 8080,
    port_backend: BackendPort = 8081,
    port_ml: MlPort = 9090,
    policy: PolicyOption = None,
    train_epochs: EpochsOption = None,
    ray: RayOption = None,
    ray_storage: RayStorageOption = None,
    ray_gpus: RayGpusOption = 0,
    as_json: Json = False,
) -> None:
    """Start the local stack and keep it running. Ctrl-C stops every process.

    With --json: one line at each change of a service's condition.
    """
    ports = Ports(port_label_studio, port_backend, port_ml)
    rounds = Rounds(policy, train_epochs, ray, ray_storage, ray_gpus)
    run_stack(Home.at(home), ports, rounds, _json_line if as_json else _Words())


def run_stack(here: Home, ports: Ports, rounds: Rounds, on_change: Callable[[StackState], None]) -> None:
    """Check, hold the home, and supervise until a signal ends it."""
    here.create()
    with state.held(here):
        preflight.check(here, ports)
        secrets = credentials.load_or_generate(here.secrets)
        services = local_services(here, ports, secrets, rounds)
        Supervisor(here, services, on_change).run()


def _json_line(stack: StackState) -> None:
    print_json({"ready": stack.ready, **stack.model_dump(mode="json")})


class _Words:
    """A line when a service's condition changes, and the addresses once all are ready."""

    def __init__(self) -> None:
        self._console = words()
        self._seen: dict[str, tuple[Condition, int]] = {}

    def __call__(self, stack: StackState) -> None:
        for name, service in stack.services.items():
            now = (service.condition, service.restarts)
            if self._seen.get(name) != now:
                self._seen[name] = now
                self._console.print(f"{service.title:<14} {service.condition.value:<11} {service.url}")
        if stack.ready:
            self._console.print(
                f"[bold]Ready.[/] Read at {stack.services['label-studio'].url}, "
                f"follow the loop at {stack.services['backend'].url}. Ctrl-C stops everything."
            )

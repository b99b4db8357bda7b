"""The ports of one local stack and the addresses that follow from them. All bind the loopback address."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Annotated

import typer

from domain.errors import DiscLoopError

HOST = "127.0.0.1"
LabelStudioPort = Annotated[
    int, typer.Option("--port-label-studio", min=1, max=65535, help="Label Studio's port.")
]
BackendPort = Annotated[int, typer.Option("--port-backend", min=1, max=65535, help="The backend's port.")]
MlPort = Annotated[int, typer.Option("--port-ml", min=1, max=65535, help="The ML backend's port.")]


@dataclass(frozen=True)
class Ports:
    label_studio: int = 8080
    backend: int = 8081
    ml: int = 9090

    @property
    def label_studio_url(self) -> str:
        return f"http://{HOST}:{self.label_studio}"

    @property
    def backend_url(self) -> str:
        return f"http://{HOST}:{self.backend}"

    @property
    def ml_url(self) -> str:
        return f"http://{HOST}:{self.ml}"

    def require_free(self) -> None:
        """Raise where a port is in use or two are the same, naming the option that chooses another."""
        chosen = {
            "--port-label-studio": self.label_studio,
            "--port-backend": self.backend,
            "--port-ml": self.ml,
        }
        if len(set(chosen.values())) < len(chosen):
            raise DiscLoopError(f"expected three different ports, got {', '.join(map(str, chosen.values()))}")
        for option, port in chosen.items():
            if not _is_free(port):
                raise DiscLoopError(
                    f"port {port} is in use: stop what uses it, or choose another with {option}"
                )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the services do it: a port in TIME_WAIT can be taken, a port somebody listens on cannot.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

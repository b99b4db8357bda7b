"""`python -m ml_backend.serve --port P`: starts the service; refuses to start without its settings."""

from __future__ import annotations

from typing import Annotated

import torch
import typer
import uvicorn

from domain.errors import DiscLoopError
from ml_backend.app import create_app
from ml_backend.logs import configure_logs
from ml_backend.settings import load_settings

DEFAULT_PORT = 9090


def main(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve proposals to Label Studio and the backend."""
    configure_logs()
    try:
        settings = load_settings()
        torch.set_num_threads(settings.ml_threads)
        app = create_app(settings)
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    # What uvicorn says goes through our logs: its own would repeat what an exception says.
    uvicorn.run(app, host=host, port=port, log_config=None, log_level="warning", access_log=False)


if __name__ == "__main__":
    typer.run(main)

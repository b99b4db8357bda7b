"""Starts the backend: `python -m backend.serve --port 8081`. Migrates its database first."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from backend.app import create_app
from backend.logs import configure_logs
from backend.migrations.upgrade import upgrade
from backend.settings import load_settings
from domain.errors import DiscLoopError


def main(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8081,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run the control plane until it is told to stop."""
    configure_logs()
    try:
        settings = load_settings()
        upgrade(settings.database_url)
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    # Proxies' headers are not believed; requests are logged by the frame, not by uvicorn.
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    typer.run(main)

"""Start a guarded Label Studio: `python -m label_studio_guard.serve --port 8080`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from domain.errors import DiscLoopError

THREADS = 8


def main(arguments: list[str] | None = None) -> int:
    """Migrate, make the accounts, check every opened route, then serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="label_studio_guard.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--migrate-only", action="store_true", help="prepare the database and stop")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "label_studio_guard.settings")
    try:
        prepare()
    except DiscLoopError as error:
        sys.stderr.write(f"label_studio_guard: {error}\n")
        return 2
    if not options.migrate_only:
        _serve(options.host, options.port, options.workers)
    return 0


def prepare() -> None:
    """Everything before the first request.

    Raises:
        DiscLoopError: For a missing secret, an untested Label Studio, or an opened route that is gone.
    """
    from label_studio_guard.configuration import configuration
    from label_studio_guard.version import check_version

    configured = configuration()
    check_version()
    import django

    django.setup()
    _migrate()
    from label_studio_guard.accounts import create_accounts
    from label_studio_guard.checks import check_routes

    create_accounts(configured.service_token.get_secret_value())
    check_routes()


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", "--no-color", verbosity=0, interactive=False)


def _serve(host: str, port: int, workers: int) -> None:
    from django.db import connections
    from gunicorn.app.base import BaseApplication

    from label_studio_guard.wsgi import application

    class Server(BaseApplication):
        def load_config(self) -> None:
            settings: dict[str, Any] = {
                "bind": f"{host}:{port}",
                "worker_class": "gthread",
                "workers": workers,
                "threads": THREADS,
                "timeout": 150,
                "graceful_timeout": 15,
                "keepalive": 2,
                "proc_name": "discloop-label-studio",
                "control_socket_disable": True,
            }
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return application

    # Workers are forked: no connection may be shared with them.
    connections.close_all()
    Server().run()


if __name__ == "__main__":
    sys.exit(main())

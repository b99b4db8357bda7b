"""Make Label Studio's tables from its models, and call its migrations done.

Its migrations ask for the extensions pg_trgm and btree_gin, for indexes of text search in results; the
Postgres that the tests start has neither. The tables are the same. Runs with the Python of `.venv-ls`.
"""

from __future__ import annotations

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class _NoMigrations(dict[str, None]):
    """No app but the guard has any."""

    def __contains__(self, label: object) -> bool:
        return label != "label_studio_guard"

    def __getitem__(self, label: str) -> None:
        return None


def main() -> None:
    """Two steps: tables, then the record of the migrations."""
    django.setup()
    settings.MIGRATION_MODULES = _NoMigrations()
    call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
    settings.MIGRATION_MODULES = {}
    recorder = MigrationRecorder(connection)
    done = recorder.applied_migrations()
    for app, name in MigrationLoader(connection).graph.nodes:
        if (app, name) not in done:
            recorder.record_applied(app, name)


if __name__ == "__main__":
    main()

"""Bringing a database to the newest form, at start and in tests."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from backend.database import Database


def config_of(database: Database) -> Config:
    """Alembic's configuration for this database; there is no file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database"] = database
    return config


def upgrade(url: str) -> None:
    """Run every migration that is missing, in one writing transaction."""
    database = Database(url)
    try:
        command.upgrade(config_of(database), "head")
    finally:
        database.dispose()

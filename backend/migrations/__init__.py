"""Alembic's migrations of the backend's database."""

"""The Django app: loaded into Label Studio, it puts the guard in place before the first request."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class GuardConfig(AppConfig):
    """Tables live in `tables`, not `models`: here "model" means network weights."""

    name = "label_studio_guard"
    label = "label_studio_guard"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Django looks for `models`; ours are in `tables`."""
        super().import_models()
        self.models_module = import_module("label_studio_guard.tables")

    def ready(self) -> None:
        """Check the version, then install the second decision, the narrowed lists and the outbox."""
        from label_studio_guard import membership, narrowing, outbox, rest, version, webhooks

        version.check_version()
        rest.install()
        membership.install()
        narrowing.install()
        outbox.install()
        webhooks.close()

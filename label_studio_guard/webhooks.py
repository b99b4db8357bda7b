"""Readings leave by the outbox only."""

from __future__ import annotations

from django.db.models.signals import post_save


def close() -> None:
    """Attaching an ML backend would make a webhook that posts every annotation to it; it makes none."""
    from ml.models import MLBackend, create_ml_webhook

    post_save.disconnect(create_ml_webhook, sender=MLBackend)

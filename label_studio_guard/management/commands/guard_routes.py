"""Print every route of the resolver as JSON, with what the guard does about it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from label_studio_guard.routes import every_route
from label_studio_guard.rules import RULES


class Command(BaseCommand):
    """`guard_routes`: one JSON list of `{"route", "open"}`."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the list to standard output."""
        routes = [
            {
                "route": route.route,
                "open": sorted(method for opened, method in RULES if opened == route.route),
            }
            for route in every_route()
        ]
        self.stdout.write(json.dumps(routes))

"""Every route of the resolver, and which route takes its sample path: prints one JSON object.

Runs with the Python of `.venv-ls`, started by the tests.
"""

from __future__ import annotations

import json
import sys

from tests.label_studio_guard.probing import sample_path


def main() -> None:
    """Ask the resolver of the guarded Label Studio."""
    import django

    django.setup()
    from django.urls import Resolver404, resolve

    from label_studio_guard.routes import every_route

    routes = list(dict.fromkeys(route.route for route in every_route()))
    nowhere, shadowed = [], []
    for route in routes:
        path = sample_path(route, 1)
        try:
            found = resolve(f"/{path}").route
        except Resolver404:
            nowhere.append((route, path))
            continue
        if found != route:
            shadowed.append((route, path, found))
    sys.stdout.write("\n" + json.dumps({"routes": routes, "nowhere": nowhere, "shadowed": shadowed}) + "\n")


if __name__ == "__main__":
    main()

"""Which route takes each sample path: reads `{route: path}`, prints what no route or another one takes."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Ask the resolver of the guarded Label Studio."""
    import django

    django.setup()
    from django.urls import Resolver404, resolve

    nowhere, shadowed = [], []
    for route, path in json.load(sys.stdin).items():
        try:
            found = resolve(f"/{path}").route
        except Resolver404:
            nowhere.append((route, path))
            continue
        if found != route:
            shadowed.append((route, path, found))
    sys.stdout.write("\n" + json.dumps({"nowhere": nowhere, "shadowed": shadowed}) + "\n")


if __name__ == "__main__":
    main()

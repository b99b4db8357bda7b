"""Every route the URL resolver knows, named as Django names the one it resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """One route and the view behind it."""

    route: str
    view: Any

    @property
    def view_class(self) -> Any | None:
        """The class, of class-based views."""
        return getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)


def every_route() -> Iterator[Route]:
    """All routes of the running configuration, in the order they are tried."""
    yield from _routes(get_resolver(), "")


def _routes(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        joined = _join(prefix, str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield Route(joined, pattern.callback)
        else:
            yield from _routes(pattern, joined)


def _join(prefix: str, route: str) -> str:
    """As `URLResolver` joins: the second part loses its leading `^`."""
    return prefix + route.removeprefix("^") if prefix else route

"""What must hold before anything is served: the opened routes exist, their views skip nothing."""

from __future__ import annotations

import inspect
from typing import Any

from rest_framework.views import APIView

from domain.errors import DiscLoopError
from label_studio_guard.routes import every_route
from label_studio_guard.rules import RULES


def check_routes() -> None:
    """Refuse to start if an opened route is gone, or its view could skip the second decision.

    Raises:
        DiscLoopError: Naming the route.
    """
    views = {route.route: route for route in every_route()}
    for route, method in RULES:
        found = views.get(route)
        if found is None:
            raise DiscLoopError(f"Label Studio has no route {route!r}, which the guard opens by {method}")
        if found.view_class is not None and issubclass(found.view_class, APIView):
            _check_view(route, found.view_class)


def _check_view(route: str, view: Any) -> None:
    """A view may prepare itself after `initial`, never authenticate or dispatch in its own way."""
    if "guarded" not in getattr(view.perform_authentication, "__qualname__", ""):
        raise DiscLoopError(f"route {route!r}: its view authenticates in its own way")
    for ancestor in view.__mro__:
        if ancestor is APIView:
            break
        if "dispatch" in vars(ancestor):
            raise DiscLoopError(f"route {route!r}: its view dispatches in its own way")
        if "initial" in vars(ancestor) and not _calls_super_first(ancestor.initial):
            raise DiscLoopError(f"route {route!r}: its view skips the checks before it")


def _calls_super_first(initial: Any) -> bool:
    lines = [line.strip() for line in inspect.getsource(initial).splitlines()[1:]]
    return bool(lines) and lines[0].startswith("super().initial(")

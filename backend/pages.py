"""Making pages: Jinja2 templates, the menu, and nothing that a browser would fetch elsewhere."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from backend.access import Actor, session_actor
from backend.resources import resources_of

if TYPE_CHECKING:
    from backend.nouns import Navigation, Noun

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"

ERROR_TITLES = {
    401: "Please sign in",
    403: "Not for this account",
    404: "Nothing here",
    409: "Not now",
    422: "Please check the form",
    503: "Another service does not answer",
}


@cache
def environment() -> Environment:
    """The templates: everything escaped, every name defined."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters["moment"] = _of_the_site
    return made


def moment(at: datetime | None, timezone: str = "UTC") -> str:
    """A time for people, in a zone that it names: `2026-11-21 11:00 CET`."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z") if at else "never"


@pass_context
def _of_the_site(context: Context, at: datetime | None) -> str:
    """The filter: `moment` in the site's time."""
    return moment(at, context["settings"].timezone)


def render(
    request: Request, template: str, actor: Actor | None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page, with the menu of the actor's role.

    Args:
        request: The request; its path marks the menu's entry.
        template: A file below `backend/templates`.
        actor: Who looks, or nobody.
        status: HTTP status.
        values: What the template shows.
    """
    page = environment().get_template(template)
    html = page.render(
        actor=actor,
        menu=_menu(request, actor),
        path=request.url.path,
        settings=resources_of(request).settings,
        **values,
    )
    return HTMLResponse(html, status_code=status)


def render_error(request: Request, status: int, code: str, message: str) -> Response:
    """The page of an error."""
    actor = session_actor(request, resources_of(request))
    title = ERROR_TITLES.get(status, "That did not work")
    return render(request, "error.html", actor, status=status, title=title, message=message, code=code)


def _menu(request: Request, actor: Actor | None) -> list[Navigation]:
    nouns: tuple[Noun, ...] = request.app.state.nouns
    if actor is None:
        return []
    entries = [noun.navigation for noun in nouns if noun.navigation is not None]
    return sorted((one for one in entries if actor.role in one.roles), key=lambda one: one.order)

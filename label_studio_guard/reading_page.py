"""Our script, style and way back on Label Studio's pages, and the route that serves the script."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from label_studio_guard.configuration import configuration
from label_studio_guard.words import words
from labeling_configs.page import FRAME_STYLE, READING_SCRIPT

PAGES = frozenset({"^projects/", "^projects/<int:pk>/", "^projects/<int:pk>/data/"})
"""Label Studio changes between these without loading a page again, so each of them brings these."""


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The script of `labeling_configs`, always the present one."""
    response = HttpResponse(READING_SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@cache
def _additions() -> bytes:
    style = FRAME_STYLE.read_text(encoding="utf-8")
    # Other links Label Studio opens in itself.
    attributes = 'class="dl-home" href="/discloop/worklists" data-external'
    back = f"<a {attributes}>DiscLoop · {words()['worklists']}</a>"
    script = f'<script src="/discloop/reading.js" data-language="{configuration().language}" defer></script>'
    return f"<style>{style}</style>{back}{script}".encode()


def with_additions(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put them at the end of a page that Label Studio rendered."""
    match = request.resolver_match
    is_page = match is not None and match.route in PAGES and response.status_code == 200
    if is_page and not response.streaming and b"</body>" in response.content:
        response.content = response.content.replace(b"</body>", _additions() + b"</body>", 1)
    return response

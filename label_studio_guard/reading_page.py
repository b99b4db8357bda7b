"""Our script on Label Studio's pages, and the route that serves it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from labeling_configs.page import READING_SCRIPT

PAGES = frozenset({"^projects/", "^projects/<int:pk>/", "^projects/<int:pk>/data/"})
"""Label Studio changes between these without loading a page again, so each of them brings the script."""
TAG = b'<script src="/discloop/reading.js" defer></script>'


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The script of `labeling_configs`, always the present one."""
    response = HttpResponse(READING_SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


def with_script(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put the script at the end of a page that Label Studio rendered."""
    match = request.resolver_match
    is_page = match is not None and match.route in PAGES and response.status_code == 200
    if is_page and not response.streaming and b"</body>" in response.content:
        response.content = response.content.replace(b"</body>", TAG + b"</body>", 1)
    return response

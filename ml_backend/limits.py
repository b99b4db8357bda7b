"""How much a request may bring: a body is read into memory before anybody is asked who sent it."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""Label Studio sends all tasks of a project in one request."""


class BodyLimit:
    """ASGI middleware: 413 for a body that says, or turns out, to be larger; the rest of it is not read."""

    def __init__(self, app: ASGIApp, *, largest: int = LARGEST_BODY_BYTES) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        told = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if not told.isdigit() or int(told) > self.largest:
            await JSONResponse({"detail": self._reason()}, status_code=413)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.largest:
                raise HTTPException(413, self._reason())
            return message

        await self.app(scope, counted, send)

    def _reason(self) -> str:
        return f"a request brings at most {self.largest} bytes"

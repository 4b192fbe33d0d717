"""The pages of the web client: its files as they lie in `web/`, and the headers that keep a page safe."""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).parent / "web"
PAGES = {
    "/": "index.html",
    "/captions": "captions.html",
    "/pass": "pass.html",
    "/room": "room.html",
    "/r/{room}": "listen.html",
    "/r/{room}/speak": "speak.html",
}

# Only what lies here, and no HTML made from strings: captions are the words of strangers. blob: is for the
# translated recording that the page offers to play.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    # Asked for anew each time (304 by ETag), so that no page mixes the modules of two releases.
    "Cache-Control": "no-cache",
}

# What a system says of .js may be wrong (Windows), and browsers refuse modules of another type.
mimetypes.add_type("text/javascript", ".js")


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def add(app: Starlette) -> None:
    """Serves the pages, and what they are made of below /web."""
    for path, name in PAGES.items():
        app.add_route(path, _page(WEB / name), include_in_schema=False)
    app.mount("/web", _Files(directory=WEB), name="web")


def _page(file: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    async def page(_: Request) -> FileResponse:
        return FileResponse(file, headers=HEADERS)

    return page

"""Rooms over HTTP: make one, look who is there, end it, and draw its link as a QR code.

A secret travels in the head `Authorization` or in a body, never in a path or query, and no log holds one.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

import segno
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, Field

from bridge import languages
from bridge.errors import LanguageError, ProtocolError
from bridge.protocol.client_messages import Part
from bridge.store.rooms import Access, Made
from gateway.answers import answered, body
from gateway.core.roster import Roster
from gateway.runtime.backend import Backend
from gateway.runtime.offers import Offer

log = structlog.get_logger(__name__)

PRIVATE = {"Cache-Control": "no-store"}
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def _tidy(name: str) -> str:
    """A name on one line, which no terminal takes for a command."""
    return _CONTROL.sub(" ", name).strip()


class RoomWish(Part):
    """A room to be made, with the name that its participants see."""

    name: Annotated[str, Field(max_length=80), AfterValidator(_tidy)] = ""


class CodeWish(Part):
    """A text to be drawn as a QR code."""

    text: Annotated[str, Field(min_length=1, max_length=512)]


def add(app: FastAPI) -> None:
    """Serves them; `app.state.backend` is there once the application has started."""
    drawing = asyncio.Lock()

    @app.post("/v1/rooms")
    async def make(request: Request) -> Response:
        """A new room and its two links."""
        return await answered(request, lambda backend: _make(request, backend))

    @app.get("/v1/rooms/{room}")
    async def look(request: Request, room: str) -> Response:
        """Who is there, for anybody with a secret of the room."""
        return await answered(request, lambda backend: _look(backend, room, _secret(request)))

    @app.delete("/v1/rooms/{room}")
    async def end(request: Request, room: str) -> Response:
        """Ends it for everybody, for whoever may speak there."""
        return await answered(request, lambda backend: _end(backend, room, _secret(request)))

    @app.post("/v1/qr")
    async def draw(request: Request) -> Response:
        """A text as a QR code: rows of modules, 1 for dark."""
        return await answered(request, lambda backend: _draw(request, backend, drawing))


def _secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def _make(request: Request, backend: Backend) -> Response:
    settings = backend.settings
    wish = await body(request, RoomWish, settings.http_header_seconds)
    made = await backend.rooms.create(wish.name, settings.room_ttl_seconds, settings.rooms_max)
    log.info("room made", room=made.room)
    return JSONResponse(_links(made, wish.name) | {"expires_s": settings.room_ttl_seconds}, 201, PRIVATE)


def _links(made: Made, name: str) -> dict[str, Any]:
    path = f"/r/{made.room}"
    return {
        "room": made.room,
        "name": name,
        "listen": {"secret": made.listen, "path": f"{path}#{made.listen}"},
        # Who speaks hands on the link for listening.
        "speak": {"secret": made.speak, "path": f"{path}/speak#{made.speak}&listen={made.listen}"},
    }


async def _look(backend: Backend, room: str, secret: str) -> Response:
    access = await backend.rooms.open(room, secret)
    records, workers = await asyncio.gather(backend.attendance.get(room), backend.fleet.look())
    there = Roster()
    there.replace(records)
    return JSONResponse(
        _seen(access, there) | {"languages": _on_offer(Offer.of(workers), there)}, 200, PRIVATE
    )


def _seen(access: Access, there: Roster) -> dict[str, Any]:
    return {
        "room": access.room,
        "name": access.name,
        "role": "speaker" if access.may_speak else "listener",
        "speakers": [
            {"id": each.number, "name": each.name, "language": each.language, "away": each.away}
            for each in there.speakers
        ],
        "listeners": there.listeners,
    }


def _on_offer(offer: Offer, there: Roster) -> list[dict[str, Any]]:
    """What can be listened in: what is translated into, and what is spoken there, in the speaker's voice."""
    tags = {target for _, target in offer.pairs} | {each.language for each in there.speakers}
    found = []
    for tag in sorted(tags):
        try:
            language = languages.find(tag)
        except LanguageError:
            continue  # a speaker whose language is detected
        found.append({"tag": tag, "name": language.name, "rtl": language.rtl})
    return found


async def _end(backend: Backend, room: str, secret: str) -> Response:
    access = await backend.rooms.open(room, secret)
    if not access.may_speak:
        raise ProtocolError(
            "This link is for listening; it ends no room.",
            "Use the link for speaking, or ask who has it.",
            code="listen_only",
        )
    await backend.rooms.end(room)
    log.info("room ended", room=room)
    return Response(status_code=204)


async def _draw(request: Request, backend: Backend, drawing: asyncio.Lock) -> Response:
    wish = await body(request, CodeWish, backend.settings.http_header_seconds)
    # Up to 60 ms of processor: one at a time, and not on the loop that carries speech.
    async with drawing:
        rows = await asyncio.to_thread(_rows, wish.text)
    return JSONResponse({"rows": rows}, 200, PRIVATE)


def _rows(text: str) -> list[str]:
    code = segno.make(text, error="m", micro=False)
    return ["".join("1" if module else "0" for module in row) for row in code.matrix]

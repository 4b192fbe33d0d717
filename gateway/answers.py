"""Requests with a body, and answers to those that cannot be served: as bounded and as plain as the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from bridge.errors import BridgeError, ProtocolError, TooManyRooms
from gateway.protocols.native.refusals import check_origin
from gateway.runtime.admission import RETRY_AFTER_MS
from gateway.runtime.backend import Backend

BODY_BYTES = 8_192
"""The longest body has 512 characters, each escaped by 12 bytes at most."""
ROOMS_AFTER_MS = 60_000
STATUS = {
    "bad_field": 400,
    "bad_json": 400,
    "forbidden_origin": 403,
    "idle": 408,
    "listen_only": 403,
    "metrics_off": 404,
    "redis_unavailable": 503,
    "room_ended": 404,
    "too_large": 413,
    "too_many_rooms": 503,
    "unknown_room": 404,
    "wrong_secret": 403,
}

Model = TypeVar("Model", bound=BaseModel)


def problem(error: BridgeError) -> JSONResponse:
    """What went wrong, as JSON {code, message, hint} and, where a later try may succeed, retry_after_ms."""
    content: dict[str, object] = {"code": error.code, "message": error.message, "hint": error.hint}
    headers = {}
    if error.retryable:
        after = ROOMS_AFTER_MS if isinstance(error, TooManyRooms) else RETRY_AFTER_MS
        content["retry_after_ms"] = after
        headers["Retry-After"] = str(after // 1000)
    if error.code in ("idle", "too_large"):
        headers["Connection"] = "close"  # what is left of the body is not waited for
    return JSONResponse(content, STATUS[error.code], headers)


async def answered(request: Request, serve: Callable[[Backend], Awaitable[Response]]) -> Response:
    """What `serve` answers to a page that may ask; its errors as `problem`."""
    backend: Backend = request.app.state.backend
    try:
        check_origin(request, backend.site, backend.settings.proxies)
        return await serve(backend)
    except BridgeError as error:
        return problem(error)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it


async def body(request: Request, model: type[Model], seconds: float) -> Model:
    """The body as `model`; an empty one as an empty object. Raises ProtocolError."""
    try:
        async with asyncio.timeout(seconds):
            raw = await _read(request)
    except TimeoutError:
        raise ProtocolError(
            f"The body did not come within {seconds:g} s.", "Send it at once.", code="idle"
        ) from None
    try:
        return model.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        raise _misread(error) from None


async def _read(request: Request) -> bytes:
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > BODY_BYTES:
            raise ProtocolError(
                f"The body has more than {BODY_BYTES} bytes.",
                "Send what is asked for only.",
                code="too_large",
            )
    return bytes(read)


def _misread(error: ValidationError) -> ProtocolError:
    """Names the field and what is expected, never the value: it may be a link with its secret."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid" or not first["loc"]:
        return ProtocolError(
            "The body is no JSON object.", "docs/protocol.md shows what may be sent.", code="bad_json"
        )
    return ProtocolError(
        f"{first['loc'][0]}: {first['msg']}.", "Correct the field and send it again.", code="bad_field"
    )

"""Makes a room on a running gateway, over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from bridge.cli.network import base_of
from bridge.errors import GatewayError

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Made:
    """A room, and the links to it. It is gone when nobody used it for `expires_s`."""

    room: str
    name: str
    listen: str
    speak: str
    expires_s: float


def create(url: str, name: str = "") -> Made:
    """A new room on the gateway whose page is at `url`. Raises GatewayError."""
    base = base_of(url)
    answer = _post(base, {"name": name} if name else {})
    try:
        return Made(
            str(answer["room"]),
            str(answer.get("name") or ""),
            base + answer["listen"]["path"],
            base + answer["speak"]["path"],
            float(answer["expires_s"]),
        )
    except (KeyError, TypeError, ValueError):
        raise _stranger(base) from None


def _post(base: str, body: dict[str, Any]) -> Any:
    local = urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1")
    head = {"Content-Type": "application/json", "Accept": "application/json"}
    request = Request(f"{base}/v1/rooms", json.dumps(body).encode(), head, method="POST")
    try:
        with build_opener(ProxyHandler({} if local else None)).open(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise _refused(base, error) from None
    except ValueError:
        raise _stranger(base) from None
    except (OSError, HTTPException) as error:
        raise GatewayError(
            f"No gateway answers at {base}: {getattr(error, 'reason', None) or error}.",
            "Start one with `speechbridge up`, or give its address with --url.",
            code="no_gateway",
            retryable=True,
        ) from None


def _refused(base: str, error: HTTPError) -> GatewayError:
    with error:
        try:
            told = json.load(error)
            return GatewayError(told["message"], told.get("hint", ""), code=told["code"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return _stranger(base)


def _stranger(base: str) -> GatewayError:
    return GatewayError(
        f"What answers at {base} makes no rooms.",
        "Give the address of a speechbridge gateway of this release with --url.",
        code="no_gateway",
    )

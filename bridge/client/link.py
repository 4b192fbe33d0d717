"""The link of a room: where it is, and the secret that opens it for listening or for speaking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bridge.errors import GatewayError

_PATH = re.compile(r"(?P<base>.*)/r/(?P<room>[^/]+)(?P<speaks>/speak)?/?")
EXAMPLE = "http://HOST:8000/r/ROOM#SECRET"


@dataclass(frozen=True, slots=True)
class RoomLink:
    """`gateway` is the address below which the room is; `speaks` tells the link for speaking."""

    gateway: str
    room: str
    secret: str
    speaks: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises GatewayError with code `bad_link`, in which the secret is not told."""
        try:
            parts = urlsplit(text.strip())
        except ValueError:
            raise _bad("What was given is no link of a room.", f"It looks like {EXAMPLE}.") from None
        shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        found = _PATH.fullmatch(parts.path)
        if parts.scheme not in ("http", "https") or not parts.hostname or found is None:
            raise _bad(f"{shown} is no link of a room.", f"It looks like {EXAMPLE}.")
        # The link for speaking carries the secret for listening along, to be handed on.
        secret, _, _ = parts.fragment.partition("&")
        if not secret:
            raise _bad(
                f"The link {shown} has no secret.", "Copy it whole, with # and what is behind it, in quotes."
            )
        gateway = urlunsplit((parts.scheme, parts.netloc, found["base"], "", ""))
        speaks = found["speaks"] is not None
        return cls(gateway, unquote(found["room"]), unquote(secret), speaks)

    def __str__(self) -> str:
        """The link without its secret, for errors and logs."""
        return f"{self.gateway}/r/{quote(self.room, safe='')}{'/speak' if self.speaks else ''}"


def _bad(message: str, hint: str) -> GatewayError:
    return GatewayError(message, hint, code="bad_link")

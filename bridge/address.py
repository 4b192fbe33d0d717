"""The address of a server as anyone may read it: in an error, a log or a table."""

from __future__ import annotations

import re
import socket
from urllib.parse import unquote

HIDDEN = "***"
_SECRET = re.compile("pass|pwd|secret|token", re.IGNORECASE)
_NEXT = re.compile(r";(?=[\w+.-]+://)")


def exported(host: str, port: int) -> str:
    """What others call a server that listens on `host`: where that is every address, by the machine's name,
    which is also how one container finds another."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def masked(url: str) -> str:
    """The URL, or the list of URLs of sentinels, without passwords; any other text as it is.

    Rather hides too much of a malformed one: whatever stands before the last @ may be a password.
    """
    return ";".join(_one(each) for each in _NEXT.split(url))


def _one(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    place, question, query = rest.partition("?")
    shown = question + "&".join(_parameter(each) for each in query.split("&"))
    given, at, host = (place + shown).rpartition("@")
    user, colon, _ = given.partition(":")
    return f"{scheme}://{user}{colon and f':{HIDDEN}'}{at}{host}"


def _parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    return f"{name}={HIDDEN}" if equals and value and _SECRET.search(unquote(name)) else text

"""The origin of a web page in the one spelling that can be compared: as browsers send it."""

from __future__ import annotations

from urllib.parse import urlsplit

OPAQUE = "null"
"""What a browser sends for a page without an origin of its own, such as a file."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical(text: str) -> str:
    """Scheme, host in small letters, and the port where it is not the scheme's own.

    Raises ValueError for what is no origin, such as a URL with a path.
    """
    if text == OPAQUE:
        return text
    parts = urlsplit(text)
    beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not parts.scheme or not parts.hostname or beyond:
        raise ValueError(f"{text} is no origin")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    shown = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"

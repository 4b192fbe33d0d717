"""Ports of this machine, and what a server there answers."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit, urlunsplit

from bridge.errors import BridgeError, GatewayError

LARGEST = 32_000_000
"""Bytes read of an answer; /v1/languages has 1.2 MB where 200 languages are offered."""


def free_port(host: str, port: int) -> int:
    """`port` if it is free on `host`, for 0 any free one. Raises BridgeError otherwise."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server will: a connection that closed a moment ago is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _refused(host, port, error) from None
        return int(probe.getsockname()[1])


def _refused(host: str, port: int, error: OSError) -> BridgeError:
    if isinstance(error, PermissionError):
        return BridgeError(f"Port {port} needs more rights.", "Choose one above 1023: PORT=8000.")
    if isinstance(error, socket.gaierror) or port == 0:
        return BridgeError(f"HOST={host} is no address of this machine: {error.strerror}.", "HOST=127.0.0.1")
    other = port + 1 if port < 65_535 else 8000
    return BridgeError(
        f"Port {port} on {host} is in use.",
        f"Stop what listens there (`ss -ltnp 'sport = :{port}'` names it), or choose another: --port {other}",
        code="port_in_use",
    )


def base_of(url: str) -> str:
    """Where the pages of a gateway are, by any address of it. Raises GatewayError."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname:
        raise GatewayError(
            f"{url} is no address of a gateway.", "Write it like http://127.0.0.1:8000.", code="bad_url"
        )
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/").removesuffix("/v1/stream"), "", ""))


def reachable(host: str) -> str:
    """How this machine reaches a server that listens on `host`, ready for a URL."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def fetch(host: str, port: int, path: str) -> tuple[int, str] | None:
    """Status and body of a GET, or None where nobody answers within 2 s. No proxy is asked."""
    answers = converse(host, port, path)
    return answers[0] if answers else None


def converse(host: str, port: int, *paths: str) -> list[tuple[int, str]] | None:
    """The answers to several GETs on one connection, and so of one process; None unless all are answered."""
    connection = HTTPConnection(reachable(host).strip("[]"), port, timeout=2)
    answers = []
    try:
        connection.connect()
        connection.auto_open = 0
        for path in paths:
            connection.request("GET", path)
            response = connection.getresponse()
            answers.append((response.status, response.read(LARGEST).decode("utf-8", "replace")))
        return answers
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()

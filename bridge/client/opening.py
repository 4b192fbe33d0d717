"""Opens the WebSocket of a gateway, and makes sentences of what goes wrong on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy, WebSocketException

from bridge.errors import GatewayError
from bridge.protocol import server_messages, wire

STREAM = "/v1/stream"
CONNECT_SECONDS = 10.0
MAX_MESSAGE = 2**24
FINAL = frozenset(
    {
        wire.Close.DONE,
        wire.Close.TOO_BIG,
        wire.Close.BAD_MESSAGE,
        wire.Close.UNAUTHENTICATED,
        wire.Close.FORBIDDEN,
        wire.Close.UNKNOWN_SESSION,
        wire.Close.IDLE,
        wire.Close.TAKEN_OVER,
        wire.Close.RESUME_EXPIRED,
        wire.Close.PROTOCOL_VERSION,
    }
)
"""Close codes after which the same session cannot go on."""


def stream_url(url: str) -> str:
    """The address of the stream below `url`, which may be http(s) or ws(s), of the page or of the stream.

    Raises GatewayError for another scheme.
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise GatewayError(
            f"{url} is no address of a gateway.", "Write it like ws://127.0.0.1:8000.", code="bad_url"
        )
    path = parts.path.rstrip("/")
    path += "" if path.endswith(STREAM) else STREAM
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


async def connected(url: str, seconds: float = CONNECT_SECONDS) -> ClientConnection:
    """A connection on which nothing was said yet. Raises GatewayError."""
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    try:
        # No ping timeout: a server at its bound stops reading, pings included, and is not dead.
        # No compression: it would deflate audio, which does not shrink.
        socket = await connect(
            url,
            subprotocols=[wire.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            open_timeout=seconds,
            close_timeout=2,
            ping_timeout=None,
            max_size=MAX_MESSAGE,
            compression=None,
            proxy=None if local else True,
        )
    except (ImportError, InvalidProxy) as error:
        raise GatewayError(
            f"The proxy on the way to {url} cannot be used: {error}.",
            f"Go past it with NO_PROXY={urlsplit(url).hostname}, or name one by HTTP; unset ALL_PROXY, "
            "SOCKS_PROXY and HTTPS_PROXY for none.",
            code="bad_proxy",
        ) from None
    except (OSError, WebSocketException, TimeoutError) as error:
        raise GatewayError(
            f"No gateway answers at {url}: {str(error) or type(error).__name__}.",
            "Start one with `speechbridge up`, or correct the address.",
            code="no_gateway",
            retryable=True,
        ) from None
    if socket.subprotocol != wire.SUBPROTOCOL:
        await socket.close()
        raise GatewayError(
            f"What answers at {url} does not speak {wire.SUBPROTOCOL}.",
            "Give the address of a speechbridge gateway.",
            code="no_gateway",
        )
    return socket


def refused(error: server_messages.Error) -> GatewayError:
    """What the server says, as an error. A session that it keeps no more can be begun anew."""
    return GatewayError(
        error.message,
        error.hint,
        code=error.code,
        close_code=error.close_code,
        retryable=error.retryable or error.close_code == wire.Close.RESUME_EXPIRED,
        retry_after_ms=error.retry_after_ms,
    )


def goes_on(error: GatewayError) -> bool:
    """Whether the same session may go on after `error`, on another connection."""
    return error.close_code not in FINAL and (error.retryable or error.close_code is not None)


def lost(closed: ConnectionClosed) -> GatewayError:
    """The end of a connection on which the server said nothing about it."""
    code = closed.rcvd.code if closed.rcvd else None
    reason = f" ({closed.rcvd.reason})" if closed.rcvd and closed.rcvd.reason else ""
    return GatewayError(
        f"The gateway ended the connection before the session was over: {code or 'no close code'}{reason}.",
        "Its log tells why; docs/protocol.md lists the close codes.",
        code="connection_lost",
        close_code=code,
        retryable=True,
    )


@asynccontextmanager
async def limited(seconds: float, message: str) -> AsyncIterator[asyncio.Timeout]:
    """Raises GatewayError with `message` after `seconds`, which the timeout given can put off."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield limit
    except TimeoutError:
        raise GatewayError(message, "Its log tells why.", code="stalled", retryable=True) from None

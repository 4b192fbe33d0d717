"""One session on a WebSocket: opens it, says messages and audio, gives what arrives until it has ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy, WebSocketException

from bridge.errors import GatewayError
from bridge.protocol import client_messages, server_messages, wire

STREAM = "/v1/stream"
CONNECT_SECONDS = 10.0
MAX_MESSAGE = 2**24


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


class Client:
    """One session. `async with` opens it; iteration gives messages and audio until it has ended.

    `targets` and `source` are language tags; with the source "auto", `among` may name two of which one is
    spoken in each segment, and the other one heard. `rate` is the Hz of the audio wanted (None: the server's
    default), `vad` holds the fields of client_messages.Vad. Not to be shared between tasks but for one that
    sends and one that iterates.
    """

    started: server_messages.SessionStarted

    def __init__(
        self,
        url: str,
        source: str,
        targets: Sequence[str],
        *,
        among: Sequence[str] = (),
        rate: int | None = None,
        vad: Mapping[str, float] | None = None,
    ) -> None:
        """Raises GatewayError for a bad address, ProtocolError for a start the server would refuse."""
        self.url = stream_url(url)
        start: dict[str, Any] = {
            "type": "session.start",
            "protocol": wire.PROTOCOL,
            "source": {"language": source, "among": list(among) or None},
            "targets": [{"language": target} for target in targets],
            "output": {"rate": rate},
            "vad": vad,
        }
        self._start = wire.decode(json.dumps(start))
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        """Connects and starts the session. Raises GatewayError where either is refused."""
        self._socket = await _connected(self.url)
        try:
            await self.send(self._start)
            self.started = await self._until_started()
        except BaseException:
            await self._socket.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def send(self, message: client_messages.ClientMessage) -> None:
        """Sends a control message. Raises GatewayError once the connection is lost."""
        await self._write(wire.encode(message))

    async def send_audio(self, pcm: bytes) -> None:
        """Sends PCM s16le mono 16 kHz; waits while the server takes no more. Raises GatewayError."""
        await self._write(pcm)

    async def commit(self) -> None:
        """Asks for a cut here. Raises GatewayError."""
        await self.send(client_messages.SegmentCommit())

    async def end(self) -> None:
        """Says that no audio follows; iteration goes on to the end. Raises GatewayError."""
        await self.send(client_messages.SessionEnd())

    async def __aiter__(self) -> AsyncIterator[server_messages.ServerMessage | wire.AudioFrame]:
        """What arrives, `session.ended` last. Raises GatewayError for a fatal error or a lost connection."""
        while True:
            message = await self._read()
            if isinstance(message, server_messages.Error) and message.fatal:
                raise _refused(message)
            if message is not None:
                yield message
            if isinstance(message, server_messages.SessionEnded):
                return

    async def _until_started(self) -> server_messages.SessionStarted:
        """Waits for the answer to session.start. An error that is not fatal leaves no session either."""
        async with limited(CONNECT_SECONDS, f"{self.url} does not answer session.start."):
            while True:
                message = await self._read()
                if isinstance(message, server_messages.SessionStarted):
                    return message
                if isinstance(message, server_messages.Error):
                    raise _refused(message)

    async def _write(self, data: str | bytes) -> None:
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def _read(self) -> server_messages.ServerMessage | wire.AudioFrame | None:
        try:
            data = await self._socket.recv()
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        return wire.decode_server(data) if isinstance(data, str) else wire.unpack_audio(data)


async def _connected(url: str) -> ClientConnection:
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    try:
        # No ping timeout: a server at its bound stops reading, pings included, and is not dead.
        # No compression: it would deflate audio, which does not shrink.
        socket = await connect(
            url,
            subprotocols=[wire.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            open_timeout=CONNECT_SECONDS,
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


def _refused(error: server_messages.Error) -> GatewayError:
    code, closing = error.code, error.close_code
    return GatewayError(error.message, error.hint, code=code, close_code=closing, retryable=error.retryable)


def _lost(closed: ConnectionClosed) -> GatewayError:
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

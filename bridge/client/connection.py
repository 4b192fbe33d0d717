"""One session: says messages and audio, gives what arrives until it ends, whatever becomes of connections."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.client.lifeline import Lifeline
from bridge.client.opening import CONNECT_SECONDS, connected, goes_on, limited, lost, refused, stream_url
from bridge.errors import BridgeError, GatewayError
from bridge.protocol import client_messages, server_messages, wire

ATTEMPT_SECONDS = 5.0
"""For one attempt to go on: a packet that is lost on a network that comes back is sent again within 3."""
RECEIPT_SECONDS = 10.0
QUIET_SECONDS = 5.0
QUIET_TURNS = 3
"""A server from which nothing came for so many times QUIET_SECONDS, not even an answer to a ping, is gone."""


class Client:
    """One session. `async with` opens it; iteration gives messages and audio until it has ended.

    `targets` and `source` are language tags, `rate` is the Hz of the audio wanted and `pacing` how it comes
    (None: as the server is configured), `vad` holds the fields of client_messages.Vad, `among` the two
    languages between which "auto" decides. In a `room` a "listener" has no source, a "speaker" no targets.
    Not to be shared between tasks but for one that sends and one that iterates.

    With `resume` a lost connection is opened anew, as long as the server keeps the session: what was said
    and not acknowledged is said again, and iteration goes on as if nothing had happened. `on_change` is
    given why a connection was lost, and None when another one carries the session on.
    """

    started: server_messages.SessionStarted

    def __init__(
        self,
        url: str,
        source: str | None,
        targets: Sequence[str],
        *,
        rate: int | None = None,
        pacing: client_messages.Pacing | None = "burst",
        vad: Mapping[str, float] | None = None,
        among: Sequence[str] | None = None,
        room: str | None = None,
        role: client_messages.Role | None = None,
        secret: str | None = None,
        name: str | None = None,
        resume: bool = True,
        on_change: Callable[[GatewayError | None], None] = lambda _: None,
    ) -> None:
        """Raises GatewayError for a bad address, ProtocolError for a start the server would refuse."""
        self.url = stream_url(url)
        start: dict[str, Any] = {
            "type": "session.start",
            "protocol": wire.PROTOCOL,
            "source": None if source is None else {"language": source, "among": among and list(among)},
            "targets": [{"language": target} for target in targets] or None,
            "output": {"rate": rate, "pacing": pacing},
            "vad": vad,
            "room": room,
            "role": role,
            "secret": secret,
            "name": name,
        }
        self._start = wire.decode(json.dumps(start))
        self._lifeline = Lifeline(resume)
        self._on_change = on_change
        self._socket: ClientConnection
        self._writing = asyncio.Lock()
        self._mending = asyncio.Lock()
        self._freed = asyncio.Event()
        self._resending: asyncio.Task[None] | None = None
        self._failure: GatewayError | None = None

    async def __aenter__(self) -> Self:
        """Connects and starts the session. Raises GatewayError where either is refused."""
        self._socket, self.started = await self._opened(self._start, CONNECT_SECONDS)
        self._lifeline.begin(self.started, time.monotonic())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over()
        if self._resending is not None:
            self._resending.cancel()
            await asyncio.gather(self._resending, return_exceptions=True)
        await self._socket.close()

    async def send(self, message: client_messages.ClientMessage) -> None:
        """Sends a control message. Raises GatewayError once the session is lost."""
        self._lifeline.add(message)
        await self._push()

    async def send_audio(self, pcm: bytes) -> None:
        """Sends PCM s16le mono 16 kHz; waits while the server takes no more. Raises GatewayError.

        Of audio that could be lost with the connection 180 s are kept; then it waits until the server has
        acknowledged some, which iteration hears of, and in vain for RECEIPT_SECONDS at most.
        """
        while self._lifeline.full:
            await self._receipt()
        self._lifeline.add_audio(pcm)
        await self._push()

    async def commit(self) -> None:
        """Asks for a cut here. Raises GatewayError."""
        await self.send(client_messages.SegmentCommit())

    async def end(self) -> None:
        """Says that no audio follows; iteration goes on to the end. Raises GatewayError."""
        await self.send(client_messages.SessionEnd())

    async def __aiter__(self) -> AsyncIterator[server_messages.ServerMessage | wire.AudioFrame]:
        """What arrives, `session.ended` last. Raises GatewayError for a fatal error or a lost session."""
        while True:
            socket = self._socket
            try:
                data = await self._received(socket)
            except ConnectionClosed as closed:
                await self._mend(socket, lost(closed))
                continue
            message = _decoded(data)
            if isinstance(message, server_messages.Error) and message.fatal:
                await self._mend(socket, refused(message))
                continue
            if message is None or not self._lifeline.hear(message):
                self._freed.set()
                continue
            yield message
            if isinstance(message, server_messages.SessionEnded):
                self._freed.set()
                return

    async def _opened(
        self, start: client_messages.ClientMessage, seconds: float
    ) -> tuple[ClientConnection, server_messages.SessionStarted]:
        """A connection on which the server has answered `start`."""
        socket = await connected(self.url, seconds)
        try:
            async with limited(seconds, f"{self.url} does not answer session.start."):
                await socket.send(wire.encode(start))
                return socket, await _until_started(socket)
        except ConnectionClosed as closed:
            raise lost(closed) from None
        except BaseException:
            if self._lifeline.resumable:
                socket.transport.abort()  # a closing handshake would end the session
            else:
                await socket.close()
            raise

    async def _push(self) -> None:
        """Sends all that waits to be sent."""
        async with self._writing:
            while True:
                socket = self._socket
                data = self._lifeline.take()
                if data is None:
                    return
                try:
                    await socket.send(data)
                except ConnectionClosed as closed:
                    await self._mend(socket, lost(closed))

    async def _receipt(self) -> None:
        """Waits until some audio is safe. Rather forgets the oldest than stands still."""
        self._freed.clear()
        try:
            async with asyncio.timeout(RECEIPT_SECONDS):
                await self._freed.wait()
        except TimeoutError:
            if not self._mending.locked():
                self._lifeline.yield_room()

    async def _received(self, socket: ClientConnection) -> str | bytes:
        """The next frame. A connection on which the server is silent for too long is broken off."""
        if not self._lifeline.resumable:
            return await socket.recv()
        pong: asyncio.Future[float] | None = None
        turns = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_SECONDS):
                    if turns and pong is None:
                        pong = asyncio.ensure_future(await socket.ping())
                    return await socket.recv()
            if self._lifeline.read and (pong is None or not pong.done()):
                turns += 1
            else:
                turns, pong = 1, None
            if turns > QUIET_TURNS:
                socket.transport.abort()

    async def _mend(self, socket: ClientConnection, error: GatewayError) -> None:
        """Lets another connection carry the session on; whoever comes first does it.

        Raises `error`, or why that failed, where it is lost for good.
        """
        async with self._mending:
            if self._socket is not socket:
                return
            try:
                await self._carry_on(error)
            except BridgeError:
                self._over()
                raise

    async def _carry_on(self, error: GatewayError) -> None:
        if not self._lifeline.resumable or not goes_on(error):
            raise (self._failure if goes_on(error) else None) or error
        self._socket.transport.abort()
        self._on_change(error)
        self._lifeline.lose(time.monotonic())
        least = error.retry_after_ms or 0
        while (pause := self._lifeline.pause(time.monotonic(), least / 1000)) is not None:
            await asyncio.sleep(pause)
            try:
                await self._resume()
            except GatewayError as failed:
                error, least = failed, failed.retry_after_ms or 0
                if not goes_on(failed):
                    break
            else:
                self._on_change(None)
                return
        self._failure = error
        raise error

    async def _resume(self) -> None:
        start = self._start.model_copy(update={"resume": self._lifeline.resume()})
        socket, started = await self._opened(start, ATTEMPT_SECONDS)
        if not started.resumed:
            await socket.close()
            raise GatewayError(
                "The session is over: the gateway began another one instead.",
                "Start anew.",
                code="resume_expired",
            )
        self._lifeline.begin(started, time.monotonic())
        self._socket, self.started = socket, started
        self._resending = asyncio.create_task(self._resend())

    async def _resend(self) -> None:
        """Says again what may be lost; if that fails, whoever iterates hears why."""
        with suppress(GatewayError):
            await self._push()

    def _over(self) -> None:
        self._lifeline.end()
        self._freed.set()


def _decoded(data: str | bytes) -> server_messages.ServerMessage | wire.AudioFrame | None:
    return wire.decode_server(data) if isinstance(data, str) else wire.unpack_audio(data)


async def _until_started(socket: ClientConnection) -> server_messages.SessionStarted:
    """Waits for the answer to session.start. An error that is not fatal leaves no session either."""
    while True:
        message = _decoded(await socket.recv())
        if isinstance(message, server_messages.SessionStarted):
            return message
        if isinstance(message, server_messages.Error):
            raise refused(message)

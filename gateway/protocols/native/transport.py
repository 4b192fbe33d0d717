"""uvicorn's WebSocket protocol, handing frames over without a queue, a task or a copy between.

Three things differ from uvicorn's own. Frames go to a `Peer` as they come, fifty a second from each speaker;
reading stops only when the peer holds it. Whoever sends many small frames is read in turns with everybody
else, and not at all beyond the rate of the `Allowance`. And text is compressed, speech is not: PCM shrinks
by a tenth and costs 1-5 ms a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from bridge.protocol.wire import HEADER
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.protocols.native import shortcut
from gateway.protocols.native.deflate import TextDeflateFactory
from gateway.runtime.traffic import TRAFFIC

log = structlog.get_logger(__name__)
EXTENSION = "speechbridge.transport"
"""Where the application finds its transport, in the scope's extensions."""
SLICE = 4_096
"""Bytes parsed between two looks at the allowance: 585 frames of one byte, which take 12 ms."""
TURN = 65_536
"""Bytes parsed in one turn of the event loop where frames are large: a second of speech and more."""
FREE_BYTES = SPEECH_RATE // 50 * SAMPLE_BYTES
"""A frame of so much audio, 20 ms, counts nothing: audio is bounded by its seconds."""
FLOOD_CLOSE_SECONDS = 1.0
"""Until a connection that sent too much is cut: its answer to our close is not looked for."""


class Peer(Protocol):
    """Who takes the frames of one connection. All calls come on the event loop and return at once."""

    def take(self, frame: str | bytes) -> None:
        """The next message."""

    def flood(self) -> None:
        """More messages came than are allowed; nothing more will be taken."""

    def writable(self) -> None:
        """The connection takes more again."""

    def gone(self, code: int | None) -> None:
        """The connection is over; `code` is that of the client's close, or of ours where what it sent is no
        WebSocket, None where neither closed it."""


class Allowance:
    """How many messages a connection may send: `burst` at once, `rate` a second for long."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def spend(self, cost: float, now: float) -> bool:
        """Takes `cost` messages off it; False where it is used up. `now` in seconds."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) if self._at else self._burst
        self._at = now
        self._left -= cost
        return self._left >= 0


class Transport(WebSocketsSansIOProtocol):
    """One connection. `rate` and `burst` are set once for the server, by `allowing`; `second` is what a byte
    of speech takes to hear."""

    rate, burst = 400.0, 2_000.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.log: Any = log  # whoever takes the frames binds the session to it
        self._peer: Peer | None = None
        self._allowance = Allowance(self.rate, self.burst)
        self._unparsed = b""
        self._parsing = False
        self._held = False
        self._flooded = False
        self.second = 0.0
        if self.config.ws_per_message_deflate:
            # 4 kB windows: captions are short, and 128 sessions would hold 128 windows.
            factory = TextDeflateFactory(
                server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
            )
            self.conn.available_extensions = [factory]

    # To the peer

    def attach(self, peer: Peer) -> None:
        """Gives `peer` all messages from now on, beginning with those that came meanwhile."""
        self._peer = peer
        while not self.queue.empty():
            message = self.queue.get_nowait()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                self._give(text.encode() if text is not None else message["bytes"] or b"", text)
            elif message["type"] == "websocket.disconnect":
                peer.gone(message.get("code"))
        self._resume()

    def hold(self, holding: bool) -> None:
        """Reads no further, so that TCP holds the sender, or reads again."""
        self._held = holding
        if holding:
            self.read_paused = True
            self.transport.pause_reading()
            self.stop_keepalive()  # an answer to our ping would not be read
        else:
            self.start_keepalive()
            self._resume()  # last: what is read now may lead to the next hold

    def _resume(self) -> None:
        if self._held or self._flooded or self._parsing:
            return
        if self._unparsed:
            self._parse()
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    @property
    def may_send(self) -> bool:
        """Whether the connection takes more without piling it up."""
        return self.writable.is_set() and not self.disconnected

    def send_frame(self, frame: str | bytes) -> None:
        """Sends one message, whether the connection takes more or not."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        if isinstance(frame, str):
            data = frame.encode()
            self.conn.send_text(data)
        else:
            data = frame
            self.conn.send_binary(frame)
            TRAFFIC.spoken += (len(frame) - HEADER.size) * self.second
        TRAFFIC.bytes_out += len(data)
        TRAFFIC.messages_out += 1
        self.transport.write(b"".join(self.conn.data_to_send()))

    def abort(self) -> None:
        """Ends the connection without a word, for a client that would not read it."""
        self.transport.abort()

    # From the network

    def data_received(self, data: bytes) -> None:
        if self._flooded:
            return  # what follows is not looked at; the close handshake ends by its timer
        if self.close_sent:
            self._held = False  # nothing is handed over any more, but the client's close is looked for
        if not self._unparsed and len(data) <= SLICE:
            data = self._take_audio(data)  # as a microphone sends it
            if not self._held:
                if data:
                    super().data_received(data)
                return
        self._unparsed += data
        if not self._parsing and not self._held:
            self._parse()

    def _take_audio(self, data: bytes) -> bytes:
        """Takes the whole frames of audio at the start of `data`; returns what follows them."""
        while not self._held and not self.close_sent and self._peer is not None:
            pcm = shortcut.audio(data, self.conn, FREE_BYTES)
            if pcm is None:
                break
            data = data[shortcut.HEAD_BYTES + len(pcm) :]
            self._give(pcm)
        return data

    def _give(self, data: bytes, text: str | None = None) -> None:
        """Hands a message over, which is `text` where it is any."""
        if self._peer is not None:
            TRAFFIC.bytes_in += len(data)
            TRAFFIC.messages_in += 1
            self._peer.take(data if text is None else text)

    def _parse(self) -> None:
        """Parses what came, in turns: a quarter of a megabyte of tiny frames would take a second."""
        self._parsing = False
        parsed = frames = 0
        while self._unparsed and not self._held and not self._flooded:
            slice_, self._unparsed = self._unparsed[:SLICE], self._unparsed[SLICE:]
            parsed += len(slice_)
            before = self._frames
            super().data_received(slice_)
            frames += self._frames - before
            if self._unparsed and (parsed >= TURN or frames > SLICE // 64):
                self._parsing = self.read_paused = True
                self.transport.pause_reading()
                self.loop.call_soon(self._parse)
                return
        if not self._held and not self._flooded and self.read_paused and self._peer is not None:
            self.read_paused = False
            self.transport.resume_reading()

    _frames = 0

    def handle_events(self) -> None:
        events = self.conn.events_received()
        if not self._flooded:
            self._count(events)
        if self._flooded:
            return
        for event in events:
            self._handle(event)

    def _count(self, events: Sequence[Any]) -> None:
        cost = 0.0
        for event in events:
            if isinstance(event, Frame):
                self._frames += 1
                cost += max(0.0, 1 - len(event.data) / FREE_BYTES)
        if cost and not self._allowance.spend(cost, self.loop.time()):
            self._flooded = self.read_paused = True
            self.close_timeout = FLOOD_CLOSE_SECONDS
            self._unparsed = b""
            self.transport.pause_reading()
            if self._peer is not None:
                self._peer.flood()
            else:
                self.transport.abort()

    def _handle(self, event: Any) -> None:
        if not isinstance(event, Frame):
            self.handle_connect(event)
            if hasattr(self, "scope"):
                extensions: dict[Any, Any] = self.scope["extensions"] or {}
                extensions[EXTENSION] = self
            return
        match event.opcode:
            case Opcode.CONT:
                self.handle_cont(event)
            case Opcode.TEXT:
                self.handle_text(event)
            case Opcode.BINARY:
                self.handle_bytes(event)
            case Opcode.PING:
                self.handle_ping()
            case Opcode.PONG:
                self.handle_pong(event)
            case Opcode.CLOSE:
                self.handle_close(event)

    def send_receive_event_to_app(self) -> None:
        if self._peer is None or self.close_sent:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.curr_msg_data_type == "bytes":
            self._give(bytes(data))
            return
        try:
            text = bytes(data).decode()
        except UnicodeDecodeError:
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        self._give(data, text)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._over()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._over(failed=True)

    def keepalive_timeout(self) -> None:
        self.log.warning("connection cut that answers no ping", code=1011, seconds=self.ping_timeout)
        super().keepalive_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._peer is not None:
            self._peer.writable()

    def _over(self, *, failed: bool = False) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            closed = self.conn.close_sent if failed else self.conn.close_rcvd
            peer.gone(closed.code if closed is not None else None)


def allowing(rate: float, burst: float) -> type[Transport]:
    """The protocol class for a server that allows so many messages."""
    return type("Transport", (Transport,), {"rate": rate, "burst": burst})

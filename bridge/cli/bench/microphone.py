"""One session of a load test on the wire: its frames are packed before, so that hundreds cost little."""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from bridge.cli.bench.ear import Account, Ear
from bridge.cli.bench.rhythm import Rhythm
from bridge.client import stream_url
from bridge.protocol import wire
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

FRAME_SECONDS = 0.02
FRAME_BYTES = SPEECH_RATE // 50 * SAMPLE_BYTES
STALLED_BYTES = 2**20
"""Waiting to be sent, 32 s of speech: whoever reads so little has dropped the session."""
NO_CODE = 1006
"""RFC 6455: closed without a closing handshake."""


def packed(pcm: bytes) -> list[bytes]:
    """WebSocket frames of 20 ms each, ready for the socket; a last one that is not full is left out.

    All sessions send the same frames, masked once: they hide nothing from anybody on loopback.
    """
    pieces = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    return [Frame(Opcode.BINARY, piece).serialize(mask=True) for piece in pieces]


class Microphone(asyncio.Protocol):
    """Speaks `frames` round and round, `total` of them in all, or until `last` is set where it is None.

    `ready` gets the session's id once it has started, None if it did not; `closed` the close code.
    `speed` frames go out at each turn, as far as the gateway takes them. `start` is its
    session.start; `on_done` is given each segment that is done, `rhythm` each frame that comes.
    """

    def __init__(
        self,
        url: str,
        start: Mapping[str, Any],
        frames: Sequence[bytes],
        total: int | None,
        *,
        speed: int = 1,
        on_done: Callable[[Account], None],
        rhythm: Rhythm | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[str | None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.ear: Ear | None = None
        self.ended = False
        self.refusal = ""
        self.sent = 0
        self.last = total
        self._frames = frames
        self._speed = speed
        self._on_done = on_done
        self.rhythm = rhythm
        self._late = array("f")
        self._began = 0.0
        self._taken = True
        self._session = ""
        self._start = json.dumps(start).encode()
        self._protocol = ClientProtocol(
            parse_uri(stream_url(url)),
            subprotocols=[wire.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            max_size=None,
        )
        self._transport: asyncio.Transport

    # Speaking

    def begin(self, at: float) -> None:
        """Sample 0 is spoken `at`, in seconds of time.monotonic()."""
        self._began = at
        self.ear = Ear(self._session, at)

    def turn(self, now: float) -> None:
        """Sends what is due: one frame, or `speed` while the gateway takes them; in the end, session.end."""
        if self.ear is None or self._protocol.state is not State.OPEN or self._transport.is_closing():
            return
        if self._speed > 1 and not self._taken:
            return
        frames = self._frames
        for _ in range(self._speed):
            if self.last is not None and self.sent >= self.last:
                return self._end()
            if self._speed == 1:
                self._late.append(now - self._began - (self.sent + 1) * FRAME_SECONDS)
            self._transport.write(frames[self.sent % len(frames)])
            self.sent += 1
        if not self._taken and self._transport.get_write_buffer_size() > STALLED_BYTES:
            self._transport.abort()

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._send_text(b'{"type":"session.end"}')

    def _late_ms(self, ms: float) -> float:
        at = min(int(ms / 1000 / FRAME_SECONDS), len(self._late) - 1)
        return round(self._late[at] * 1000, 2) if at >= 0 else 0.0

    # Hearing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                if self._protocol.handshake_exc is None:
                    self._protocol.send_text(self._start)
            elif isinstance(event, Frame):
                self._heard(event, now)
        self._flush()

    def _heard(self, frame: Frame, now: float) -> None:
        if frame.opcode == Opcode.BINARY and self.ear is not None:
            audio = wire.unpack_audio(bytes(frame.data))
            samples = len(audio.pcm) // SAMPLE_BYTES
            self.ear.hear(audio.segment, audio.offset, samples, now)
            if self.rhythm is not None:
                self.rhythm.hear(audio.segment, audio.offset, samples, now)
        elif frame.opcode == Opcode.TEXT:
            self._take(json.loads(bytes(frame.data)), now)

    def _take(self, message: dict[str, Any], now: float) -> None:
        kind = message["type"]
        if kind == "session.started":
            self._session = message["session_id"]
            self.ready.set_result(self._session)
        elif kind == "error" and message.get("fatal"):
            self.refusal = f"{message['code']}: {message['message']}"
        elif self.ear is not None:
            account = self.ear.take(message, now)
            if account is not None:
                account.client_late_ms = self._late_ms(account.end_ms)
                self._on_done(account)

    def _send_text(self, text: bytes) -> None:
        self._protocol.send_text(text)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def pause_writing(self) -> None:
        self._taken = False

    def resume_writing(self) -> None:
        self._taken = True

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_result(None)
        code = self._protocol.close_code if self._protocol.state is State.CLOSED else None
        self.closed.set_result(code or NO_CODE)

    def hang_up(self) -> None:
        """Ends the connection without ceremony."""
        self._transport.abort()


def alone(language: str, target: str, **output: Any) -> dict[str, Any]:
    """The session.start of somebody who hears their own translation, as `output` says."""
    return {
        "type": "session.start",
        "protocol": wire.PROTOCOL,
        "source": {"language": language},
        "targets": [{"language": target}],
        "output": output,
    }

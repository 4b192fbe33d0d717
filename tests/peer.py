"""A peer that speaks the native protocol from a script, over a real socket."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.server import Server, ServerConnection, serve

RATE = 8000
MOST = 3001


class Peer:
    """One connection as the gateway would lead it. `start` is what the client opened with."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.seq = 0
        self.start: dict[str, Any] = json.loads(connection.recv())

    def say(self, kind: str, **fields: Any) -> None:
        self.seq += 1
        self.connection.send(json.dumps({"type": kind, "seq": self.seq, "t_ms": 0.5, **fields}))

    def open(self, **fields: Any) -> None:
        config = {"targets": self.start.get("targets", []), "output": {"rate": RATE}, "vad": {}}
        config |= {name: self.start[name] for name in ("source", "room", "role") if name in self.start}
        self.say(
            "session.started",
            session_id="5f2c",
            limits={"max_message_bytes": MOST, "max_segments": 8, "idle_s": 300},
            config=config,
            providers={"stt": "ear", "translation": "brain", "tts": "mouth"},
            **fields,
        )

    def vanish(self) -> None:
        """The network is gone: nobody is told."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)

    def hear(self) -> bytes:
        """All audio up to session.end."""
        heard = bytearray()
        while isinstance(frame := self.connection.recv(), bytes):
            assert len(frame) <= MOST
            heard += frame
        assert json.loads(frame) == {"type": "session.end"}
        return bytes(heard)

    def play(
        self, segment: int, index: int, offset: int, samples: int, level: int, last: bool = False
    ) -> None:
        self.seq += 1
        header = struct.pack("<BBBBIII", 1, 1, int(last), index, self.seq, segment, offset)
        self.connection.send(header + struct.pack("<h", level) * samples)

    def speak(self, segment: int, index: int, target: str, text: str, ms: int, level: int) -> None:
        """A translation and its speech: a constant `level`, in two frames and the mark of the end."""
        samples = ms * RATE // 1000
        self.say("translation.final", segment=segment, target=target, text=text)
        self.say("audio.start", segment=segment, target=target, index=index, rate=RATE)
        self.play(segment, index, 0, samples // 2, level)
        self.play(segment, index, samples // 2, samples - samples // 2, level)
        self.play(segment, index, samples, 0, 0, last=True)
        self.say("audio.end", segment=segment, target=target, rate=RATE, duration_ms=ms)

    def transcribe(self, segment: int, text: str, start_ms: int, end_ms: int) -> None:
        self.say("speech.started", segment=segment)
        self.say("speech.stopped", segment=segment)
        self.say(
            "transcript.final", segment=segment, text=text, language="en", start_ms=start_ms, end_ms=end_ms
        )

    def done(self, segment: int) -> None:
        self.say("segment.done", segment=segment, timings_ms={"endpoint": 500.5, "stt": 80, "total": 640})

    def two_segments(self) -> None:
        """ "good morning" from 200 to 1000 ms, "come in" from 1500 to 2000 ms, in Spanish and Catalan.

        The first is longer in Spanish (2000 ms) than there is time for.
        """
        self.transcribe(0, "good morning", 200, 1000)
        self.speak(0, 0, "es", "buenos días", 2000, 1)
        self.speak(0, 1, "ca", "bon dia", 300, 2)
        self.done(0)
        self.transcribe(1, "come in", 1500, 2000)
        self.speak(1, 1, "ca", "endavant", 250, 4)
        self.speak(1, 0, "es", "adelante", 500, 3)
        self.done(1)

    def end(self) -> None:
        self.say("session.ended", code="done")


@pytest.fixture
def gateway() -> Iterator[Callable[..., str]]:
    """Starts a server that runs `script` for each connection; gives its address."""
    servers: list[tuple[Server, threading.Thread]] = []

    def start(script: Callable[[Peer], None], subprotocol: str | None = "bridge.v1") -> str:
        def handle(connection: ServerConnection) -> None:
            script(Peer(connection))

        spoken: Any = [subprotocol] if subprotocol else None
        server = serve(handle, "127.0.0.1", 0, subprotocols=spoken)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()

"""What is said to one client: numbered, stamped, and in the right lane of its outbox."""

from __future__ import annotations

import time
from typing import Any

from bridge.errors import ProtocolError
from bridge.protocol import client_messages, server_messages, wire
from gateway.core import effects
from gateway.protocols.native import agreement, frames, refusals
from gateway.protocols.native.transport import Transport
from gateway.runtime.outbox import Outbox


class Voice:
    """Says nouns of the core, and answers that are for this client alone."""

    def __init__(self, transport: Transport) -> None:
        self.outbox = Outbox(transport.send_frame, lambda: transport.may_send)
        self._began = time.monotonic()
        self._seq = 0
        self._asked: dict[int, float] = {}
        self._misread = False

    def asked(self, number: int, since: float) -> None:
        """The wish that became decision `number` came at `since`, in seconds of time.monotonic()."""
        self._asked[number] = since

    def started(self, message: server_messages.SessionStarted) -> None:
        """Says the first frame that is numbered."""
        self._seq = 1
        self.outbox.say(self._encoded(message))

    def say(self, said: effects.Say) -> None:
        """Says a noun."""
        self._seq = said.seq
        latency = 0.0
        if isinstance(said.what, effects.Obeyed):
            since = self._asked.pop(said.what.number, None)
            latency = 0.0 if since is None else round((time.monotonic() - since) * 1000, 2)
        elif isinstance(said.what, effects.Ended) and not said.what.segments:
            self._no_speech()
        self.outbox.say(self._encoded(frames.message(said.what, latency)))

    def play(self, sound: effects.Play) -> None:
        """Sends speech."""
        self._seq = sound.seq
        frame = wire.pack_audio(
            seq=sound.seq,
            segment=sound.segment,
            target=sound.target,
            offset=sound.offset,
            pcm=sound.pcm,
            last=sound.last,
        )
        self.outbox.play(frame, sound.segment)

    def answer(self, message: server_messages.ServerMessage) -> None:
        """Says something to this client alone: it carries the number of the frame before."""
        self.outbox.answer(self._encoded(message))

    def complain(self, code: str, message: str, hint: str, **more: Any) -> None:
        """Tells of an error that leaves the connection open, unless `more` says otherwise."""
        self.answer(server_messages.Error(code=code, message=message, hint=hint, **more))

    def refuse(self, error: ProtocolError, code: wire.Close) -> None:
        """Tells the reason of a close in a frame, because a browser sees nothing of it otherwise."""
        self.complain(
            error.code,
            error.message,
            error.hint,
            fatal=True,
            retryable=error.retry_after_ms is not None,
            retry_after_ms=error.retry_after_ms,
            close_code=int(code),
        )

    def warn(self, message: client_messages.SessionStart | client_messages.SessionUpdate) -> None:
        """Tells which fields of `message` have no effect."""
        for warning in agreement.unavailable(message):
            self.answer(warning)

    def misread(self, seen: str) -> None:
        """Warns that the audio is something else, whose noise no microphone is to blame for."""
        self._misread = True
        self.answer(refusals.unlike_pcm(seen))

    def _no_speech(self) -> None:
        hint = "Check the microphone and its level; VAD_AGGRESSIVENESS=0 hears quieter speech."
        self.answer(
            server_messages.Warning(
                code="no_speech",
                message="No speech was found in the audio.",
                hint=refusals.EXPECTED if self._misread else hint,
            )
        )

    def _encoded(self, message: server_messages.ServerMessage) -> str:
        t_ms = round((time.monotonic() - self._began) * 1000, 1)
        return wire.encode(message.model_copy(update={"seq": self._seq, "t_ms": t_ms}))

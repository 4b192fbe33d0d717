"""What is said to one client: numbered, stamped, and in the right lane of its outbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from bridge.errors import ProtocolError
from bridge.metrics import gateway as series
from bridge.protocol import client_messages, server_messages, wire
from bridge.types import SAMPLE_BYTES, Attendant
from gateway.core import effects, glimpse
from gateway.core.seat import Seat
from gateway.core.warnings import Warn
from gateway.protocols.native import agreement, frames, refusals
from gateway.protocols.native.frames import Press
from gateway.protocols.native.transport import Transport
from gateway.runtime.metronome import Metronome
from gateway.runtime.outbox import Outbox


class Voice:
    """Says nouns of the core, and answers that are for this client alone."""

    def __init__(self, transport: Transport, press: Press, metronome: Metronome) -> None:
        """`press` and `metronome` are shared by all connections."""
        self.speaks = True
        self.skips = 0  # the rate of speech, Hz, where what comes too late is left out
        self.relieved: Callable[[], None] = lambda: None
        self.left: Callable[[int, int], None] = lambda segment, target: None
        self._press = press
        self._metronome = metronome
        self._transport = transport
        self.outbox = Outbox(transport.send_frame, lambda: transport.may_send)
        self._began = time.monotonic()
        self._seq = 0
        self._asked: dict[int, float] = {}
        self._misread = False
        self._pauses: frozenset[str] = frozenset()

    def asked(self, number: int, since: float) -> None:
        """The wish that became decision `number` came at `since`, in seconds of time.monotonic()."""
        self._asked[number] = since

    def started(
        self, message: server_messages.SessionStarted, seq: int = 1, pauses: frozenset[str] = frozenset()
    ) -> None:
        """Says the first frame, which has number 1, or after a resume that of the last one that arrived."""
        self._seq, self._pauses = seq, pauses
        self.outbox.say(self._encoded(message))
        output = message.config.output
        self._transport.second = 1 / (SAMPLE_BYTES * output.rate) if output.rate else 0.0
        if output.pacing == "realtime" and output.rate:
            pacer = self.outbox.pace(output.rate, self._metronome, self._packed, self.relieved)
            pacer.hold(bool(pauses), time.monotonic())

    def updated(self, seat: Seat) -> None:
        """Says what holds from here on; what was begun in another language is not finished."""
        self.outbox.purge(inf)
        self.outbox.say(self._encoded(server_messages.SessionUpdated(config=agreement.effective(seat))))

    def attended(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        """Says who is in the room."""
        self.answer(
            server_messages.RoomUpdated(
                speakers=tuple(
                    server_messages.Speaker(id=it.number, name=it.name, language=it.language, away=it.away)
                    for it in speakers
                ),
                listeners=dict(listeners),
            )
        )

    def ended(self, code: str = "done", message: str = "") -> None:
        """Says that the session is over, for another reason than that all was said."""
        if code == "done":
            self.outbox.purge(inf)  # it was left
        self.outbox.conclude(self._encoded(server_messages.SessionEnded(code=code, message=message)))

    def say(self, said: effects.Say, seq: int) -> None:
        """Says a noun, under the number that this client knows it by."""
        self._seq = seq
        latency = 0.0
        if isinstance(said.what, effects.Obeyed):
            since = self._asked.pop(said.what.number, None)
            if since is not None:
                latency = round((time.monotonic() - since) * 1000, 2)
                series.CONTROL.observe(latency / 1000)
            self._hold(said.what)
            self.outbox.say(self._encoded(frames.message(said.what, latency)))
            return
        if isinstance(said.what, effects.Ended) and not said.what.segments and self.speaks:
            self._no_speech()
        elif isinstance(said.what, effects.Failed):
            series.ERRORS.labels(said.what.stage, said.what.code).inc()
        self._send(said.what, self._stamped(self._press.body(said)))

    def _hold(self, what: effects.Obeyed) -> None:
        """What is paced has not all left when a pause holds."""
        reason = frozenset({what.reason})
        if what.kind != "stopped":
            self._pauses = self._pauses | reason if what.kind == "paused" else self._pauses - reason
        if self.outbox.pacer is not None:
            self.outbox.pacer.hold(bool(self._pauses), time.monotonic())

    def _send(self, what: effects.Noun, frame: str) -> None:
        if isinstance(what, effects.Ended):
            self.outbox.conclude(frame)
        elif isinstance(what, effects.SpeechBegins | effects.SpeechEnds) and self.outbox.pacer is not None:
            self.outbox.pacer.add(what.lane, frame, time.monotonic())
        else:
            self.outbox.say(frame)

    def show(self, shown: glimpse.Show | Warn) -> None:
        """Says what is said at the moment, or warns; it carries the number of the frame before."""
        if isinstance(shown, Warn):
            self.answer(frames.warning(shown))
        else:
            if self.outbox.show(self._stamped(self._press.body(shown))):
                series.PARTIALS.labels("shown").inc()

    def play(self, sound: effects.Play, seq: int) -> None:
        """Sends speech."""
        self._seq = seq
        now = time.monotonic()
        if self.outbox.pacer is not None:
            self.outbox.pacer.add(sound.lane, replace(sound, seq=seq), now)
        else:
            self.outbox.play(self._packed(sound, seq), sound.segment, now)
        if self.skips:
            self._skip(now)

    def _skip(self, now: float) -> None:
        """A listener who reads too slowly hears what is said now, not what was said long ago."""
        if self.outbox.pacer is not None:
            segments, ms = self.outbox.pacer.skip(now)
        else:
            segments, size = self.outbox.skip(now)
            ms = round(size * 1000 / (self.skips * SAMPLE_BYTES), 1)
        if segments:
            series.SLOW.inc(segments)
            self.answer(server_messages.PlaybackSkipped(segments=segments, ms=ms))

    def answer(self, message: server_messages.ServerMessage) -> None:
        """Says something to this client alone: it carries the number of the frame before."""
        self.outbox.answer(self._encoded(message))

    def complain(self, code: str, message: str, hint: str, **more: Any) -> None:
        """Tells of an error that leaves the connection open, unless `more` says otherwise."""
        series.ERRORS.labels("connection", code).inc()
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

    def warn(
        self, message: client_messages.SessionStart | client_messages.SessionUpdate, *, partials: bool
    ) -> None:
        """Tells which fields of `message` have no effect; `partials` says whether that feature may be had."""
        for warning in agreement.unavailable(message, partials=partials):
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
        return self._stamped(frames.body(message))

    def _stamped(self, body: str) -> str:
        """A frame with what is different for each client in front."""
        t_ms = round((time.monotonic() - self._began) * 1000, 1)
        return f'{{"seq":{self._seq},"t_ms":{t_ms},{body}'

    def _packed(self, sound: effects.Play, seq: int | None = None) -> bytes:
        """A frame of speech, which leaves now; `seq` is the number by which its client knows it, if it is
        another."""
        if not sound.offset and sound.pcm:
            self.left(sound.segment, sound.target)
        return wire.pack_audio(
            seq=sound.seq if seq is None else seq,
            segment=sound.segment,
            target=sound.target,
            offset=sound.offset,
            pcm=sound.pcm,
            last=sound.last,
        )

"""`WS /v1/stream`: one connection from handshake to close; every way to end sends its reason first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.errors import BridgeError, ProtocolError
from bridge.protocol import client_messages, server_messages, wire
from bridge.protocol.wire import Close
from bridge.types import SAMPLE_BYTES, Attendant
from gateway.core import effects, glimpse, warnings
from gateway.protocols.native import refusals
from gateway.protocols.native.disguise import Disguise
from gateway.protocols.native.farewell import Farewell
from gateway.protocols.native.frames import Press
from gateway.protocols.native.opening import opened
from gateway.protocols.native.state import State
from gateway.protocols.native.transport import EXTENSION, Transport
from gateway.protocols.native.vigil import Vigil
from gateway.protocols.native.voice import Voice
from gateway.protocols.native.wait import Wait
from gateway.protocols.native.wishes import hush, marked, obey
from gateway.runtime.halls import Halls
from gateway.runtime.runner import Runner


class Connection:
    """The state machine of one socket: messages to inputs, effects to messages."""

    def __init__(self, websocket: WebSocket, halls: Halls, press: Press) -> None:
        self._websocket = websocket
        self._halls = halls
        self._backend = backend = halls.backend
        self._state = State.WAITING
        self._runner: Runner | None = None
        self._transport: Transport = websocket.scope["extensions"][EXTENSION]
        self._voice = Voice(self._transport, press, backend.metronome)
        self.asked, self.outbox = self._voice.asked, self._voice.outbox
        self._voice.relieved = self.writable
        self._vigil = Vigil(
            lambda *idle: self._refuse(refusals.idle(*idle)), backend.settings.session_idle_seconds
        )
        self._disguise = Disguise()
        self._wait = Wait(self._transport.hold, self.take)
        self._farewell = Farewell()
        self._kept = self._unconfirmed = False
        self.closed = asyncio.Event()

    async def serve(self) -> None:
        """Talks to the client until either side has enough."""
        offered = self._websocket.scope["subprotocols"]
        try:
            await self._websocket.accept(wire.SUBPROTOCOL if wire.SUBPROTOCOL in offered else None)
            with self._backend.places.one():
                refusals.check_origin(self._websocket, self._backend.site, self._backend.settings.proxies)
                self._vigil.begin()
                self._transport.attach(self)
                await self._farewell.wait()
        except ProtocolError as error:
            self._refuse(error)
        except WebSocketDisconnect as left:
            self.gone(left.code)
        finally:
            await self._release()
            self.closed.set()

    def drain(self) -> None:
        """Asks the client to come back elsewhere: this gateway is stopping."""
        self._refuse(refusals.draining())

    # From the transport

    def take(self, frame: str | bytes) -> None:
        """The next message of the client."""
        self._vigil.heard()
        if self._unconfirmed and self._runner is not None:
            self._unconfirmed = False
            confirmed = self._backend.records.confirm(self._runner.id)
            self._backend.errands.run("confirm token", confirmed, session=self._runner.id)
        if self._wait.busy:
            self._wait.kept.append(frame)
        elif self._farewell.due:
            hush(frame, self._voice)
        elif isinstance(frame, bytes):
            self._audio(frame)
        else:
            self._text(frame)

    def flood(self) -> None:
        """The client sends more messages than it may."""
        self._refuse(refusals.flooding())

    def writable(self) -> None:
        """The client reads again."""
        self.outbox.flush()
        if self._runner is not None:
            self._runner.pump()

    def gone(self, code: int | None) -> None:
        """The connection is over; `code` is that of the client's close, None where it came without one."""
        self._farewell.left(code)
        self.outbox.drop()
        if not self._farewell.due:
            self._transport.log.info("client left", code=code)
            self._kept = code != Close.DONE
            self._farewell.end(None)

    def _audio(self, pcm: bytes) -> None:
        if self._state is not State.OPEN or self._runner is None:
            self._complain(*refusals.NO_SESSION_FOR_AUDIO)
        elif not self._disguise.over and self._unmasked(pcm):
            return
        elif len(pcm) % SAMPLE_BYTES:
            self._complain(*refusals.odd_audio(len(pcm)))
        else:
            self._runner.audio(pcm)

    def _unmasked(self, frame: bytes) -> bool:
        """Whether a frame of the first second shows that no PCM comes, and ended the connection."""
        found = self._disguise.feed(frame)
        if found is not None and found.certain:
            self._refuse(refusals.no_pcm(found.seen))
        elif found is not None:
            self._voice.misread(found.seen)
            self._mind_answers()
        return self._farewell.due

    def _text(self, text: str) -> None:
        try:
            refusals.check_length(text)
            self._handle(wire.decode(text))
        except BridgeError as error:
            self._failed(error)

    def _handle(self, message: client_messages.ClientMessage) -> None:
        match message:
            case client_messages.Ping():
                self._voice.answer(server_messages.Pong())
                self._mind_answers()
            case client_messages.SessionStart():
                self._start(message)
            case _ if self._runner is None:
                self._complain(*refusals.before_start(message.type))
            case client_messages.PlaybackMark():
                marked(message, self._runner, self._voice)
            case _ if self._state is not State.OPEN and not isinstance(message, client_messages.PlaybackStop):
                self._complain(*refusals.after_end(message.type))
            case _:
                if isinstance(message, client_messages.SessionEnd):
                    self._state = State.ENDING
                    self._vigil.end()
                    if self._runner.seat.role == "listener":
                        self._voice.ended()
                        self._finish(Close.DONE)
                        return
                work = obey(message, self._runner, self._voice, self._halls)
                if work is not None:
                    self._wait.begin(self._guarded(work))
                self._mind_answers()

    # Session

    def _start(self, message: client_messages.SessionStart) -> None:
        if self._state is not State.WAITING:
            self._complain(*refusals.ALREADY_STARTED)
            return
        self._state = State.STARTING
        self._wait.begin(self._guarded(self._opened(message)))

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BridgeError as error:
            if self._state is State.STARTING:
                self._state = State.WAITING
            self._failed(error)
        except Exception:
            self._transport.log.exception("client not served")
            self.broken()

    async def _opened(self, message: client_messages.SessionStart) -> None:
        entered, started = await opened(message, self._halls)
        self._runner = runner = entered.runner
        if self._farewell.due:  # left meanwhile
            entered.done()
            return
        self._state = State.OPEN
        self._unconfirmed = entered.resumed
        self._voice.speaks, self._voice.left = runner.seat.speaks, runner.waits.left
        self._voice.skips = 0 if runner.hall.alone else runner.seat.terms.rate
        self._vigil.started()
        log = self._transport.log = self._transport.log.bind(session=runner.id)
        log.info("session started", room=runner.hall.id, role=runner.seat.role)
        self._voice.started(started, message.resume.last_seq if message.resume else 1, entered.pauses)
        entered.begin(self)
        self._voice.warn(message, partials=self._backend.settings.partials)
        self._mind_answers()

    async def _release(self) -> None:
        """Sends what is still to be said, closes the connection, and leaves the session."""
        self._vigil.end()
        code = self._farewell.settled()
        await self._wait.cancel()
        whole = not self._kept
        if code is not None:
            whole = await self._farewell.close(self._websocket, self.outbox, code)
        # Meanwhile it may have been taken over.
        runner, self._runner = self._runner, None
        if runner is not None and code is not Close.DRAIN:
            self._halls.close(runner, self._farewell.reason) if whole else self._halls.drop(runner)

    # From the runner

    def say(self, said: effects.Say, seq: int) -> None:
        """Says a noun of the core."""
        self._voice.say(said, seq)
        if isinstance(said.what, effects.Ended):
            self._finish(Close.DONE)

    def show(self, shown: glimpse.Show | warnings.Warn) -> None:
        """Says what is said at the moment, or warns."""
        self._voice.show(shown)

    def play(self, sound: effects.Play, seq: int) -> None:
        """Sends speech."""
        self._voice.play(sound, seq)

    def purge(self, before: float) -> None:
        """Drops speech that was stopped."""
        self.outbox.purge(before)

    def acknowledge(self, samples: int) -> None:
        """Tells what audio the client need not keep."""
        self._voice.answer(server_messages.AudioAck(samples=samples))

    def attended(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        """Tells who is in the room."""
        self._voice.attended(speakers, listeners)

    def taken_over(self) -> None:
        """The session goes on at another connection."""
        self._runner = None
        self._refuse(refusals.taken_over())

    def room_closed(self) -> None:
        """The room is over."""
        if not self._farewell.due:
            self._voice.ended("room_ended", "The room was ended.")
            self._finish(Close.DONE)

    def full(self) -> bool:
        """Whether the client reads too slowly for more to be begun."""
        return self.outbox.full

    def hold(self, holding: bool) -> None:
        """Reads no further, or again."""
        self._wait.hold(holding)

    def broken(self) -> None:
        """A fault of the program ended the session."""
        self._refuse(refusals.broken())

    # What is said

    def _complain(self, code: str, message: str, hint: str, *, retryable: bool = False) -> None:
        self._voice.complain(code, message, hint, retryable=retryable)
        self._mind_answers()

    def _mind_answers(self) -> None:
        """Leaves a client that asks for answers and never reads them."""
        if self.outbox.overrun and not self._farewell.due:
            self._transport.log.warning("client left that asks and never reads")
            self._farewell.end(None)
            self._transport.abort()

    def _failed(self, error: BridgeError) -> None:
        if (fatal := refusals.fatal(error, self._runner is not None)) is not None:
            self._refuse(fatal)
        else:
            self._complain(error.code, error.message, error.hint, retryable=error.retryable)

    def _refuse(self, error: ProtocolError) -> None:
        """Tells the reason in a frame, because a browser sees nothing of it otherwise, then closes."""
        if self._farewell.due:
            return
        code = Close(error.close_code or Close.BAD_MESSAGE)
        self._transport.log.info("connection refused", code=error.code, close=int(code))
        self._voice.refuse(error, code)
        self._finish(code)

    def _finish(self, code: Close) -> None:
        self._state = State.CLOSED
        self._farewell.end(code)

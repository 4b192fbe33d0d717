"""`WS /v1/stream`: one connection from handshake to close; every way to end sends its reason first."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum, auto
from urllib.parse import urlsplit

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.errors import (
    BridgeError,
    LanguageError,
    NoWorker,
    ProtocolError,
    RedisUnavailable,
    SettingsError,
)
from bridge.types import SAMPLE_BYTES
from gateway import agreement, messages, wire
from gateway.backend import Backend
from gateway.limits import RETRY_AFTER_MS
from gateway.offers import Offer
from gateway.outbox import Outbox
from gateway.session import Session
from gateway.wire import Close

log = structlog.get_logger(__name__)

START_SECONDS = 10
"""A connection that has not said session.start by then is closed as idle."""
AUDIO_QUEUE = 64
"""Audio frames read ahead of the segmenter; at the bound the socket is not read, so TCP holds the client."""
DRAIN_SECONDS = 10
"""How long a closing session waits for its client to take the last frames."""


class State(Enum):
    WAITING = auto()
    OPEN = auto()
    ENDING = auto()
    CLOSED = auto()


class Connection:
    """The state machine of one socket. Only `serve` is called from outside."""

    def __init__(self, websocket: WebSocket, backend: Backend) -> None:
        self._websocket = websocket
        self._backend = backend
        self._state = State.WAITING
        self._session: Session | None = None
        self._outbox = Outbox()
        self._inbox: asyncio.Queue[bytes | messages.SegmentCommit | messages.SessionEnd] = asyncio.Queue(
            AUDIO_QUEUE
        )
        self._draining = asyncio.Event()
        self.closed = asyncio.Event()

    async def serve(self) -> None:
        """Talks to the client until either side has enough."""
        offered = self._websocket.scope["subprotocols"]
        await self._websocket.accept(wire.SUBPROTOCOL if wire.SUBPROTOCOL in offered else None)
        writer = asyncio.create_task(
            self._outbox.write(self._websocket.send_text, self._websocket.send_bytes), name="writer"
        )
        try:
            with self._backend.places.one():
                self._check_origin()
                await self._talk(writer)
        except ProtocolError as error:
            await self._refuse(error)
        except (WebSocketDisconnect, ConnectionError):
            log.info("client left", session=self._session.id if self._session else None)
        finally:
            await self._release(writer)
            self.closed.set()

    def drain(self) -> None:
        """Asks the client to come back elsewhere: this gateway is stopping."""
        self._draining.set()

    def _check_origin(self) -> None:
        """A page of another site must not use the microphone permission of this one."""
        origin = self._websocket.headers.get("origin")
        allowed = self._backend.settings.origins
        if origin is None or "*" in allowed or origin in allowed:
            return
        if urlsplit(origin).netloc != self._websocket.headers.get("host"):
            raise ProtocolError(
                f"Pages of {origin} may not use this server.",
                "The operator can name the origin in WS_ORIGINS.",
                code="forbidden_origin",
                close_code=Close.FORBIDDEN,
            )

    async def _talk(self, writer: asyncio.Task[None]) -> None:
        """Runs reader, pump and drain side by side until the first of them, or the writer, ends it."""
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (("reader", self._read()), ("pump", self._pump()), ("drain", self._drain()))
        ]
        try:
            await asyncio.wait([*tasks, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                if not task.done():
                    task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and self._state is not State.CLOSED:
                raise result

    async def _drain(self) -> None:
        await self._draining.wait()
        raise ProtocolError(
            "This gateway is stopping.",
            "Connect again.",
            code="draining",
            close_code=Close.DRAIN,
            retry_after_ms=500,
        )

    # Reader: what the client says

    async def _read(self) -> None:
        while True:
            seconds = self._patience()
            try:
                async with asyncio.timeout(seconds):
                    received = await self._websocket.receive()
            except TimeoutError:
                raise ProtocolError(
                    f"Nothing came for {seconds:g} s.",
                    "Send audio or ping while the session is wanted.",
                    code="idle",
                    close_code=Close.IDLE,
                ) from None
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received.get("code", 1006))
            if (pcm := received.get("bytes")) is not None:
                await self._audio(pcm)
            else:
                await self._text(received["text"])

    def _patience(self) -> float | None:
        """Seconds in which the client must say something; after session.end it only listens."""
        idle = self._backend.settings.session_idle_seconds
        return {State.WAITING: START_SECONDS, State.OPEN: idle}.get(self._state)

    async def _audio(self, pcm: bytes) -> None:
        if self._state is not State.OPEN:
            self._complain(
                "audio_without_session",
                "Audio came outside a session.",
                "Send session.start first and wait for session.started.",
            )
        elif len(pcm) % SAMPLE_BYTES:
            self._complain(
                "odd_audio",
                f"An audio frame has {len(pcm)} bytes, which is no whole number of samples.",
                "Send PCM s16le, two bytes a sample; this frame was dropped.",
            )
        else:
            await self._inbox.put(pcm)

    async def _text(self, text: str) -> None:
        try:
            message = wire.decode(text)
            await self._handle(message)
        except ProtocolError as error:
            if error.close_code is not None:
                raise
            self._complain(error.code, error.message, error.hint)
        except (LanguageError, NoWorker, RedisUnavailable, SettingsError) as error:
            self._failed(error)

    async def _handle(self, message: messages.ClientMessage) -> None:
        match message:
            case messages.Ping():
                self._outbox.say(messages.Pong())
            case messages.SessionStart():
                await self._start(message)
            case _ if self._session is None:
                self._complain(
                    "no_session", f"{message.type} came before session.start.", "Send session.start first."
                )
            case messages.SegmentCommit() | messages.SessionEnd() if self._state is not State.OPEN:
                self._complain("ending", f"{message.type} came after session.end.", "Wait for session.ended.")
            case messages.SegmentCommit():
                await self._inbox.put(message)
            case messages.SessionEnd():
                self._state = State.ENDING
                await self._inbox.put(message)
            case messages.SessionUpdate():
                await self._update(self._session, message)
            case _:
                await self._control(self._session, message)

    async def _control(self, session: Session, message: messages.ClientMessage) -> None:
        since = asyncio.get_running_loop().time()

        def latency() -> float:
            return round((asyncio.get_running_loop().time() - since) * 1000, 2)

        match message:
            case messages.PlaybackPause():
                session.pause()
                self._outbox.say(messages.PlaybackPaused(latency_ms=latency()))
            case messages.PlaybackResume():
                session.resume()
                self._outbox.say(messages.PlaybackResumed(latency_ms=latency()))
            case messages.PlaybackStop():
                await session.stop()
                self._outbox.say(messages.PlaybackStopped(latency_ms=latency()))
            case messages.PlaybackMark():
                log.debug("played", session=session.id, segment=message.segment, played_ms=message.played_ms)

    # Pump: audio and cuts, in the order in which they came

    async def _pump(self) -> None:
        while True:
            item = await self._inbox.get()
            assert self._session is not None
            if isinstance(item, bytes):
                await self._session.hear(item)
            elif isinstance(item, messages.SegmentCommit):
                await self._session.commit()
            else:
                await self._end(self._session)
                return

    # Session

    async def _start(self, message: messages.SessionStart) -> None:
        if self._state is not State.WAITING:
            self._complain(
                "already_started", "This connection has a session.", "Use session.update, or connect anew."
            )
            return
        if message.resume is not None:
            raise ProtocolError(
                "Sessions cannot be resumed on this server yet.",
                "Start a new one, without resume.",
                code="resume_expired",
                close_code=Close.RESUME_EXPIRED,
            )
        backend = self._backend
        workers = await asyncio.to_thread(backend.pipeline.workers, fresh=True)
        terms = agreement.agree(message, Offer.of(workers), backend.settings)
        session = Session(
            backend.settings, backend.store, backend.pipeline, self._outbox, backend.vad.stream().feed, terms
        )
        await backend.relay.add(session)
        self._session = session
        self._state = State.OPEN
        targets = [target.language for target in terms.targets]
        log.info("session started", session=session.id, source=terms.source, targets=targets)
        self._outbox.say(
            messages.SessionStarted(
                session_id=session.id,
                limits=agreement.limits(backend.settings),
                config=agreement.effective(terms),
                providers=agreement.providers(workers),
            )
        )
        self._warn(message)

    async def _update(self, session: Session, message: messages.SessionUpdate) -> None:
        workers = await asyncio.to_thread(self._backend.pipeline.workers, fresh=True)
        session.update(agreement.amend(session.terms, message, Offer.of(workers)))
        self._warn(message)

    async def _end(self, session: Session) -> None:
        await session.finish()
        if not session.segments_cut:
            self._outbox.say(
                messages.Warning(
                    code="no_speech",
                    message="No speech was found in the audio.",
                    hint="Check the microphone and its level; VAD_AGGRESSIVENESS=0 hears quieter speech.",
                )
            )
        self._outbox.say(messages.SessionEnded())
        await self._outbox.drained(DRAIN_SECONDS)
        self._state = State.CLOSED
        await self._close(Close.DONE)

    async def _release(self, writer: asyncio.Task[None]) -> None:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
            await self._backend.relay.remove(session)
            log.info("session ended", session=session.id, segments=session.segments_cut)

    # What goes wrong

    def _warn(self, message: messages.SessionStart | messages.SessionUpdate) -> None:
        for warning in agreement.unavailable(message):
            self._outbox.say(warning)

    def _complain(self, code: str, message: str, hint: str) -> None:
        self._outbox.say(messages.Error(code=code, message=message, hint=hint))

    def _failed(self, error: BridgeError) -> None:
        """Without a session there is nothing to go on with where a stage or Redis is missing."""
        if self._session is None and not isinstance(error, LanguageError | SettingsError):
            close = Close.NO_WORKER if isinstance(error, NoWorker) else Close.OVERLOADED
            raise ProtocolError(
                error.message, error.hint, code=error.code, close_code=close, retry_after_ms=RETRY_AFTER_MS
            )
        self._outbox.say(
            messages.Error(code=error.code, message=error.message, hint=error.hint, retryable=error.retryable)
        )

    async def _refuse(self, error: ProtocolError) -> None:
        """Tells the reason in a frame, because a browser sees nothing of it otherwise, then closes."""
        code = Close(error.close_code or Close.BAD_MESSAGE)
        log.info("connection refused", code=error.code, close=int(code))
        self._outbox.say(
            messages.Error(
                code=error.code,
                message=error.message,
                hint=error.hint,
                fatal=True,
                retryable=error.retry_after_ms is not None,
                retry_after_ms=error.retry_after_ms,
                close_code=int(code),
            )
        )
        await self._outbox.drained(1)
        await self._close(code)

    async def _close(self, code: Close) -> None:
        # The client may have closed in the same moment; both sides then have what they want.
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._websocket.close(int(code))

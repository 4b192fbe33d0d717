"""The other side of the native protocol: what `translate`, the self-check and the benchmarks speak with."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from bridge.errors import GatewayError
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway import messages, wire

FRAME_BYTES = SPEECH_RATE // 50 * SAMPLE_BYTES
"""What a browser sends at a time: 20 ms, and below the smallest WS_MAX_MESSAGE_SIZE."""
BULK_BYTES = 32_000
"""What is sent at a time as fast as possible, if the server takes so much: one second."""

STALL_SECONDS = 180.0
"""Three times the deadline of a segment: a gateway that neither reads nor writes for so long is stuck."""
CONNECT_SECONDS = 10.0
MAX_MESSAGE = 2**24


def stream_url(url: str) -> str:
    """The address of the stream below `url`, which may be http(s) or ws(s), with a path or without.

    Raises GatewayError for another scheme.
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise GatewayError(
            f"{url} is no address of a gateway.", "Write it like ws://127.0.0.1:8000.", code="bad_url"
        )
    path = parts.path if parts.path.strip("/") else "/v1/stream"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


class Client:
    """One session. `async with` opens it; iteration gives messages and audio until it has ended.

    `targets` and `source` are language tags, `rate` is the Hz of the audio wanted (None: the
    server's default), `vad` holds the fields of messages.Vad. Not to be shared between tasks but for one
    that sends and one that iterates.
    """

    started: messages.SessionStarted

    def __init__(
        self,
        url: str,
        source: str,
        targets: Sequence[str],
        *,
        rate: int | None = None,
        vad: Mapping[str, float] | None = None,
    ) -> None:
        """Raises GatewayError for a bad address, ProtocolError for a start the server would refuse."""
        self.url = stream_url(url)
        start: dict[str, Any] = {
            "type": "session.start",
            "protocol": wire.PROTOCOL,
            "source": {"language": source},
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

    async def send(self, message: messages.ClientMessage) -> None:
        """Sends a control message. Raises GatewayError once the connection is lost."""
        await self._write(wire.encode(message))

    async def send_audio(self, pcm: bytes) -> None:
        """Sends PCM s16le mono 16 kHz; waits while the server takes no more. Raises GatewayError."""
        await self._write(pcm)

    async def commit(self) -> None:
        """Asks for a cut here. Raises GatewayError."""
        await self.send(messages.SegmentCommit())

    async def end(self) -> None:
        """Says that no audio follows; iteration goes on to the end. Raises GatewayError."""
        await self.send(messages.SessionEnd())

    async def __aiter__(self) -> AsyncIterator[messages.ServerMessage | wire.AudioFrame]:
        """What arrives, `session.ended` last. Raises GatewayError for a fatal error or a lost connection."""
        while True:
            message = await self._read()
            if isinstance(message, messages.Error) and message.fatal:
                raise _refused(message)
            if message is not None:
                yield message
            if isinstance(message, messages.SessionEnded):
                return

    async def _until_started(self) -> messages.SessionStarted:
        """Waits for the answer to session.start. An error that is not fatal leaves no session either."""
        async with _limit(CONNECT_SECONDS, f"{self.url} does not answer session.start."):
            while True:
                message = await self._read()
                if isinstance(message, messages.SessionStarted):
                    return message
                if isinstance(message, messages.Error):
                    raise _refused(message)

    async def _write(self, data: str | bytes) -> None:
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def _read(self) -> messages.ServerMessage | wire.AudioFrame | None:
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


def _refused(error: messages.Error) -> GatewayError:
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
async def _limit(seconds: float, message: str) -> AsyncIterator[asyncio.Timeout]:
    """Raises GatewayError with `message` after `seconds`, which the timeout given can put off."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield limit
    except TimeoutError:
        raise GatewayError(message, "Its log tells why.", code="stalled", retryable=True) from None


@dataclass(slots=True)
class Spoken:
    """One segment in one target: PCM s16le mono at `rate` Hz, empty where none came.

    `first_audio_at` is when its first samples arrived, in seconds of time.monotonic().
    """

    text: str = ""
    rate: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    first_audio_at: float | None = None

    @property
    def audio_ms(self) -> float:
        return len(self.pcm) // SAMPLE_BYTES * 1000 / self.rate if self.rate else 0.0


@dataclass(slots=True)
class Segment:
    """What came of one segment; `start_ms` and `end_ms` are places in the audio sent."""

    seq: int
    text: str = ""
    language: str = ""
    start_ms: float = 0.0
    end_ms: float = 0.0
    translations: dict[str, Spoken] = field(default_factory=dict)
    timings_ms: dict[str, float] = field(default_factory=dict)
    failures: list[messages.SegmentFailed] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """What came of a whole stream.

    `began` is when its sample 0 was spoken (time.monotonic() seconds), `misplaced` counts audio frames
    that did not follow the one before, `notices` are the server's warnings and harmless errors.
    """

    started: messages.SessionStarted
    segments: dict[int, Segment] = field(default_factory=dict)
    notices: list[messages.Warning | messages.Error] = field(default_factory=list)
    misplaced: int = 0
    began: float = 0.0

    @property
    def targets(self) -> list[str]:
        """The languages in the order asked for, in the server's spelling."""
        return [target.language for target in self.started.config.targets]

    def first_audio_ms(self, segment: Segment, target: str) -> float | None:
        """End of speech to the arrival of its first translated sample; None where none came.

        True only of a stream sent in real time: otherwise speech is sent before it was spoken.
        """
        spoken = segment.translations.get(target)
        if spoken is None or spoken.first_audio_at is None:
            return None
        return (spoken.first_audio_at - self.began) * 1000 - segment.end_ms


class Collector:
    """Gathers what arrives into a Result. Times are arguments."""

    def __init__(self, started: messages.SessionStarted) -> None:
        self.result = Result(started)
        self._indexes: dict[tuple[int, int], str] = {}

    def take(self, message: messages.ServerMessage | wire.AudioFrame, now: float) -> None:
        """Notes a message that arrived at `now`, in seconds of time.monotonic()."""
        match message:
            case wire.AudioFrame():
                self._audio(message, now)
            case messages.TranscriptFinal():
                segment = self._segment(message.segment)
                segment.text, segment.language = message.text, message.language
                segment.start_ms, segment.end_ms = message.start_ms, message.end_ms
            case messages.TranslationFinal():
                self._spoken(message.segment, message.target).text = message.text
            case messages.AudioStart():
                self._indexes[message.segment, message.index] = message.target
                self._spoken(message.segment, message.target).rate = message.rate
            case messages.SegmentDone():
                timings = message.timings_ms.model_dump(exclude_none=True)
                self._segment(message.segment).timings_ms = timings
            case messages.SegmentFailed():
                self._segment(message.segment).failures.append(message)
            case messages.Warning() | messages.Error():
                self.result.notices.append(message)

    def _segment(self, seq: int) -> Segment:
        return self.result.segments.setdefault(seq, Segment(seq))

    def _spoken(self, seq: int, target: str) -> Spoken:
        return self._segment(seq).translations.setdefault(target, Spoken())

    def _audio(self, frame: wire.AudioFrame, now: float) -> None:
        target = self._indexes.get((frame.segment, frame.target))
        if target is None:
            self.result.misplaced += 1
            return
        spoken = self._spoken(frame.segment, target)
        at = frame.offset * SAMPLE_BYTES
        if at != len(spoken.pcm):
            self.result.misplaced += 1
            spoken.pcm.extend(bytes(max(0, at - len(spoken.pcm))))
        spoken.pcm[at : at + len(frame.pcm)] = frame.pcm
        if frame.pcm and spoken.first_audio_at is None:
            spoken.first_audio_at = now


Blocks = AsyncIterable[bytes] | Iterable[bytes]


async def translate(
    url: str,
    blocks: Blocks,
    source: str,
    targets: Sequence[str],
    *,
    realtime: bool = False,
    on_progress: Callable[[float], None] | None = None,
    rate: int | None = None,
    vad: Mapping[str, float] | None = None,
) -> Result:
    """Sends a stream of PCM s16le mono 16 kHz and gathers all that comes of it.

    `realtime` sends each 20 ms when a microphone would have them, otherwise as fast as the server
    reads. `on_progress` is told how many milliseconds of the stream are done with. Raises
    GatewayError, ProtocolError, and whatever `blocks` raises.
    """
    async with Client(url, source, targets, rate=rate, vad=vad) as client:
        collector = Collector(client.started)
        result = collector.result
        result.began = time.monotonic()
        try:
            async with (
                _limit(STALL_SECONDS, f"{client.url} came to a halt.") as limit,
                asyncio.TaskGroup() as group,
            ):
                sending = group.create_task(_send(client, blocks, result.began if realtime else None, limit))
                async for message in client:
                    collector.take(message, time.monotonic())
                    _put_off(limit)
                    if on_progress and isinstance(message, messages.SegmentDone):
                        on_progress(result.segments[message.segment].end_ms)
                if not sending.done():
                    raise GatewayError("The gateway ended the session before all was said.", code="cut_short")
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return result


async def _send(client: Client, blocks: Blocks, began: float | None, limit: asyncio.Timeout) -> None:
    """Sends all blocks and the end. A lost connection is left to the receiver, which hears the reason."""
    sent = 0
    most = client.started.limits.max_message_bytes // SAMPLE_BYTES * SAMPLE_BYTES
    size = min(BULK_BYTES, most) if began is None else FRAME_BYTES
    with suppress(GatewayError):
        async for frame in _frames(blocks, size):
            sent += len(frame)
            if began is not None:
                due = began + sent / (SPEECH_RATE * SAMPLE_BYTES)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await client.send_audio(frame)
            _put_off(limit)
        await client.end()


def _put_off(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)


async def _frames(blocks: Blocks, size: int) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for block in _each(blocks):
        rest += block
        while len(rest) >= size:
            yield bytes(rest[:size])
            del rest[:size]
    if rest:
        yield bytes(rest)


async def _each(blocks: Blocks) -> AsyncIterator[bytes]:
    """The blocks; those of a plain iterable are made in a thread, so that decoding delays no message."""
    if isinstance(blocks, AsyncIterable):
        async for block in blocks:
            yield block
        return
    iterator = iter(blocks)
    while (made := await asyncio.to_thread(next, iterator, None)) is not None:
        yield made

"""What leaves to one client: answers ahead of the stream of captions and speech, within bounds.

Where speech is paced it has lanes of its own (`pacer`), and the stream, captions only, does not wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from math import inf

from gateway.runtime.metronome import Metronome
from gateway.runtime.pacer import Pacer, Pack

PENDING_BYTES = 4_000_000
"""Unread bytes at which no further speech is judged: 80 s of speech at 24 kHz."""
LATE_SECONDS = 10.0
"""Time that speech may wait for a slow listener in a room: beyond, what waits is left out."""
ANSWER_BYTES = 64_000
"""Unread answers at which a client that asks and never reads is left: 400 errors."""


class Outbox:
    """Frames in two lanes. `send` takes one frame, `writable` says whether the connection takes more."""

    def __init__(self, send: Callable[[str | bytes], None], writable: Callable[[], bool]) -> None:
        self._send = send
        self._writable = writable
        self._answers: deque[str] = deque()
        self._stream: deque[tuple[str | bytes, int, float]] = deque()
        self._answer_bytes = 0
        self._stream_bytes = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._relieved: Callable[[], None] = lambda: None
        self._was_full = False
        self.pacer: Pacer | None = None

    def pace(self, rate: int, metronome: Metronome, pack: Pack, relieved: Callable[[], None]) -> Pacer:
        """From here on speech leaves at the rate of hearing. `relieved` is called when it is not full any
        more."""
        self._relieved = relieved
        self.pacer = Pacer(rate, metronome, pack, self._send, self._writable, self._settle)
        return self.pacer

    @property
    def full(self) -> bool:
        """Whether the client reads so slowly, or hears so much, that nothing more should be begun for it."""
        full = self._stream_bytes >= PENDING_BYTES or (self.pacer is not None and self.pacer.full)
        self._was_full |= full
        return full

    @property
    def pending(self) -> int:
        """Bytes that wait because the client reads slowly."""
        return self._stream_bytes + self._answer_bytes

    @property
    def overrun(self) -> bool:
        """Whether the client asks for answers that it does not read."""
        return self._answer_bytes >= ANSWER_BYTES

    def answer(self, frame: str) -> None:
        """An answer to this client alone; it overtakes what waits of the stream."""
        self._empty.clear()
        self._answers.append(frame)
        self._answer_bytes += len(frame)
        self.flush()

    def say(self, frame: str) -> None:
        """A caption or another frame of the stream."""
        self._push(frame, -1, 0.0)

    def show(self, frame: str) -> bool:
        """A frame that is worth something at once or never: it goes where nothing waits. Whether it went."""
        goes = not self._stream and not self._answers and self._writable()
        if goes:
            self._send(frame)
        return goes

    def play(self, frame: bytes, segment: int, now: float = 0.0) -> None:
        """A frame of speech of a segment, which comes at `now`, in seconds."""
        self._push(frame, segment, now)

    def conclude(self, frame: str) -> None:
        """The last frame of the stream, behind all speech."""
        if self.pacer is None:
            self.say(frame)
            return
        self._empty.clear()
        self.pacer.conclude(frame, time.monotonic())

    def drop(self) -> None:
        """Nobody is there to read what waits."""
        self._answers.clear()
        self._stream.clear()
        self._answer_bytes = self._stream_bytes = 0
        if self.pacer is not None:
            self.pacer.stop()
            self.pacer = None
        self._settle()

    def skip(self, now: float) -> tuple[int, int]:
        """Leaves out all speech that waits where the oldest waits for too long: how many segments that
        concerns, and how many bytes of frames."""
        speech = [(frame, segment) for frame, segment, _ in self._stream if segment >= 0]
        oldest = next((at for _, segment, at in self._stream if segment >= 0), now)
        if now - oldest <= LATE_SECONDS:
            return 0, 0
        self.purge(inf)
        return len({segment for _, segment in speech}), sum(len(frame) for frame, _ in speech)

    def purge(self, before: float) -> None:
        """Drops the speech of segments before `before` that has not left."""
        self._stream = deque(it for it in self._stream if not 0 <= it[1] < before)
        self._stream_bytes = sum(len(frame) for frame, _, _ in self._stream)
        if self.pacer is not None:
            self.pacer.purge(before, time.monotonic())
        self.flush()

    def flush(self) -> None:
        """Sends what the connection takes; to be called as well when it takes more again."""
        while self._answers and self._writable():
            frame = self._answers.popleft()
            self._answer_bytes -= len(frame)
            self._send(frame)
        while self._stream and self._writable():
            data, _, _ = self._stream.popleft()
            self._stream_bytes -= len(data)
            self._send(data)
        if self.pacer is not None and self.pacer.stalled:
            self.pacer.go_on(time.monotonic())
        self._settle()

    async def drained(self, seconds: float) -> None:
        """Waits until all was sent, at most `seconds` longer than it takes to hear it."""
        try:
            async with asyncio.timeout(seconds + (self.pacer.seconds if self.pacer is not None else 0)):
                await self._empty.wait()
        except TimeoutError:
            return

    def _settle(self) -> None:
        """Looks at what is left."""
        if self._answers or self._stream or (self.pacer is not None and not self.pacer.empty):
            self._empty.clear()
        else:
            self._empty.set()
        if self._was_full and not self.full:
            self._was_full = False
            self._relieved()

    def _push(self, frame: str | bytes, segment: int, at: float) -> None:
        self._empty.clear()
        self._stream.append((frame, segment, at))
        self._stream_bytes += len(frame)
        self.flush()

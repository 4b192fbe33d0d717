"""What leaves to one client: answers ahead of the stream of captions and speech, within bounds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PENDING_BYTES = 4_000_000
"""Unread bytes at which no further speech is judged: 80 s of speech at 24 kHz."""
ANSWER_BYTES = 64_000
"""Unread answers at which a client that asks and never reads is left: 400 errors."""


class Outbox:
    """Frames in two lanes. `send` takes one frame, `writable` says whether the connection takes more."""

    def __init__(self, send: Callable[[str | bytes], None], writable: Callable[[], bool]) -> None:
        self._send = send
        self._writable = writable
        self._answers: deque[str] = deque()
        self._stream: deque[tuple[str | bytes, int]] = deque()
        self._answer_bytes = 0
        self._stream_bytes = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def full(self) -> bool:
        """Whether the client reads so slowly that nothing more should be begun for it."""
        return self._stream_bytes >= PENDING_BYTES

    @property
    def overrun(self) -> bool:
        """Whether the client asks for answers that it does not read."""
        return self._answer_bytes >= ANSWER_BYTES

    def answer(self, frame: str) -> None:
        """An answer to this client alone; it overtakes what waits of the stream."""
        self._empty.clear()
        self._empty.clear()
        self._answers.append(frame)
        self._answer_bytes += len(frame)
        self.flush()

    def say(self, frame: str) -> None:
        """A caption or another frame of the stream."""
        self._push(frame, -1)

    def play(self, frame: bytes, segment: int) -> None:
        """A frame of speech of a segment."""
        self._push(frame, segment)

    def purge(self, before: float) -> None:
        """Drops the speech of segments before `before` that has not left."""
        kept = [(frame, segment) for frame, segment in self._stream if not 0 <= segment < before]
        self._stream = deque(kept)
        self._stream_bytes = sum(len(frame) for frame, _ in kept)
        self.flush()

    def flush(self) -> None:
        """Sends what the connection takes; to be called as well when it takes more again."""
        while self._answers and self._writable():
            frame = self._answers.popleft()
            self._answer_bytes -= len(frame)
            self._send(frame)
        while self._stream and self._writable():
            data, _ = self._stream.popleft()
            self._stream_bytes -= len(data)
            self._send(data)
        if not self._answers and not self._stream:
            self._empty.set()

    async def drained(self, seconds: float) -> None:
        """Waits until all was sent, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return

    def _push(self, frame: str | bytes, segment: int) -> None:
        self._empty.clear()
        self._stream.append((frame, segment))
        self._stream_bytes += len(frame)
        self.flush()

"""Sends a recording of any length; after a lost connection it goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from bridge.client.collector import Result, Segment
from bridge.client.feed import BYTES_PER_MS, Blocks, Feed
from bridge.client.shelf import Shelf
from bridge.client.translate import Wish, passage
from bridge.errors import BridgeError, GatewayError
from bridge.types import SAMPLE_BYTES

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds before each new attempt, a minute in all, in which nothing more was finished: a gateway that is
restarted is back by then."""


async def translate_recording(
    wish: Wish,
    blocks: Blocks,
    *,
    on_segment: Callable[[Segment], None] = lambda _: None,
    on_lost: Callable[[GatewayError, float], None] = lambda *_: None,
    pauses: Sequence[float] = PAUSES,
) -> Result:
    """Like `translate`, but the times of segments are the presentation times of the recording.

    `on_segment` is given each segment that is finished, in spoken order. A lost connection is told to
    `on_lost` with the time in ms from which it goes on, in a new session. Where that fails for good the
    result has what was finished, and `failure` says why no more; what fails before the first session
    began is raised: GatewayError, ProtocolError, or whatever `blocks` raises.
    """
    failed = 0
    async with Feed(blocks) as feed:
        journey = _Journey(feed, on_segment)
        while True:
            before = journey.begin
            try:
                await passage(wish, feed, before, journey.start, journey.done)
                return journey.end()
            except BridgeError as error:
                whole = journey.lost()
                if whole is None:
                    raise
                failed = 0 if journey.begin > before else failed + 1
                if not isinstance(error, GatewayError) or not error.retryable or failed >= len(pauses):
                    whole.failure = error
                    return whole
                on_lost(error, feed.time_ms(journey.begin))
            await asyncio.sleep(pauses[failed])


class _Journey:
    """What is finished of a recording, over all its sessions. `begin` is where the next one starts."""

    def __init__(self, feed: Feed, on_segment: Callable[[Segment], None]) -> None:
        self.begin = 0
        self._whole: Result | None = None
        self._feed = feed
        self._on_segment = on_segment
        self._session: Result | None = None
        self._offset = 0
        self._done: set[int] = set()
        self._next = 0
        self._waiting: list[Segment] = []
        self._shelf: Shelf | None = None

    def start(self, result: Result) -> None:
        """A session has begun, whose result this is."""
        if self._whole is None:
            self._whole = Result(result.started, began=result.began)
        self._session, self._offset = result, self.begin
        self._done, self._next, self._waiting = set(), 0, []

    def done(self, seq: int) -> None:
        """A segment of this session is finished; it counts when all before it are.

        One that failed before its place was known counts with the next: if none comes, it is tried again.
        """
        assert self._session is not None
        self._done.add(seq)
        order = self._session.order
        while self._next < len(order) and order[self._next] in self._done:
            segment = self._session.segments[order[self._next]]
            self._next += 1
            self._waiting.append(segment)
            if segment.end_ms:
                self._hand_on()

    def end(self) -> Result:
        """The recording is over: all that its last session had counts."""
        session = self._session
        assert session is not None
        rest = session.order[self._next :]
        self._waiting += [session.segments[seq] for seq in rest if seq in session.segments]
        self._hand_on()
        whole = self.lost()
        assert whole is not None
        return whole

    def lost(self) -> Result | None:
        """The session is over: what is finished so far; None where none has begun."""
        if self._whole is not None and self._session is not None:
            self._whole.notices += self._session.notices
            self._whole.misplaced += self._session.misplaced
            self._session = None
        return self._whole

    def _hand_on(self) -> None:
        assert self._whole is not None
        for segment in self._waiting:
            end = self._place(segment.end_ms)
            segment.start_ms = round(self._feed.time_ms(self._place(segment.start_ms)), 3)
            segment.end_ms = round(self._feed.time_ms(end), 3)
            segment.seq = len(self._whole.segments)
            self._whole.segments[segment.seq] = segment
            self.begin = max(self.begin, end)
            self._lay_aside(segment)
            self._on_segment(segment)
        self._waiting = []
        self._feed.forget(self.begin)
        self.begin = max(self.begin, self._feed.first)

    def _lay_aside(self, segment: Segment) -> None:
        with suppress(OSError):  # no disk to lay it on: it stays in memory
            for spoken in segment.translations.values():
                self._shelf = self._shelf or Shelf()
                spoken.lay_aside(self._shelf)

    def _place(self, ms: float) -> int:
        return self._offset + int(ms * BYTES_PER_MS) // SAMPLE_BYTES * SAMPLE_BYTES

"""When speech leaves to a client without a buffer: in frames of one length, as fast as it is heard.

Sans-I/O: given what there is to hear and the time, it says what leaves now and when to ask again. Times are
seconds of one clock.
"""

from __future__ import annotations

from collections import deque
from math import inf

from bridge.types import SAMPLE_BYTES
from gateway.core.effects import Play

LEAD_FRAMES = 3
"""Frames that leave ahead of being heard, 60 ms of 20 ms each: a hiccup of the network that is shorter is not
heard, and after a longer one no more than these come at once."""
KEPT_SECONDS = 80.0
"""Speech that waits for a session of its own until nothing more is begun for it."""
LATE_SECONDS = 30.0
"""Time that speech of a room may wait, pauses not counted: beyond, what waits is left out."""
CLOSE = 1e-6
"""Times are sums of floats: so much too early is in time."""

Item = str | Play
"""What waits: a message, or speech."""


class Lane:
    """Speech that is heard one piece after the other, and the messages that belong between its pieces."""

    def __init__(self, rate: int, frame_ms: int) -> None:
        self._rate = rate
        self._size = max(1, rate * frame_ms // 1000) * SAMPLE_BYTES
        self._lead = LEAD_FRAMES * frame_ms / 1000
        self._waiting: deque[tuple[Item, float]] = deque()
        self._taken = 0  # bytes of the first that have left
        self._until = 0.0  # when all that has left will have been heard
        self._bytes = 0

    @property
    def seconds(self) -> float:
        """Length of the speech that waits."""
        return self._bytes / SAMPLE_BYTES / self._rate

    @property
    def empty(self) -> bool:
        return not self._waiting

    @property
    def oldest(self) -> float:
        """When the speech came that waits for longest; inf where none does."""
        return next((at for item, at in self._waiting if isinstance(item, Play)), inf)

    @property
    def segments(self) -> set[int]:
        """The segments of which speech waits."""
        return {item.segment for item, _ in self._waiting if isinstance(item, Play)}

    def add(self, item: Item, at: float) -> None:
        """More that comes `at` this time."""
        self._waiting.append((item, at))
        self._bytes += len(item.pcm) if isinstance(item, Play) else 0

    def purge(self, before: float) -> None:
        """Drops speech of segments before `before`."""
        kept = deque(it for it in self._waiting if isinstance(it[0], str) or it[0].segment >= before)
        if self._waiting and (not kept or kept[0] is not self._waiting[0]):
            self._taken = 0
        self._waiting = kept
        self._bytes = sum(len(it.pcm) for it, _ in kept if isinstance(it, Play)) - self._taken

    def due(self) -> float:
        """When the next may leave; inf where what is there is not a whole frame yet, and more will come."""
        if not self._waiting:
            return inf
        ready = self._ready()
        if ready is None:
            return inf
        return self._until + ready / SAMPLE_BYTES / self._rate - self._lead if ready else -inf

    def take(self, now: float) -> Item | None:
        """What leaves next, if it is time."""
        if self.due() > now + CLOSE:
            return None
        if isinstance(self._waiting[0][0], str):
            return self._waiting.popleft()[0]
        frame = self._cut()
        self._until = max(self._until, now) + len(frame.pcm) / SAMPLE_BYTES / self._rate
        return frame

    def _ready(self) -> int | None:
        """Bytes of the next frame, 0 for a message; None where more must come first."""
        size = -self._taken
        for item, _ in self._waiting:
            if isinstance(item, str):
                return max(0, size)
            size += len(item.pcm)
            if size >= self._size:
                return self._size
            if item.last:
                return size
        return None

    def _cut(self) -> Play:
        """The next frame. It may be of several pieces, and has the number of that in which it ends."""
        first = self._waiting[0][0]
        assert isinstance(first, Play)
        offset = first.offset + self._taken // SAMPLE_BYTES
        pcm, piece, last = b"", first, False
        while self._waiting and not last and len(pcm) < self._size:
            item = self._waiting[0][0]
            if isinstance(item, str):
                break
            piece, more = item, item.pcm[self._taken : self._taken + self._size - len(pcm)]
            pcm += more
            self._taken += len(more)
            if self._taken < len(item.pcm):
                break
            self._waiting.popleft()
            self._taken, last = 0, item.last
        self._bytes -= len(pcm)
        return Play(piece.seq, piece.segment, piece.target, offset, pcm, last, piece.language, piece.lane)


class Pacing:
    """All that one client hears, in its lanes."""

    def __init__(self, rate: int, frame_ms: int) -> None:
        """PCM of `rate` Hz, in frames of `frame_ms`."""
        self._rate = rate
        self._frame_ms = frame_ms
        self._lanes: dict[str, Lane] = {}
        self._held_since: float | None = None
        self._held = 0.0

    @property
    def seconds(self) -> float:
        """Length of the speech that waits, in the longest lane."""
        return max((lane.seconds for lane in self._lanes.values()), default=0.0)

    @property
    def empty(self) -> bool:
        return all(lane.empty for lane in self._lanes.values())

    def add(self, lane: str, item: Item, now: float) -> None:
        """More to hear, or a message between."""
        if lane not in self._lanes:
            self._lanes[lane] = Lane(self._rate, self._frame_ms)
        self._lanes[lane].add(item, self._awake(now))

    def hold(self, holding: bool, now: float) -> None:
        """Holds all of it back, or lets it go on."""
        if self._held_since is not None:
            self._held += now - self._held_since
        self._held_since = now if holding else None

    def purge(self, before: float) -> None:
        """Drops speech of segments before `before`; messages stay."""
        for lane in self._lanes.values():
            lane.purge(before)

    def skip(self, now: float) -> tuple[int, float]:
        """Leaves out all speech that waits where the oldest waits for too long: how many segments that
        concerns, and how many milliseconds of speech."""
        oldest = min((lane.oldest for lane in self._lanes.values()), default=inf)
        if self._awake(now) - oldest <= LATE_SECONDS:
            return 0, 0.0
        segments = {segment for lane in self._lanes.values() for segment in lane.segments}
        ms = sum(lane.seconds for lane in self._lanes.values()) * 1000
        self.purge(inf)
        return len(segments), round(ms, 1)

    def due(self) -> float:
        """When something may leave; inf where nothing will."""
        if self._held_since is not None:
            return inf
        return min((lane.due() for lane in self._lanes.values()), default=inf)

    def take(self, now: float) -> Item | None:
        """What leaves next, if it is time."""
        if self._held_since is None:
            for lane in self._lanes.values():
                if (item := lane.take(now)) is not None:
                    return item
        return None

    def _awake(self, now: float) -> float:
        """The time, without that of pauses."""
        since = self._held_since
        return now - self._held - (now - since if since is not None else 0.0)

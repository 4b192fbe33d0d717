"""Lets the speech of one connection leave when it is due, as far as the connection takes it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from gateway.core.effects import Play
from gateway.core.pacing import KEPT_SECONDS, Item, Pacing
from gateway.runtime.metronome import Metronome

Pack = Callable[[Play], bytes]


class Pacer:
    """`pack` makes a frame of speech, `send` takes one, `writable` says whether the connection takes more;
    `changed` is called when something came or left. Times are seconds of time.monotonic(), as in the loop."""

    def __init__(
        self,
        rate: int,
        metronome: Metronome,
        pack: Pack,
        send: Callable[[str | bytes], None],
        writable: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """PCM of `rate` Hz."""
        self._pacing = Pacing(rate, metronome.frame_ms)
        self._metronome = metronome
        self._pack = pack
        self._send = send
        self._writable = writable
        self._changed = changed
        self._waits = self.stalled = False  # for a time, for the connection
        self._last: str | None = None

    @property
    def full(self) -> bool:
        """Whether so much speech waits that no more should be begun."""
        return self._pacing.seconds >= KEPT_SECONDS

    @property
    def empty(self) -> bool:
        return self._pacing.empty and self._last is None

    @property
    def seconds(self) -> float:
        """How long it takes until all that waits has left."""
        return self._pacing.seconds

    def add(self, lane: str, item: Item, now: float) -> None:
        """More to hear, or a message between."""
        self._pacing.add(lane, item, now)
        if self._waits or self.stalled:
            self._changed()
        else:
            self.go_on(now)

    def conclude(self, frame: str, now: float) -> None:
        """What stands behind all that waits; nothing is held any more."""
        self._last = frame
        self._pacing.hold(False, now)
        self.go_on(now)

    def hold(self, holding: bool, now: float) -> None:
        """Holds speech back, or lets it go on."""
        self._pacing.hold(holding, now)
        if not self._waits:
            self.go_on(now)

    def purge(self, before: float, now: float) -> None:
        """Drops speech of segments before `before`."""
        self._pacing.purge(before)
        self.go_on(now)

    def skip(self, now: float) -> tuple[int, float]:
        """As Pacing.skip."""
        skipped = self._pacing.skip(now)
        if skipped[0]:
            self.go_on(now)
        return skipped

    def stop(self) -> None:
        """Sends nothing more."""
        self._writable = lambda: False

    def go_on(self, now: float) -> None:
        """Sends what is due, and asks to be woken for what is due next."""
        while self._writable():
            item = self._pacing.take(now)
            if item is None and self._pacing.empty:
                item, self._last = self._last, None
            if item is None:
                break
            self._send(item if isinstance(item, str) else self._pack(item))
        self.stalled = not self._writable()
        self._changed()
        due = self._pacing.due()
        if not self._waits and not self.stalled and due < inf:
            self._waits = True
            self._metronome.at(max(due, now), self._woken)

    def _woken(self, now: float) -> None:
        self._waits = False
        self.go_on(now)

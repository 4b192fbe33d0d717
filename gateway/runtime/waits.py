"""How long one listener waits for each sentence: from where its speech comes until it is in their ear."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.effects import SpeechBegins
from gateway.core.timings import Origin
from gateway.runtime.flights import Flights
from gateway.runtime.spans import Left

KEPT = 64
"""Sounds that have not been played, as far as we know: a client need not tell."""


class Waits:
    """Of one session. `now` is the clock of Redis, in seconds."""

    def __init__(
        self, flights: Flights, now: Callable[[], float], also: Left = lambda segment, target: None
    ) -> None:
        """`also` is told of the first frames as well."""
        self._flights = flights
        self._now = now
        self._also = also
        self._coming: dict[tuple[int, int], tuple[Origin, str]] = {}
        self._unplayed: dict[int, tuple[Origin, str]] = {}

    def begins(self, what: SpeechBegins) -> None:
        """Speech will leave."""
        if what.origin is not None:
            self._coming[what.segment, what.index] = what.origin, what.target
            if len(self._coming) > KEPT:
                del self._coming[next(iter(self._coming))]

    def left(self, segment: int, index: int) -> None:
        """Its first frame left."""
        self._also(segment, index)
        if (came := self._coming.pop((segment, index), None)) is None:
            return
        self._flights.left(*came, self._now())
        self._unplayed.setdefault(segment, came)
        if len(self._unplayed) > KEPT:
            del self._unplayed[next(iter(self._unplayed))]

    def played(self, segment: int, ms: float) -> None:
        """The client says that so much of it was heard."""
        if ms > 0 and (came := self._unplayed.pop(segment, None)) is not None:
            self._flights.played(*came, self._now() - ms / 1000)

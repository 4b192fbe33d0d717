"""For how many who speak there is room: what one of them needs on the average, against what engines do.

Someone who speaks needs so many pieces of work a second of each stage, silence included: that is measured
over all of them. A piece keeps an engine busy for as long as its worker says.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from bridge.types import STAGES, Stage

MEMORY = 60.0
"""Seconds after which what was measured counts for a third of what is measured now."""
FULL = 0.9
"""Share of the engines' time that may be promised: beyond, waits grow without a bound."""
LEAST = 20.0
"""Seconds of people connected and speaking before the average says anything."""


class Capacity:
    """`sessions` that may speak are counted by who asks; times are in seconds on any one clock."""

    def __init__(self) -> None:
        self._at = 0.0
        self._connected = 0.0
        self._pieces: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)

    def pass_time(self, now: float, sessions: int) -> None:
        """So many could speak since the time before."""
        passed = now - self._at if self._at else 0.0
        faded = exp(-passed / MEMORY)
        self._at = now
        self._connected = self._connected * faded + sessions * passed
        for stage in STAGES:
            self._pieces[stage] *= faded

    def asked(self, targets: int) -> None:
        """Somebody has spoken a segment that is wanted in so many targets."""
        for stage in STAGES:
            self._pieces[stage] += 1 if stage == "stt" else targets

    def need(self, stage: Stage) -> float:
        """Pieces of work a second for each who may speak; 0.0 as long as too little was measured."""
        return self._pieces[stage] / self._connected if self._connected >= LEAST else 0.0

    def has_room(self, sessions: int, busy: Mapping[Stage, float], slots: Mapping[Stage, int]) -> bool:
        """Whether engines can serve so many; `busy` is for how long a piece keeps one of the `slots`."""
        return all(
            sessions * self.need(stage) * busy.get(stage, 0.0) <= FULL * slots.get(stage, 0)
            for stage in STAGES
            if slots.get(stage)
        )

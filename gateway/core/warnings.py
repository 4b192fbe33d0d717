"""What a listener is told once when speech begins to be left out, and once when it is heard again."""

from __future__ import annotations

from bridge.types import Decision
from gateway.core.effects import Shortage, Warn

CALM = 10.0
"""Seconds between the last segment that lost its speech and the one with which that is over."""


class Warnings:
    """Of one listener. Times are those of the journal at which segments were cut, in seconds."""

    def __init__(self) -> None:
        self._last: dict[Shortage, float] = {}

    def lost(self, cut: float, decision: Decision) -> list[Warn]:
        """A segment, or its speech in one target, was given up."""
        if decision.code != "too_late":
            return []
        what: Shortage = "late" if decision.target is None else "captions_only"
        new = what not in self._last
        self._last[what] = cut
        return [Warn(what)] if new else []

    def heard(self, cut: float) -> list[Warn]:
        """The speech of a segment begins."""
        over = [what for what, last in self._last.items() if cut - last >= CALM]
        for what in over:
            del self._last[what]
        return [Warn(what, over=True) for what in over]

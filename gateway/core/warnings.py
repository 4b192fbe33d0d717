"""What a listener is told once when speech begins to be left out, and once when it is heard again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.types import Decision

CALM = 10.0
"""Seconds between the last segment that lost its speech and the one with which that is over."""


Shortage = Literal["captions_only", "late"]


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell those who listen now, outside of what is numbered: `captions_only`, speech is left out; `late`,
    whole segments are. `over`: not any more."""

    what: Shortage
    over: bool = False


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

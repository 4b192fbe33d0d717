"""What one listens to: whoever listens in the same way gets the same frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NUMBERED = 20
"""Bits of a segment's number that count the segments of one speaker; those above are the speaker's."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How somebody listens, to PCM of `rate` Hz.

    `itself`: to all translations of the own speech (a room of one). `others`: to what the others in the room
    say, in `language`. `nobody`: one only speaks. `own` is the session whose wishes (pause, stop) count
    here and who does not hear itself; all who listen without an own are one.
    """

    hears: Literal["itself", "others", "nobody"]
    language: str
    rate: int
    own: str = ""

    def listens(self, session: str, target: str | None) -> bool:
        """Whether speech of `session` in `target` is for who listens so."""
        if self.hears == "itself":
            return True
        return self.hears == "others" and session != self.own and target == self.language


def numbered(speaker: int, segment: int) -> int:
    """The number of a segment that no other segment of the room has; in a room of one it is its own."""
    return speaker << NUMBERED | segment & (1 << NUMBERED) - 1

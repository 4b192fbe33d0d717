"""A segment in the making: what was judged of it, and what is known of where it may end."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace

from gateway.core.cuts import Part
from gateway.core.quiet import WINDOW


@dataclass(slots=True)
class Stretch:
    """From sample `marked` on, how likely each window holds speech, and whether it counts as voiced.

    `number` is None until its speech is certain, after `needed` more samples of it. It is cut at `limit` at
    the latest; while `live`, also where a clause ends: the last one that is certain at `clause`, 0 where none
    is known. `drafted`: it was reported as it is, and no more was said.
    """

    start: int
    limit: int
    needed: int
    marked: int
    speech_end: int
    number: int | None = None
    live: bool = True
    clause: int = 0
    drafted: bool = False
    probabilities: array[float] = field(default_factory=lambda: array("f"))
    voiced: bytearray = field(default_factory=bytearray)

    @property
    def onset(self) -> int:
        """Its first voiced sample."""
        return max(self.start, self.marked + self.voiced.find(1) * WINDOW)

    def part(self, judged: int) -> Part | None:
        """What was judged of it up to now, once it is certain."""
        if self.number is None:
            return None
        return Part(self.number, self.start, judged, self.speech_end)

    def speech_before(self, at: int) -> int | None:
        """Where its speech ends before sample `at`, None where there is none."""
        whole, inside = divmod(at - self.marked, WINDOW)
        last = self.voiced.rfind(1, 0, whole + bool(inside))
        return min(self.marked + (last + 1) * WINDOW, at) if last >= 0 else None

    def rest(self, at: int, limit: int, number: int | None) -> Stretch:
        """What is behind sample `at`. It follows certain speech: its first voiced window makes it certain."""
        whole = (at - self.marked) // WINDOW
        return replace(
            self,
            start=at,
            limit=limit,
            needed=0,
            marked=self.marked + whole * WINDOW,
            number=number,
            clause=0,
            drafted=False,
            probabilities=self.probabilities[whole:],
            voiced=self.voiced[whole:],
        )

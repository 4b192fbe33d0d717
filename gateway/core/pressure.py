"""How much is left out for the sake of what must come in time: partials first, then drafts, then quality.

Speech is left out segment by segment (triage), where it would come too late.
"""

from __future__ import annotations

from enum import IntEnum

RISE = (0.04, 0.08, 0.25)
"""From which share of the budget, waited for engines, the levels hold: 0.4, 0.8 and 2.5 s of 10 s."""
FALL = 0.5
"""Share of that below which a level may end."""
CALM = 2.0
"""Seconds for which it must stay below: a level does not end between two sentences."""


class Level(IntEnum):
    """What is left out, and all above it in this list."""

    NOTHING = 0
    PARTIALS = 1
    DRAFTS = 2
    QUALITY = 3


class Pressure:
    """Rises at once, falls one level at a time."""

    def __init__(self) -> None:
        self.level = Level.NOTHING
        self._calm_since: float | None = None

    def note(self, now: float, strain: float) -> None:
        """`strain` is what a segment sent at `now`, in seconds, would wait for engines, as a share of its
        budget."""
        reached = Level(sum(strain >= rise for rise in RISE))
        if reached > self.level:
            self.level, self._calm_since = reached, None
        elif self.level == Level.NOTHING or strain > RISE[self.level - 1] * FALL:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= CALM:
            self.level, self._calm_since = Level(self.level - 1), now

"""What the echo guard knows of one window of a microphone while something is played."""

from __future__ import annotations

from dataclasses import dataclass

_LEFT = 0.5  # of a window's energy, from which on it is something else


@dataclass(frozen=True, slots=True)
class Heard:
    """One window while something is played: its energy, and what of it has another source. `sure` is False as
    long as too little was heard to tell."""

    energy: float
    own: float
    sure: bool = True

    @property
    def echo(self) -> bool:
        """Whether most of it was played."""
        return self.own <= _LEFT * self.energy


UNSEEN = Heard(0.0, 0.0, sure=False)
"""A window that nobody has looked at yet while something is played."""

"""A session of this gateway, as its room sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.types import Attendant
from gateway.core.effects import Effect, Heard
from gateway.core.seat import Seat


class Guest(Protocol):
    """A session of this gateway, as its room sees it. All calls return at once."""

    id: str
    seat: Seat

    @property
    def away(self) -> bool:
        """Whether its client is away for a moment."""

    @property
    def first(self) -> int:
        """The first segment whose work is still wanted."""

    def hear(self, effect: Heard) -> None:
        """What those get who listen as it does."""

    def do(self, effects: Sequence[Effect]) -> None:
        """What the core wants done for this session."""

    def told(self, presences: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        """Who is in the room."""

    def pump(self) -> None:
        """Something may have room again."""

    def broken(self) -> None:
        """A fault of the program."""

"""What one gateway knows of a session that another one held."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from bridge.types import Decision
from gateway.core.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Takeover:
    """What is known of a session that another gateway held, besides its journal.

    Its audio is judged from sample `at` on, where it was `voiced` or not; at least `segments` were cut; the
    speech of `unstored` is not in Redis.
    """

    at: int = 0
    voiced: bool = False
    segments: int = 0
    unstored: Set[int] = frozenset()

    def lost(self, ledger: Ledger) -> list[Decision]:
        """The segments that are cut anew: neither their speech nor their words are kept anywhere."""
        return [
            state.cut
            for state in ledger.open
            if state.transcript is None and state.cut.segment in self.unstored
        ]

"""Segments of which no more is heard while their words are still to come: with these they are over."""

from __future__ import annotations


class Words:
    """Of one listener; segments and targets as the sequencer knows them."""

    def __init__(self) -> None:
        self._awaited: dict[int, set[str]] = {}
        self._over: set[int] = set()

    def expect(self, segment: int, target: str) -> None:
        """The speech of a target will not come, its words will."""
        self._awaited.setdefault(segment, set()).add(target)

    def keep(self, segment: int) -> bool:
        """No more of a segment is heard: whether it is kept for its words."""
        if segment not in self._awaited:
            return False
        self._over.add(segment)
        return True

    def came(self, segment: int, target: str | None) -> bool:
        """The words of a target (None: of all) are there, or will not come: whether that ends the segment."""
        left = self._awaited.get(segment, set()) - {target} if target else set()
        if left:
            self._awaited[segment] = left
            return False
        self._awaited.pop(segment, None)
        kept = segment in self._over
        self._over.discard(segment)
        return kept

    def stop(self, before: float) -> list[int]:
        """Nobody waits for the words of segments before `before` any more; those that end with that."""
        return [number for number in sorted(self._awaited) if number < before and self.came(number, None)]

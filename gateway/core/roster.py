"""Who is in a room, as the gateways that serve it say: whose speech is heard in which languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bridge.types import Attendant, Presence


class Roster:
    """Each gateway's word about its own people."""

    def __init__(self) -> None:
        self._presences: dict[str, Presence] = {}

    def put(self, presence: Presence) -> bool:
        """One gateway's people changed; True where that changes anything."""
        changed = self._presences.get(presence.gateway) != presence
        if presence.listeners or presence.speakers:
            self._presences[presence.gateway] = presence
        else:
            self._presences.pop(presence.gateway, None)
        return changed

    def replace(self, presences: Mapping[str, Presence]) -> bool:
        """All that is known, those left out who are gone; True where that changes anything."""
        changed = self._presences != dict(presences)
        self._presences = dict(presences)
        return changed

    @property
    def listeners(self) -> dict[str, int]:
        """How many listen in each language."""
        counts: Counter[str] = Counter()
        for presence in self._presences.values():
            counts.update(presence.listeners)
        return {language: counts[language] for language in sorted(counts) if counts[language] > 0}

    @property
    def partials(self) -> set[str]:
        """The languages in which somebody wants to see the words while they are spoken."""
        return {language for presence in self._presences.values() for language in presence.partials}

    @property
    def speakers(self) -> list[Attendant]:
        """Who may speak, in the order in which they came; who is away from one gateway may be at another."""
        everybody = (who for presence in self._presences.values() for who in presence.speakers)
        found = {who.number: who for who in sorted(everybody, key=lambda who: not who.away)}
        return [found[number] for number in sorted(found)]

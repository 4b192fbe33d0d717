"""Who is in a room, put together from what each of its gateways says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bridge.types import Attendant, Presence


def together(records: Iterable[Presence]) -> Presence:
    """All listeners added up, and each speaker once: here at one gateway rather than away at another."""
    listeners: Counter[str] = Counter()
    speakers: dict[int, Attendant] = {}
    for record in records:
        listeners.update(record.listeners)
        for speaker in record.speakers:
            if speaker.number not in speakers or speakers[speaker.number].away:
                speakers[speaker.number] = speaker
    heard = {language: listeners[language] for language in sorted(listeners) if listeners[language] > 0}
    return Presence("", heard, tuple(speakers[number] for number in sorted(speakers)))

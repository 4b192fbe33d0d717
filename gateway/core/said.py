"""What was said, as those who listen are told it: made of what the journal holds of a segment."""

from __future__ import annotations

from bridge.types import SPEECH_RATE, Decision, Event
from gateway.core.effects import Transcript, Translation


def transcript(number: int, cut: Decision, event: Event, name: str) -> Transcript:
    """Of segment `number`, with the places of its speech in the speaker's audio."""
    start, end = _ms(cut.start), _ms(cut.speech_end)
    return Transcript(
        number, event.text, event.language or "", start, end, event.confidence, name, event.provider
    )


def translation(number: int, target: str, event: Event, name: str) -> Translation:
    """Of segment `number` into `target`; the words that were spoken, where they are in that language."""
    return Translation(number, target, event.text, event.confidence, name, event.provider)


def _ms(samples: int) -> float:
    return round(samples * 1000 / SPEECH_RATE, 1)

"""The final words of a segment, as a client is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said; times are places in the speaker's audio, `end_ms` the end of the speech.
    `provider` is whose engine heard it."""

    segment: int
    text: str
    language: str
    start_ms: float
    end_ms: float
    confidence: float | None
    name: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """What will be spoken in `target`."""

    segment: int
    target: str
    text: str
    confidence: float | None
    name: str = ""
    provider: str = ""

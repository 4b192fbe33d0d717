"""What is shown of speech that goes on: without a number, and no loss where it cannot be shown at once."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.types import Stage


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """What was said so far; the first `stable` characters will not change."""

    segment: int
    text: str
    stable: int
    language: str
    start_ms: float
    end_ms: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class PartialTranslation:
    segment: int
    target: str
    text: str
    stable: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """Tell those clients that asked for it."""

    what: PartialTranscript | PartialTranslation


@dataclass(frozen=True, slots=True)
class Landed:
    """A look at what is said, or at its translation, takes no room in its queue any more."""

    stage: Stage
    target: str | None

"""Events as workers send them, for the tests of the sequencer."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from bridge.types import Event
from gateway.sequencer import (
    Release,
    Sequencer,
    SpeechBegins,
    SpeechEnds,
    SpeechPiece,
)

RATE = 24_000
ERROR = Event("failed", "tts", "a", 0, code="broken", message="It broke.", retryable=True)


def speech(segment: int, target: str, start: int, end: int) -> bytes:
    """Samples that differ between segments, targets and places."""
    base = segment * 1000 + ord(target[0])
    return array("h", ((base + at * 7) % 32_000 for at in range(start, end))).tobytes()


def heard(segment: int, text: str = "go", attempt: int = 0) -> Event:
    return Event("text", "stt", "a", segment, text=text, language="en", attempt=attempt)


def translated(segment: int, target: str = "es", attempt: int = 0) -> Event:
    return Event("text", "translation", "a", segment, target=target, text="va", attempt=attempt)


def audio(
    segment: int, start: int, end: int, target: str = "es", attempt: int = 0, revision: int = 0
) -> Event:
    pcm = speech(segment, target, start, end)
    return Event("audio", "tts", "a", segment, revision, attempt, target, pcm=pcm, rate=RATE, offset=start)


def done(segment: int, samples: int, target: str = "es", attempt: int = 0) -> Event:
    return Event("done", "tts", "a", segment, attempt=attempt, target=target, rate=RATE, offset=samples)


def spoken(segment: int, samples: int, target: str = "es") -> list[Release]:
    """The whole speech of a target in one piece."""
    return [
        SpeechBegins(segment, target, RATE),
        SpeechPiece(segment, target, 0, speech(segment, target, 0, samples)),
        SpeechEnds(segment, target, RATE, samples),
    ]


def sequencer(segments: int = 1, targets: Sequence[str] = ("es",)) -> Sequencer:
    made = Sequencer()
    for segment in range(segments):
        made.expect(segment, targets)
    return made


def accept(order: Sequencer, *events: Event) -> list[Release]:
    return [release for event in events for release in order.accept(event)]

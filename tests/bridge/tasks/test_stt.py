"""What the stt stage asks its engine for, and what it hands on."""

from __future__ import annotations

import json

from bridge.tasks import stt
from bridge.types import SPEECH_RATE, Audio, Speech, Transcript, Work

PCM = b"\1\0" * 160


class Ear:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.heard: list[Speech] = []

    def transcribe(self, speech: Speech) -> Transcript:
        self.heard.append(speech)
        return Transcript("Sí.", "es", 0.5)


def test_two_languages_and_the_one_before_reach_the_engine_through_a_message() -> None:
    sent = Work("alice", 3, "room", among=("en", "es"), prior="en", floor="silent", audio="key")
    work = Work.of(json.loads(json.dumps(sent.message())))
    engine = Ear()
    results = stt._results(engine, work, PCM)  # type: ignore[arg-type]
    list(results)

    assert work == sent
    assert engine.heard == [Speech(Audio(PCM, SPEECH_RATE), None, ("en", "es"), "en")]


def test_a_named_language_is_asked_for_alone() -> None:
    engine = Ear()
    list(stt._results(engine, Work("alice", 3, "room", source="es"), PCM))  # type: ignore[arg-type]

    assert engine.heard == [Speech(Audio(PCM, SPEECH_RATE), "es")]

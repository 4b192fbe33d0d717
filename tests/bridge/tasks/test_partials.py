"""One look at speech that goes on, with real Redis and engines made for the test."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import ProviderError
from bridge.store import keys
from bridge.tasks.cache import CachedTranslator
from bridge.tasks.partials import hypothesis, look, translation
from bridge.tasks.run import Runtime
from bridge.types import Hypothesis, Phrase, Speech, Transcript, Translation, Work
from tests.bridge.rooms import Room

pytestmark = pytest.mark.redis

PCM = b"\1\0" * 1_600
WORK = Work("alice", 2, "room", partial=True, index=1_600, source="en", deadline=4e9)


class Ear:
    """Hears one word, with a time where it is a Hearer."""

    def __init__(self) -> None:
        self.heard: list[Speech] = []

    def hear(self, speech: Speech) -> Hypothesis:
        self.heard.append(speech)
        return Hypothesis("go", "en", (2, 90))


class Deaf:
    """Knows whole segments only."""

    def transcribe(self, speech: Speech) -> Transcript:
        return Transcript("go", "en", 0.5)


def stored(room: Room) -> Work:
    """The work, its speech in Redis."""
    key: str = room.do(lambda sessions: sessions.put_partial("alice", 2, 1_600, PCM, 5.0))
    return WORK.but(audio=key)


def test_the_words_so_far_are_one_event_and_the_speech_is_forgotten(runtime: Runtime, room: Room) -> None:
    runtime.provider = ear = Ear()
    work = stored(room)
    look("stt", work.message(), hypothesis)

    [event] = room.events()
    assert (event.kind, event.stage, event.segment, event.index) == ("partial", "stt", 2, 1_600)
    assert (event.text, event.language, event.marks) == ("go", "en", (2, 90))
    assert ear.heard[0].audio.pcm == PCM
    assert room.client.exists(work.audio) == 0


def test_any_engine_of_whole_segments_makes_partials_without_times(runtime: Runtime, room: Room) -> None:
    runtime.provider = Deaf()
    look("stt", stored(room).message(), hypothesis)
    [event] = room.events()
    assert (event.text, event.marks, event.confidence) == ("go", (), None)


def test_a_partial_takes_no_claim_and_does_not_count_as_running(runtime: Runtime, room: Room) -> None:
    runtime.provider = Ear()
    look("stt", stored(room).message(), hypothesis)
    assert room.client.keys("claim:*") == []
    assert room.client.exists(keys.RUNNING) == 0


@pytest.mark.parametrize("reason", ["cancelled", "no audio", "session over"])
def test_one_that_is_not_wanted_any_more_reaches_no_engine_and_leaves_no_word(
    runtime: Runtime, room: Room, reason: str
) -> None:
    runtime.provider = ear = Ear()
    work = stored(room)
    match reason:
        case "cancelled":
            room.do(lambda sessions: sessions.cancel_before("alice", 3))
        case "no audio":
            room.client.delete(work.audio)
        case "session over":
            room.do(lambda sessions: sessions.close_session("alice"))
    look("stt", work.message(), hypothesis)
    assert (ear.heard, room.events()) == ([], [])


def test_one_that_is_taken_too_late_says_so_and_asks_no_engine(runtime: Runtime, room: Room) -> None:
    runtime.provider = ear = Ear()
    look("stt", stored(room).but(deadline=room.now() - 0.1).message(), hypothesis)
    [event] = room.events()
    assert (event.kind, event.code, event.text, ear.heard) == ("partial", "too_late", "", [])


def test_an_engine_that_fails_is_told_by_its_code_and_never_as_a_failed_stage(
    runtime: Runtime, room: Room
) -> None:
    def broken(*_: Any) -> dict[str, Any]:
        raise ProviderError("A secret sentence.")

    look("stt", stored(room).message(), broken)
    [event] = room.events()
    assert (event.kind, event.code, event.text, event.message) == ("partial", "provider_failed", "", "")


class Brain:
    """Counts what it was asked."""

    Options = None

    def __init__(self) -> None:
        self.asked = 0

    def fingerprint(self) -> str:
        return "brain"

    def translate(self, phrase: Phrase) -> Translation:
        self.asked += 1
        return Translation(f"[{phrase.target}] {phrase.text}")


class Trap:
    """A cache that nobody may touch."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"cache.{name}")


def test_a_translation_of_words_that_will_change_passes_by_the_cache(runtime: Runtime, room: Room) -> None:
    brain = Brain()

    class Settings:
        cache_ttl_seconds, cache_size = 60.0, 10

    runtime.provider = CachedTranslator(brain, "brain", Trap(), Settings)  # type: ignore[arg-type]
    work = WORK.but(target="es", text="go for")
    look("translation", work.message(), translation)
    [event] = room.events()
    assert (event.kind, event.target, event.text, event.index) == ("partial", "es", "[es] go for", 1_600)
    assert brain.asked == 1

"""A room on one gateway: who hears what of whom, and in which languages it is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.types import Attendant, Event, Target
from gateway.core import effects, inputs
from gateway.core.tuning import numbered
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import SENTENCE, SPOKEN, Member, Mouth, Scene, play

pytestmark = pytest.mark.redis

ROOM = "aaaa0000bbbb"


def say(member: Member) -> None:
    """One sentence, and the silence behind it."""
    member.runner.audio(SENTENCE)


async def cut(it: Scene, most: int) -> None:
    """Waits until so many segments were cut."""
    await until(lambda: len(it.decided(ROOM, "cut")) == most)


def rising(mouth: Mouth) -> bool:
    """Whether each frame has the number behind the one before, from session.started on."""
    return [each.seq for each in mouth.order] == list(range(2, len(mouth.order) + 2))


def kinds(mouth: Mouth) -> list[str]:
    return [type(noun).__name__ for noun in mouth.said]


def test_a_speaker_is_heard_in_the_language_of_each_listener_and_never_hears_itself(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "both", 1, "es")
        spanish = await it.enter(ROOM, "listener", 1_024, "es")
        french = await it.enter(ROOM, "listener", 1_025, "fr")
        await it.heard_in(ROOM, "es", "fr")
        say(speaker)
        await cut(it, 1)
        it.work(speaker.runner, 0)
        it.speak(speaker.runner, 0, target="fr")
        for listener, language in ((spanish, "es"), (french, "fr")):
            await until(lambda: listener.mouth.of(effects.Done) != [])  # noqa: B023
            assert [each.target for each in listener.mouth.of(effects.Translation)] == [language]
            assert [each.name for each in listener.mouth.of(effects.Transcript)] == ["n1"]
            assert listener.mouth.heard == SPOKEN
            assert {each.segment for each in listener.mouth.of(effects.Done)} == {numbered(1, 0)}
            assert rising(listener.mouth)
        await until(lambda: speaker.mouth.of(effects.Done) != [])
        assert kinds(speaker.mouth) == ["SpeechStarted", "SpeechStopped", "Transcript", "Done"]
        assert speaker.mouth.heard == b""
        told = ([Attendant(1, "n1", "en")], {"es": 2, "fr": 1})
        await until(lambda: spanish.mouth.attendance[-1] == told)

    play(settings, scene)


def test_who_listens_in_the_spoken_language_hears_the_speaker_and_no_engine_is_asked(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        listener = await it.enter(ROOM, "listener", 1_024, "en")
        await it.heard_in(ROOM, "en")
        say(speaker)
        await cut(it, 1)
        it.desk.emit(ROOM, Event("text", "stt", speaker.runner.id, 0, text="go", language="en"))
        await until(lambda: listener.mouth.of(effects.Done) != [])
        (begins,) = listener.mouth.of(effects.SpeechBegins)
        assert (begins.target, begins.floor) == ("en", True)
        assert [each.text for each in listener.mouth.of(effects.Translation)] == ["go"]
        (ends,) = listener.mouth.of(effects.SpeechEnds)
        (made,) = it.decided(ROOM, "cut")
        assert ends.duration_ms == pytest.approx((made["end"] - made["start"]) / 16, abs=1)
        assert it.client.llen("translation.cpu0") == it.client.llen("tts.cpu0") == 0

    play(settings, scene)


def test_a_new_language_gets_the_last_sentence_and_the_next_and_an_empty_one_costs_nothing(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        spanish = await it.enter(ROOM, "listener", 1_024, "es")
        await it.heard_in(ROOM, "es")
        say(speaker)
        await cut(it, 1)
        it.work(speaker.runner, 0)
        await until(lambda: spanish.mouth.of(effects.Done) != [])

        french = await it.enter(ROOM, "listener", 1_025, "fr")
        await until(lambda: it.client.llen("translation.cpu0") == 1)
        await until(lambda: len(it.decided(ROOM, "also")) == 1)
        it.speak(speaker.runner, 0, target="fr")
        await until(lambda: french.mouth.of(effects.Done) != [])
        assert [each.target for each in french.mouth.of(effects.Translation)] == ["fr"]
        assert french.mouth.heard == SPOKEN
        assert rising(french.mouth)

        it.halls.close(spanish.runner)
        await it.heard_in(ROOM, "fr")
        say(speaker)
        await cut(it, 2)
        assert [[to["language"] for to in made["targets"]] for made in it.decided(ROOM, "cut")] == [
            ["es"],
            ["fr"],
        ]

    play(settings, scene)


def test_what_was_said_before_is_not_kept_for_those_who_came_later(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        await until(lambda: speaker.runner.hall.core.roster.speakers != [])
        listeners = await asyncio.gather(*(it.enter(ROOM, "listener", 1_024 + n, "es") for n in range(3)))
        await it.heard_in(ROOM, "es")
        say(speaker)
        await cut(it, 1)
        it.work(speaker.runner, 0)
        for listener in listeners:
            await until(lambda: listener.mouth.of(effects.Done) != [])  # noqa: B023
            assert rising(listener.mouth)
        assert speaker.runner.hall._replays == {}

    play(settings, scene)


def test_a_pause_sets_a_listener_apart_and_the_others_go_on(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        paused = await it.enter(ROOM, "listener", 1_024, "es")
        other = await it.enter(ROOM, "listener", 1_025, "es")
        await it.heard_in(ROOM, "es")
        await it.halls.retune(paused.runner, paused.runner.seat.but(apart=True))
        paused.runner.handle(inputs.Pause())
        await until(lambda: paused.mouth.of(effects.Obeyed) != [])
        say(speaker)
        await cut(it, 1)
        it.work(speaker.runner, 0)
        await until(lambda: other.mouth.of(effects.Done) != [])
        assert other.mouth.heard == SPOKEN
        await until(lambda: paused.mouth.of(effects.Translation) != [])
        assert paused.mouth.heard == b""

        paused.runner.handle(inputs.Resume())
        await until(lambda: paused.mouth.of(effects.Done) != [])
        assert paused.mouth.heard == SPOKEN
        assert [each.kind for each in paused.mouth.of(effects.Obeyed)] == ["paused", "resumed"]
        assert rising(paused.mouth) and rising(other.mouth)
        assert other.mouth.of(effects.Obeyed) == []

    play(settings, scene)


def test_a_listener_changes_language_and_its_numbers_go_on(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        listener = await it.enter(ROOM, "listener", 1_024, "es")
        await it.heard_in(ROOM, "es")
        say(speaker)
        await cut(it, 1)
        it.work(speaker.runner, 0)
        await until(lambda: listener.mouth.of(effects.Done) != [])
        terms = listener.runner.seat.terms
        seat = listener.runner.seat.but(terms=replace(terms, targets=(Target("fr"),)))
        await it.halls.retune(listener.runner, seat)
        await until(lambda: len(it.decided(ROOM, "also")) == 1)
        it.speak(speaker.runner, 0, target="fr")
        await it.heard_in(ROOM, "fr")
        say(speaker)
        await cut(it, 2)
        it.work(speaker.runner, 1, target="fr")
        await until(lambda: any(done.segment == numbered(1, 1) for done in listener.mouth.of(effects.Done)))
        assert [(each.segment, each.target) for each in listener.mouth.of(effects.Translation)] == [
            (numbered(1, 0), "es"),
            (numbered(1, 0), "fr"),
            (numbered(1, 1), "fr"),
        ]
        assert rising(listener.mouth)

    play(settings, scene)


def test_a_fault_in_one_session_ends_that_one_and_the_others_of_its_room_hear_all(settings: Settings) -> None:
    class Unspeakable(Mouth):
        def say(self, said: effects.Say, seq: int) -> None:
            raise LookupError("a fault")

    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        broken = await it.enter(ROOM, "listener", 1_024, "es")
        other = await it.enter(ROOM, "listener", 1_025, "es")
        failing = Unspeakable()
        broken.runner.attach(failing)
        await it.heard_in(ROOM, "es")
        say(speaker)
        with capture_logs() as logs:
            await cut(it, 1)
            it.work(speaker.runner, 0)
            await until(lambda: other.mouth.of(effects.Done) != [])
        assert {line["event"] for line in logs if line["log_level"] == "error"} == {
            "session failed; the others go on"
        }
        assert other.mouth.heard == SPOKEN
        assert failing.faults > 0
        assert other.mouth.faults == speaker.mouth.faults == 0

    play(settings, scene)


def test_a_speaker_who_leaves_is_heard_to_the_end_and_then_leaves_nothing(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        listener = await it.enter(ROOM, "listener", 1_024, "es")
        await it.heard_in(ROOM, "es")
        say(speaker)
        await cut(it, 1)
        it.halls.close(speaker.runner)
        it.work(speaker.runner, 0)
        await until(lambda: listener.mouth.of(effects.Done) != [])
        assert listener.mouth.heard == SPOKEN
        await until(lambda: speaker.runner.stopped)
        await it.backend.errands.done()
        assert set(it.client.keys(f"*:{speaker.runner.id}*")) <= {f"flight:{speaker.runner.id}".encode()}

    play(settings, scene)


def test_everybody_is_told_that_the_room_was_ended(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        members = [
            await it.enter(made.room, "speaker", 1),
            await it.enter(made.room, "listener", 1_024, "es"),
        ]
        await it.backend.rooms.end(made.room)
        await until(lambda: all(member.mouth.over for member in members))

    play(settings, scene)

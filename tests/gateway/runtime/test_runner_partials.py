"""Words while they are spoken, on a real Redis with the real model; the test does what workers would do."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from bridge.settings import Settings
from bridge.types import SPEECH_RATE, Event
from gateway.core import effects
from gateway.core.glimpse import PartialTranscript, PartialTranslation
from gateway.runtime.runner import Runner
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import CLIP, TERMS, Scene, meet, play

pytestmark = pytest.mark.redis

READING = replace(TERMS, partials=True)
GOING_ON = CLIP[: 2 * SPEECH_RATE * 3 // 2]
"""A second and a half of a sentence."""
ROOM = "standup"


def look(it: Scene, runner: Runner, text: str, index: int) -> None:
    """What a worker of stt says of a look."""
    event = Event("partial", "stt", runner.id, 0, index=index, text=text, language="en")
    it.desk.emit(runner.hall.id, event)


def asked(it: Scene, stage: str = "stt") -> list[dict[str, Any]]:
    """The looks that wait for a worker."""
    raw: Any = it.client.lrange(f"{stage}.cpu0:6", 0, -1)
    return [_work(each) for each in raw]


def _work(message: bytes) -> dict[str, Any]:
    arguments = json.loads(b64decode(json.loads(message)["body"]))[0]
    work = arguments[0]
    assert isinstance(work, dict)
    return work


def test_who_asked_for_it_reads_words_and_translation_while_speech_goes_on(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session(READING)
        runner.audio(GOING_ON)
        await until(lambda: len(asked(it)) == 1)
        [work] = asked(it)
        assert (work["partial"], work["segment"], work["target"]) == (True, 0, None)
        assert it.client.strlen(work["audio"]) == 2 * work["index"]
        look(it, runner, "go for", work["index"])
        await until(lambda: len(asked(it, "translation")) == 1)
        assert asked(it, "translation")[0]["text"] == "go for"
        event = Event("partial", "translation", runner.id, 0, target="es", index=work["index"], text="va")
        it.desk.emit(runner.id, event)
        await until(lambda: len(mouth.shown) == 2)
        words, translation = mouth.shown
        assert isinstance(words, PartialTranscript) and (words.text, words.stable) == ("go for", 0)
        assert isinstance(translation, PartialTranslation) and translation.text == "va"
        assert [type(noun) for noun in mouth.said] == [effects.SpeechStarted]

    play(settings, scene)


def test_who_did_not_ask_is_told_finals_only_and_no_engine_is_asked(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(GOING_ON)
        await until(lambda: mouth.of(effects.SpeechStarted) != [])
        await asyncio.sleep(0.1)
        assert asked(it) == []

    play(settings, scene)


def test_looks_are_as_far_apart_as_the_variable_says_and_none_are_taken_where_it_is_off(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session(READING)
        runner.audio(GOING_ON)
        await until(lambda: mouth.of(effects.SpeechStarted) != [])
        await asyncio.sleep(0.1)
        assert asked(it) == []

    play(settings, scene, partial_ms=3_000)
    play(settings, scene, partials=False)


def test_of_those_who_listen_alike_only_who_asked_is_shown_and_the_numbers_are_the_same(
    settings: Settings,
) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        speaker = await one.enter(ROOM, "speaker", 1)
        plain = await two.enter(ROOM, "listener", 2, "es")
        reading = await two.enter(ROOM, "listener", 3, "es", partials=True)
        hall = one.halls._halls[ROOM]
        await until(lambda: hall.core.roster.partials == {"es"})
        speaker.runner.audio(GOING_ON)
        await until(lambda: len(asked(one)) == 1)
        look(one, speaker.runner, "go for", 16_000)
        await until(lambda: len(reading.mouth.shown) == 1)
        assert (plain.mouth.shown, speaker.mouth.shown) == ([], [])
        assert plain.mouth.order == reading.mouth.order
        assert plain.runner.seq == reading.runner.seq

    meet(settings, scene)


def test_a_client_that_comes_back_is_sent_no_partial_again(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        listener = await it.enter(ROOM, "listener", 2, "es", partials=True)
        await it.heard_in(ROOM, "es")
        speaker.runner.audio(GOING_ON)
        await until(lambda: len(asked(it)) == 1)
        look(it, speaker.runner, "go for", 16_000)
        await until(lambda: len(listener.mouth.shown) == 1)
        back = await it.come_back(listener, last_seq=1)
        assert back.mouth.shown == []
        assert [type(each.what) for each in back.mouth.order if isinstance(each, effects.Say)] == [
            effects.SpeechStarted
        ]
        look(it, speaker.runner, "go forward ten", 24_000)
        await until(lambda: len(back.mouth.shown) == 1)
        assert (back.mouth.shown[0].text, back.mouth.shown[0].stable) == ("go forward ten", 2)

    play(settings, scene)

"""One session on a real Redis with the real model, while the test does what workers and client would do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.types import SPEECH_RATE, Entry, Event, Target
from gateway.core import effects, inputs
from gateway.core.terms import Terms
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import CLIP, CUTTING, SENTENCE, TERMS, Mouth, Scene, play

pytestmark = pytest.mark.redis


def test_a_sentence_becomes_work_and_what_the_workers_make_of_it_is_heard(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        for at in range(0, len(SENTENCE), 640):
            runner.audio(SENTENCE[at : at + 640])
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        assert it.client.exists(f"audio:{runner.id}:0:0")
        it.work(runner, 0)
        runner.ordered(inputs.End())
        await until(lambda: mouth.of(effects.Ended) != [])
        assert [type(noun).__name__ for noun in mouth.said] == [
            *("SpeechStarted", "SpeechStopped", "Transcript", "Translation"),
            *("SpeechBegins", "SpeechEnds", "Done", "Ended"),
        ]
        assert mouth.heard == b"\1\0" * 2_400
        assert [each.seq for each in mouth.order] == list(range(2, len(mouth.order) + 2))
        await until(lambda: not it.client.exists(f"audio:{runner.id}:0:0"))
        assert runner.segments_cut == 1
        it.halls.close(runner)
        await it.backend.errands.done()
        assert it.client.keys(f"*{runner.id}*") == []

    play(settings, scene, flight_seconds=0)


def test_a_session_that_is_left_leaves_nothing_behind(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        runner.audio(SENTENCE * 3)
        await until(lambda: it.client.llen("stt.cpu0") > 0)
        it.halls.close(runner)
        await it.backend.errands.done()
        await asyncio.sleep(0.1)
        assert it.client.keys(f"*:{runner.id}*") == []
        assert it.backend.relay.readers == []

    play(settings, scene, flight_seconds=0)


def test_audio_and_what_must_keep_its_place_in_it_count_in_order(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(CLIP[: SPEECH_RATE * 2])
        runner.ordered(inputs.Commit())
        french = Terms("en", (Target("fr"),), 24_000, CUTTING)
        runner.ordered(inputs.Update(french))
        assert runner.terms == french
        runner.audio(CLIP[: SPEECH_RATE * 2])
        runner.ordered(inputs.Commit())
        await until(lambda: len(mouth.of(effects.SpeechStopped)) == 2)
        entries: Any = it.client.xrange(f"journal:{runner.id}")
        cuts = [entry[b"d"] for _, entry in entries if b'"cut"' in entry.get(b"d", b"")]
        assert [b'"es"' in cut for cut in cuts] == [True, False]

    play(settings, scene)


def test_samples_are_judged_whole_however_they_are_divided(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        found = []
        for size in (2, 638, 1_024, len(SENTENCE)):
            runner, mouth = await it.session()
            for at in range(0, len(SENTENCE), size):
                runner.audio(SENTENCE[at : at + size])
            runner.ordered(inputs.End())
            await until(lambda: mouth.of(effects.SpeechStopped) != [])  # noqa: B023
            entries: Any = it.client.xrange(f"journal:{runner.id}")
            (cut,) = [entry[b"d"] for _, entry in entries if b'"cut"' in entry.get(b"d", b"")]
            found.append(cut.split(b'"start":')[1].split(b'"endpoint_ms"')[0])
            it.halls.close(runner)
        assert len(set(found)) == 1

    play(settings, scene)


def test_a_session_that_fails_is_ended_and_harms_no_other(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        broken, mouth = await it.session()
        other, ear = await it.session()

        class Unspeakable(Mouth):
            def say(self, said: effects.Say, seq: int) -> None:
                raise LookupError("a fault")

        failing = Unspeakable()
        broken.attach(failing)
        for runner in (broken, other):
            runner.audio(SENTENCE)
            runner.ordered(inputs.End())
        await until(lambda: it.client.llen("stt.cpu0") == 2)
        with capture_logs() as logs:
            for runner in (broken, other):
                it.work(runner, 0)
            await until(lambda: ear.of(effects.Ended) != [])
        assert failing.faults > 0
        assert any("session failed" in line["event"] for line in logs)
        assert mouth.said == []

    play(settings, scene)


def test_time_passes_for_a_session_to_which_nothing_comes(settings: Settings) -> None:
    """No worker takes the segment: it is sent again, and given up in the end."""

    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: mouth.of(effects.Failed) != [])
        (failed,) = mouth.of(effects.Failed)
        assert (failed.segment, failed.stage, failed.code) == (0, "stt", "timed_out")
        assert it.client.llen("stt.cpu0") == 2
        await until(lambda: mouth.of(effects.Done) != [])

    play(settings, scene, segment_queue_ms=200, segment_attempts=2)


def test_a_decision_that_redis_lost_is_written_again(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        await until(lambda: it.client.xlen(f"journal:{runner.id}") == 1)
        it.client.flushall()
        runner.handle(inputs.Pause())
        await it.backend.writer.written()
        assert mouth.of(effects.Obeyed) == []
        it.backend.relay._away.set()  # as after an outage
        await until(lambda: mouth.of(effects.Obeyed) != [])

    play(settings, scene)


def test_nothing_reaches_a_session_that_is_over(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        hall = runner.hall
        it.halls.close(runner)
        await it.backend.errands.done()
        hall.deliver(Entry("1-0", Event("text", "stt", runner.id, 0, text="go")))
        hall.lost()
        runner.pump()
        assert runner.handle(inputs.Pause()) is None
        assert mouth.said == []

    play(settings, scene)


def test_own_speech_pauses_with_an_acknowledgement_and_tells_the_workers(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        channel = it.client.pubsub()  # type: ignore[no-untyped-call]
        channel.subscribe("cancel")
        await until(lambda: (channel.get_message() or {}).get("type") == "subscribe")
        runner, mouth = await it.session(replace(TERMS, barge_in="pause"))
        for at in range(0, len(SENTENCE), 640):
            runner.audio(SENTENCE[at : at + 640])
        await until(lambda: len(mouth.of(effects.Obeyed)) >= 2)
        paused, resumed = mouth.of(effects.Obeyed)[:2]
        assert (paused.kind, resumed.kind) == ("paused", "resumed")
        assert paused.reason == resumed.reason == "barge_in"
        assert mouth.wishes[:2] == [paused.number, resumed.number]
        told = json.loads(channel.get_message(ignore_subscribe_messages=True)["data"])
        assert (told["command"], told["session"], told["number"]) == ("PAUSE", runner.id, paused.number)
        channel.close()

    play(settings, scene)

"""The order in which work leaves, and how much of it: real Redis and queues, a fleet that was looked at."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from typing import Any

import pytest

from bridge.settings import Settings
from bridge.types import Decision, Stage, Work
from gateway.core.effects import Submit
from gateway.core.inputs import Sent, Unsent
from gateway.runtime.dispatcher import SHARE
from gateway.runtime.lanes import Job, Told
from tests.gateway.runtime.dispatching import DEVICES, ES, GPUS, Scene, play
from tests.stack import as_gateway

pytestmark = pytest.mark.redis


def test_a_queue_takes_what_its_workers_run_and_as_much_at_hand(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(9):
            it.submit("alice", segment)
        await it.settled(4)
        assert it.client.llen("stt.gpu0") == 4

    play(settings, scene, slots=2)


def test_a_recording_takes_no_more_than_the_workers_begin_at_once(settings: Settings) -> None:
    """A live speaker who comes next waits until one piece of it is done, and not for two."""

    async def scene(it: Scene) -> None:
        for segment in range(5):
            it.submit("file", segment, live=False)
        await it.settled(2)
        it.submit("alice", 0)
        await it.settled(3)
        assert it.sent[-1] == ("alice", 0)

    play(settings, scene, slots=2)


def test_work_spreads_over_equal_devices(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(10):
            it.submit("alice", segment)
        await it.settled(8)
        assert [it.client.llen(f"stt.{device}") for device in DEVICES] == [4, 4]

    play(settings, scene, *DEVICES, slots=2)


def test_a_conversation_goes_to_the_engine_that_tells_its_two_languages_apart(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.register("gpu0", stages=("stt",), detects=True)
        it.register("gpu1", stages=("stt",), detects=True, languages=("en", "es"))
        await it.fleet.look()
        for segment in range(2):
            it.submit("alice", segment, among=("en", "es"))
            await it.settled(segment + 1)
        assert [it.client.llen(f"stt.{device}") for device in DEVICES] == [0, 2]

    play(settings, scene)


@pytest.mark.parametrize("full", ["translation", "tts"])
def test_nothing_more_is_sent_while_a_stage_behind_has_enough_at_hand(settings: Settings, full: str) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(2):
            it.submit("alice", segment)
            await it.settled(segment + 1)
            it.dispatcher.free("alice", [(segment, "stt", None)])
            if full == "tts":
                it.dispatcher.free("alice", [(segment, "translation", "es")])
        it.submit("alice", 2)
        await it.settled(2)
        it.free("alice", 0)
        await it.settled(3)

    play(settings, scene)


def test_what_is_still_at_an_earlier_stage_takes_no_room_in_a_later_one(settings: Settings) -> None:
    """A stage of 80 ms behind 180 ms of others would idle if a segment held a place there all the way."""

    async def scene(it: Scene) -> None:
        it.register("gpu1", stages=("stt",))
        await it.fleet.look()
        for segment in range(4):
            it.submit("alice", segment)
        await it.settled(4)
        assert it.client.llen("stt.gpu0") == it.client.llen("stt.gpu1") == 2

    play(settings, scene)


def test_what_is_sent_again_from_a_later_stage_waits_for_nobody(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(2):
            it.submit("alice", segment)
            await it.settled(segment + 1)
            it.dispatcher.free("alice", [(segment, "stt", None)])
            it.dispatcher.free("alice", [(segment, "translation", "es")])
        it.submit("alice", 2)  # all the room of tts is taken
        it.submit("bob", 7, stage="tts", attempt=1)
        await it.settled(3)
        assert it.sent[-1] == ("bob", 7)

    play(settings, scene)


def test_what_is_done_makes_room_for_what_waits(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.submit_in_order("alice", 4)
        await it.settled(2)
        it.free("alice", 0)
        await it.settled(3)
        assert it.sent == [("alice", 0), ("alice", 1), ("alice", 2)]
        it.free("alice", 0)  # told twice, counted once
        await it.settled(3)

    play(settings, scene)


def test_a_session_that_ends_makes_room_and_what_it_left_is_not_sent(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.submit_in_order("alice", 3)
        it.submit("bob", 0)
        await it.settled(2)
        it.dispatcher.forget("alice")
        await it.settled(3)
        assert it.sent == [("alice", 0), ("alice", 1), ("bob", 0)]

    play(settings, scene)


def test_work_that_is_not_wanted_any_more_is_not_sent_and_holds_no_room(settings: Settings) -> None:
    """playback.stop: the segments before it are settled while they wait here."""

    async def scene(it: Scene) -> None:
        await it.submit_in_order("alice", 5)
        await it.settled(2)
        it.free("alice", 3, 2, 1, 0)
        await it.settled(3)
        assert it.sent == [("alice", 0), ("alice", 1), ("alice", 4)]
        it.free("alice", 4)
        it.submit("bob", 0)
        await it.settled(4)

    play(settings, scene)


def test_sessions_take_turns_however_much_one_of_them_has(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.submit_in_order("alice", 4)
        it.submit("bob", 0)
        it.submit("carol", 0)
        it.submit("bob", 1)
        order = await it.one_by_one(7)
        assert [session for session, _ in order] == [
            "alice",
            "alice",
            "alice",
            "bob",
            "carol",
            "alice",
            "bob",
        ]
        assert [segment for session, segment in order if session == "alice"] == [0, 1, 2, 3]

    play(settings, scene)


def test_a_live_speaker_does_not_wait_for_recordings_and_they_are_not_starved(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.submit_in_order("file", SHARE, live=False)
        for segment in range(2 * SHARE):
            it.submit("alice", segment)
        order = [session for session, _ in await it.one_by_one(2 * SHARE + 2)]
        assert order[0] == "file"  # nobody else was there
        assert Counter(order[1:]) == {"alice": 2 * SHARE - 1, "file": 2}
        assert [at for at, session in enumerate(order) if session == "file"] == [0, SHARE - 1, 2 * SHARE - 1]

    play(settings, scene)


def test_who_waits_for_a_full_queue_holds_up_nobody_who_needs_another(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(3):
            it.submit("alice", segment)
        it.submit("bob", 3, stage="tts")
        await it.settled(3)
        assert sorted(it.sent) == [("alice", 0), ("alice", 1), ("bob", 3)]

    play(settings, scene)


def test_where_nobody_serves_a_stage_the_session_is_told_later_and_not_in_the_midst(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        it.submit("alice", 0)
        assert it.told == []
        await it.settled(1)
        ((_, unsent),) = it.told
        assert isinstance(unsent, Unsent) and "tts" in unsent.reason
        assert it.client.keys("stt*") == []

    play(settings, scene, stages=("stt", "translation"))


def test_what_a_session_sends_while_it_is_told_is_sent_too(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        def again(what: Told) -> None:
            it.told.append(("alice", what))
            if len(it.told) == 1:
                it.register("gpu0", stages=("tts",))
                it.submit("alice", 1)

        work = Work("alice", 0, "alice", source="en")
        it.dispatcher.submit(Job("alice", Submit(work, "stt", ES, True, 60.0, b"\0\0"), None, again))
        await it.settled(2)
        assert all(isinstance(what, Unsent) for _, what in it.told)  # nobody has looked since
        await it.fleet.look()
        it.submit("alice", 2)
        await it.settled(3)
        assert it.sent == [("alice", 2)]

    play(settings, scene, stages=("stt", "translation"))


def test_work_waits_in_the_queue_of_a_worker_that_left_and_may_come_back(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.registry.unregister("tts-gpu0")
        await it.fleet.look()
        assert [worker.name for worker in it.fleet.departed] == ["tts-gpu0"]
        it.submit("alice", 0)
        await it.settled(1)
        ((_, sent),) = it.told
        assert isinstance(sent, Sent)
        assert sent.queues == {
            (0, "stt", None): "stt.gpu0",
            (0, "translation", "es"): "translation.gpu0",
            (0, "tts", "es"): "tts.gpu0",
        }

    play(settings, scene)


def test_work_that_is_sent_again_takes_one_place_only(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.submit("alice", 0)
        await it.settled(1)
        it.dispatcher.free("alice", [(0, "stt", None)])
        it.submit("alice", 0, attempt=1)
        await it.settled(2)
        it.dispatcher.free("alice", [(0, "stt", None)])
        it.submit("bob", 0)
        await it.settled(3)

    play(settings, scene)


def test_before_a_worker_gets_it_the_speech_and_the_decision_stand_in_redis(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.journal.open(["alice"], 60)
        it.writer.append("alice", Decision("cut", "alice", number=0))
        it.submit("alice", 0)
        await it.settled(1)
        assert it.client.xlen("journal:alice") == 1
        assert it.client.get("audio:alice:0:0") == b"\1\0" * 100
        message: Any = it.client.lindex("stt.gpu0", 0)
        assert b"\\u0001" not in message and "audio:alice:0:0" in str(_body(message))

    play(settings, scene)


def test_an_attempt_that_replaces_another_says_so_before_it_is_sent(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.sessions.keep({"alice": 0}, 60)
        it.submit("alice", 0, attempt=2)
        await it.settled(1)
        assert it.client.hget("live:alice", "0.0/stt/") == b"2"

    play(settings, scene)


def test_a_draft_is_sent_behind_what_is_certain_and_only_where_every_queue_has_a_free_slot(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        it.submit("alice", 0, draft=True)
        await it.settled(1)
        assert it.client.llen("stt.gpu0:3") == 1 and it.client.llen("stt.gpu0") == 0
        it.submit("bob", 0, draft=True)
        await it.settled(2)
        assert it.sent == [("alice", 0)]
        it.submit("bob", 0)
        await it.settled(3)
        it.free("alice", 0)
        it.free("bob", 0)
        it.submit("bob", 1, draft=True)
        await it.settled(4)
        assert it.sent == [("alice", 0), ("bob", 0), ("bob", 1)]

    play(settings, scene)


def test_no_draft_is_sent_while_somebody_waits_or_where_nobody_works(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        await it.submit_in_order("alice", 3)
        it.submit("bob", 0, draft=True)
        await it.settled(3)
        assert it.sent == [("alice", 0), ("alice", 1)]
        (refused,) = (what for _, what in it.told if isinstance(what, Unsent))
        assert "free" in refused.reason

    play(settings, scene)


def test_redis_that_is_away_is_told_and_the_room_is_given_back(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
        as_gateway(away, GPUS)
        since = time.monotonic()
        it.submit("alice", 0)
        await it.settled(1)
        assert isinstance(it.told[0][1], Unsent) and "Redis" in it.told[0][1].reason
        assert time.monotonic() - since < 4
        as_gateway(settings, GPUS)
        it.submit("alice", 0)
        await it.settled(2)
        assert it.sent == [("alice", 0)]

    play(settings, scene)


def _body(message: bytes) -> Any:
    return json.loads(base64.b64decode(json.loads(message)["body"]))


@pytest.mark.parametrize(
    ("advice", "stage", "told"),
    [(("context",), "stt", ["hi"]), (("terms",), "stt", []), ((), "stt", []), (("context",), "tts", [])],
)
def test_what_was_said_before_travels_only_to_an_engine_that_makes_use_of_it(
    advice: tuple[str, ...], stage: Stage, told: list[str], settings: Settings
) -> None:
    async def scene(it: Scene) -> None:
        it.submit("alice", 0, stage=stage, context=("hi",))
        await it.settled(1)
        assert it.work(f"{stage}.gpu0")["context"] == told

    play(settings, scene, advice=advice)

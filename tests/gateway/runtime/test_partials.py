"""Looks at speech that goes on, on a real Redis: sent where a slot is free at this moment, else left out."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bridge.settings import Settings
from bridge.types import Decision, Stage, Target, Work
from gateway.core.effects import Submit
from gateway.core.inputs import Skipped
from gateway.runtime.partials import Partials
from tests.gateway.runtime.dispatching import Scene, play
from tests.gateway.runtime.test_flights import Change

pytestmark = pytest.mark.redis

PCM = b"\1\0" * 1_600


class Looks:
    """What looks at speech were sent, and which were left out."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.skipped: list[tuple[str, Skipped]] = []
        self.partials = Partials(scene.sessions, scene.writer, scene.dispatcher)

    def look(self, session: str, stage: Stage = "stt", index: int = 1_600) -> None:
        target = None if stage == "stt" else "es"
        work = Work(session, 0, session, partial=True, index=index, source="en", target=target, text="go")
        work = work.but(deadline=self.scene.fleet.now() + 2)
        targets = (Target("es"),) if target else ()
        submit = Submit(work, stage, targets, True, 2.0, PCM if stage == "stt" else b"", "partial")
        self.partials.submit(submit, lambda what: self.skipped.append((session, what)))

    def waiting(self, queue: str) -> int:
        length: Any = self.scene.client.llen(f"{queue}:6")
        return int(length)

    async def settled(self, queue: str, waiting: int, skipped: int) -> None:
        """Waits for so many, and a moment more for one too many."""
        end = time.monotonic() + 5
        while (self.waiting(queue), len(self.skipped)) != (waiting, skipped):
            assert time.monotonic() < end, (self.waiting(queue), self.skipped)
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)
        assert (self.waiting(queue), len(self.skipped)) == (waiting, skipped)


def test_a_look_goes_behind_all_that_will_be_heard_with_its_speech_in_redis(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        looks.look("a")
        await looks.settled("stt.gpu0", 1, 0)
        assert it.client.llen("stt.gpu0") == 0
        assert it.client.get("partial:a:0:1600") == PCM
        assert 0 < it.client.pttl("partial:a:0:1600") <= 2_000
        await looks.partials.stop()

    play(settings, scene)


def test_it_is_left_out_where_the_only_slot_is_taken_by_a_final(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        grown = Change(("bridge_partials_total", {"outcome": "coalesced"}))
        looks = Looks(it)
        it.submit("b", 0)
        await it.settled(1)
        looks.look("a")
        await looks.settled("stt.gpu0", 0, 1)
        assert looks.skipped == [("a", Skipped("stt", None))]
        assert grown() == [1]
        it.free("b", 0)
        looks.look("a")
        await looks.settled("stt.gpu0", 1, 1)
        await looks.partials.stop()

    play(settings, scene)


def test_it_is_left_out_where_work_of_other_gateways_waits(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        it.client.lpush("stt.gpu0", "x")
        await it.fleet.look()
        looks.look("a")
        await looks.settled("stt.gpu0", 0, 1)
        await looks.partials.stop()

    play(settings, scene)


def test_of_two_speakers_one_is_looked_at_until_that_look_is_back(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        looks.look("a")
        looks.look("b")
        await looks.settled("stt.gpu0", 1, 1)
        looks.partials.landed("a", "stt", None)
        looks.look("b")
        await looks.settled("stt.gpu0", 2, 1)
        looks.partials.forget("b")
        looks.look("c")
        await looks.settled("stt.gpu0", 3, 1)
        await looks.partials.stop()

    play(settings, scene)


def test_two_slots_take_two_looks_and_a_final_is_sent_beside_them(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        for session in ("a", "b", "c"):
            looks.look(session)
        await looks.settled("stt.gpu0", 2, 1)
        it.submit("d", 0)
        await it.settled(1)
        assert it.client.llen("stt.gpu0") == 1
        await looks.partials.stop()

    play(settings, scene, slots=2)


def test_a_translation_is_sent_to_its_own_stage_alone(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        looks.look("a", "translation")
        await looks.settled("translation.gpu0", 1, 0)
        assert not it.client.keys("partial:*")
        await looks.partials.stop()

    play(settings, scene)


def test_the_beginning_of_a_segment_stands_in_the_journal_before_a_look_at_it_is_sent(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        await it.journal.open(["a"], 60)
        await it.writer.stop()  # nothing is written for now
        it.writer.append("a", Decision("began", "a", 0))
        looks.look("a")
        await looks.settled("stt.gpu0", 0, 0)
        it.writer.start()
        await looks.settled("stt.gpu0", 1, 0)
        await looks.partials.stop()

    play(settings, scene)


def test_where_no_worker_serves_the_stage_it_is_left_out(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        looks = Looks(it)
        looks.look("a")
        await looks.settled("stt.gpu0", 0, 1)
        await looks.partials.stop()

    play(settings, scene, stages=("translation", "tts"))

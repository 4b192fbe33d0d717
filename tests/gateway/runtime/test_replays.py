"""A session that comes back gets what it missed, whatever happens at the same moment."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from bridge.errors import NotKept
from bridge.settings import Settings
from bridge.store.journal import BEGIN, Journal
from bridge.types import Decision, Entry, Target
from gateway.core import effects
from gateway.core.seat import Seat
from gateway.core.terms import Terms
from gateway.core.tuning import Tuning
from gateway.runtime.entered import Entered
from gateway.runtime.hall import Hall
from gateway.runtime.place import Place
from gateway.runtime.replay import Replay, replayed
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import SENTENCE, TERMS, Mouth, Scene, backing, play

pytestmark = pytest.mark.redis

ROOM = "room"


class Overtaken(Journal):
    """Something is written, and read by the relay, while an answer that lacks it is on its way."""

    late: str = BEGIN

    async def history(self, room: str, after: str) -> list[tuple[Entry, int]]:
        page = await super().history(room, after)
        if not page and self.late == BEGIN:
            await self.append([(room, Decision("began", "s", segment=0))])
            self.late = (await super().history(room, after))[-1][0].id
        return page


def test_what_the_relay_read_meanwhile_is_not_missing(settings: Settings) -> None:
    async def run() -> int:
        journal = Overtaken(settings.redis_url, "g")
        await journal.open([ROOM], 60)
        tuning = Tuning("itself", "", 24_000, "s")
        listener, frames = await replayed(journal, ROOM, tuning, 60, lambda: journal.late)
        await journal.close()
        assert listener.seq == 1 + len(frames)
        return len(frames)

    assert asyncio.run(run()) == 1


def seat(terms: Terms = TERMS) -> Seat:
    name = secrets.token_hex(8)
    return Seat(name, name, "alone", terms)


async def spoken(scene: Scene) -> tuple[Entered, Mouth]:
    """A session of which one segment was heard, and whose client is away."""
    mouth = Mouth()
    entered = await scene.halls.enter(seat())
    entered.begin(mouth)
    runner = entered.runner
    runner.audio(SENTENCE)
    await until(lambda: mouth.of(effects.SpeechStopped) != [])
    scene.work(runner, 0)
    await until(lambda: mouth.heard != b"")
    scene.halls.drop(runner)
    return entered, mouth


async def back(scene: Scene, entered: Entered, last: int = 1) -> tuple[Entered, list[int]]:
    """It comes back; and the numbers of what it missed."""
    found = await scene.halls.resume(entered.runner.id, entered.token, Place(last), 0)
    mouth = Mouth()
    found.begin(mouth)
    return found, [effect.seq for effect in mouth.order]


class Slow(Journal):
    """Its answers take a moment."""

    async def history(self, room: str, after: str) -> list[tuple[Entry, int]]:
        await asyncio.sleep(0.02)
        return await super().history(room, after)


def test_who_waits_for_a_reading_that_is_called_off_reads_anew(settings: Settings) -> None:
    async def run() -> None:
        journal = Slow(settings.redis_url, "g")
        await journal.open([ROOM], 60)
        hall, tuning = Hall(ROOM, journal, 60, None), Tuning("itself", "", 24_000, "s")
        first, *others = (asyncio.create_task(hall.replay(tuning)) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        replays: list[Replay] = await asyncio.gather(*others)
        assert first.cancelled()
        assert replays[0] is replays[1]
        hall.forget(tuning, replays[0])
        assert replays[1].users == 1
        await journal.close()

    asyncio.run(run())


def test_one_who_stops_waiting_takes_the_reading_from_nobody(settings: Settings) -> None:
    async def scene(made: Scene) -> None:
        entered, _ = await spoken(made)
        hall, tuning = entered.runner.hall, entered.runner.seat.tuning
        first = asyncio.create_task(hall.replay(tuning))
        second = asyncio.create_task(hall.replay(tuning))
        await asyncio.sleep(0)
        second.cancel()
        replay = await first
        before = len(replay.frames)
        entered.runner.audio(SENTENCE)
        await until(lambda: len(replay.frames) > before)

    play(settings, scene)


def test_a_language_that_is_new_in_a_room_is_not_recorded_for_ever(settings: Settings) -> None:
    async def scene(made: Scene) -> None:
        room = secrets.token_hex(8)
        speaker = Seat(
            secrets.token_hex(8), room, "speaker", Terms("en", (), 24_000, TERMS.cutting), number=1
        )
        (await made.halls.enter(speaker)).begin(Mouth())
        hall = next(iter(made.halls._halls.values()))
        await until(lambda: hall.after != BEGIN)
        terms = Terms(None, (Target("es"),), 24_000, TERMS.cutting)
        listener = await made.halls.enter(Seat(secrets.token_hex(8), room, "listener", terms, number=2))
        listener.begin(Mouth())
        assert listener.runner.seat.tuning in hall.core.listeners
        assert not hall._replays

    play(settings, scene)


def test_two_attempts_at_once_find_the_same_whole_session(settings: Settings) -> None:
    async def run() -> None:
        async with backing(settings) as one, backing(settings) as two:
            entered, mouth = await spoken(one)
            found = await asyncio.gather(back(two, entered), back(two, entered))
            for resumed, numbers in found:
                assert (
                    resumed.runner.samples
                    == one.halls._runners.get(entered.runner.id, resumed.runner).samples
                )
                assert numbers == [each.seq for each in mouth.order]
            assert found[0][0].runner is found[1][0].runner

    asyncio.run(run())


@pytest.mark.parametrize("turns", [1, 3, 6, 10, 15, 25])
def test_an_attempt_that_is_called_off_leaves_the_next_one_its_way(settings: Settings, turns: int) -> None:
    async def run() -> None:
        async with backing(settings) as one, backing(settings) as two:
            entered, mouth = await spoken(one)
            first = asyncio.create_task(back(two, entered))
            for _ in range(turns):
                await asyncio.sleep(0.0005)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            async with asyncio.timeout(2):
                resumed, numbers = await back(two, entered)
            assert numbers == [each.seq for each in mouth.order]
            assert not resumed.runner.stopped

    asyncio.run(run())


def test_a_session_that_ended_a_moment_ago_does_not_come_back(settings: Settings) -> None:
    async def scene(made: Scene) -> None:
        entered, _ = await spoken(made)
        made.halls.close(entered.runner)
        with pytest.raises(NotKept):
            await back(made, entered)

    play(settings, scene)

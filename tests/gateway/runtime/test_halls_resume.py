"""Who is cut off goes on at another gateway: the same frames, the same place, a token that counts once."""

from __future__ import annotations

import asyncio

import pytest

from bridge.errors import NotKept, WrongToken
from bridge.settings import Settings
from bridge.types import Decision, Target
from gateway.core import effects
from gateway.runtime.place import Place
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import CLIP, SENTENCE, SPOKEN, Scene, meet, play

pytestmark = pytest.mark.redis

ROOM = "cccc0000dddd"


def test_a_listener_gets_what_it_missed_at_another_gateway_byte_for_byte(settings: Settings) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        speaker = await one.enter(ROOM, "speaker", 1)
        before = await one.enter(ROOM, "listener", 1_024, "es")
        await one.heard_in(ROOM, "es")
        speaker.runner.audio(SENTENCE)
        await until(lambda: len(one.decided(ROOM, "cut")) == 1)
        # It comes into a language that is heard already, in mid-sentence: its numbers are its own.
        late = await one.enter(ROOM, "listener", 1_025, "es")
        one.work(speaker.runner, 0)
        await until(lambda: late.mouth.of(effects.Done) != [])
        one.halls.drop(late.runner)
        speaker.runner.audio(SENTENCE)
        await until(lambda: len(one.decided(ROOM, "cut")) == 2)
        one.work(speaker.runner, 1)
        await until(lambda: len(before.mouth.of(effects.Done)) == 2)

        again = await two.come_back(late, last_seq=4)
        known = len(late.mouth.order)
        assert again.mouth.order[: known - 3] == late.mouth.order[3:]
        await until(lambda: len(again.mouth.of(effects.Done)) == 2)
        assert [each.seq for each in again.mouth.order] == list(range(5, 5 + len(again.mouth.order)))
        assert again.mouth.heard == SPOKEN * 2
        ahead = before.mouth.order[-1].seq - again.mouth.order[-1].seq
        same = [each for each in before.mouth.order if each.seq > 4 + ahead]
        assert [_unnumbered(each) for each in again.mouth.order] == [_unnumbered(each) for each in same]
        await until(lambda: late.runner.stopped)
        assert late.runner.id not in one.halls._runners

    meet(settings, scene)


def _unnumbered(frame: effects.Say | effects.Play) -> object:
    return (
        frame.what if isinstance(frame, effects.Say) else (frame.segment, frame.offset, frame.pcm, frame.last)
    )


def test_a_room_is_one_whatever_gateways_its_people_are_at(settings: Settings) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        speaker = await one.enter(ROOM, "speaker", 1)
        here, there = await one.enter(ROOM, "listener", 1_024, "es"), await two.enter(ROOM, "both", 2, "es")
        await one.heard_in(ROOM, "es")
        await until(lambda: speaker.runner.hall.core.roster.listeners == {"es": 2})
        await until(lambda: [who.number for who in there.runner.hall.core.roster.speakers] == [1, 2])
        speaker.runner.audio(SENTENCE)
        await until(lambda: len(one.decided(ROOM, "cut")) == 1)
        one.work(speaker.runner, 0)
        for member in (here, there):
            await until(lambda: member.mouth.of(effects.Done) != [])  # noqa: B023
            assert member.mouth.heard == SPOKEN
        assert [_unnumbered(each) for each in here.mouth.order] == [
            _unnumbered(each) for each in there.mouth.order
        ]
        one.halls.close(here.runner)
        await until(lambda: there.runner.hall.core.roster.listeners == {"es": 1})

    meet(settings, scene)


def test_a_speaker_that_another_gateway_takes_over_in_mid_word_is_heard_once(settings: Settings) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        listener = await one.enter(ROOM, "listener", 1_024, "es")
        first = await one.enter(ROOM, "speaker", 1)
        await one.heard_in(ROOM, "es")
        half = len(CLIP) // 2
        first.runner.audio(CLIP[:half])
        await until(lambda: len(one.decided(ROOM, "began")) == 1)

        again = await two.come_back(first, last_seq=1)
        await until(lambda: first.mouth.overtaken and first.runner.stopped)
        stale = Decision("cut", first.runner.id, number=2, targets=(Target("es"),), speaker=1, end=9_999)
        await one.backend.journal.append([(ROOM, stale)])
        whole = CLIP + bytes(32_000)
        again.runner.audio(whole[again.runner.samples * 2 :])
        await until(lambda: len(two.decided(ROOM, "cut")) == 2)
        one.work(again.runner, 0)
        await until(lambda: listener.mouth.of(effects.Done) != [])
        assert len(listener.mouth.of(effects.SpeechStopped)) == 1
        assert len(listener.mouth.of(effects.Translation)) == 1
        (transcript,) = listener.mouth.of(effects.Transcript)
        assert transcript.end_ms > half / 32
        assert listener.mouth.heard == SPOKEN
        assert again.runner.fence == 1 and again.runner.segments_cut == 1

    meet(settings, scene)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_token_counts_until_its_successor_was_used(settings: Settings, confirmed: bool) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        first = await one.enter(ROOM, "listener", 1_024, "es")
        await one.backend.errands.done()
        one.halls.drop(first.runner)
        again = await two.come_back(first, last_seq=1)
        assert again.token not in ("", first.token)
        if confirmed:
            await two.backend.records.confirm(first.runner.id)
            with pytest.raises(WrongToken):
                await one.come_back(first, last_seq=1)
            await one.come_back(again, last_seq=1)
        else:
            await one.come_back(first, last_seq=1)
            with pytest.raises(WrongToken):
                await two.come_back(again, last_seq=1)

    meet(settings, scene)


def test_nobody_comes_back_with_a_token_that_is_not_the_sessions(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        first, other = await it.enter(ROOM, "listener", 1_024, "es"), await it.enter(ROOM, "speaker", 1)
        await it.backend.errands.done()
        with pytest.raises(WrongToken):
            await it.halls.resume(first.runner.id, other.token, Place(1), 0)
        with pytest.raises(NotKept):
            await it.halls.resume("0" * 16, first.token, Place(1), 0)
        assert not first.mouth.overtaken

    play(settings, scene)


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize(("window", "kept"), [(0.0, False), (0.2, False), (60, True)])
def test_a_session_is_kept_as_long_as_the_variable_says(
    settings: Settings, window: float, kept: bool, elsewhere: bool
) -> None:
    """RESUME_WINDOW_S."""

    async def scene(one: Scene, two: Scene) -> None:
        first = await one.enter(ROOM, "listener", 1_024, "es")
        await one.backend.errands.done()
        one.halls.drop(first.runner)
        await asyncio.sleep(0.3)
        assert (first.runner.id in one.halls._runners) == kept
        back = (two if elsewhere else one).come_back(first, last_seq=1)
        if kept:
            assert (await back).runner.id == first.runner.id
        else:
            with pytest.raises(NotKept):
                await back

    meet(settings, scene, resume_window_s=window)


def test_nobody_is_promised_more_time_than_the_journal_holds(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        assert it.halls.window == 7

    play(settings, scene, resume_window_s=60, journal_seconds=7)


def test_a_client_that_comes_back_while_its_first_connection_stands_takes_the_session_over(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        first = await it.enter(ROOM, "listener", 1_024, "es")
        await it.backend.errands.done()
        again = await it.come_back(first, last_seq=1)
        assert first.mouth.overtaken and again.runner is first.runner
        assert not again.mouth.overtaken

    play(settings, scene)

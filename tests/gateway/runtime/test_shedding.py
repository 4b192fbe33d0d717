"""What a dispatcher leaves out: real Redis and queues, engines that were measured."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocol.wire import Close
from bridge.settings import Settings
from bridge.types import Decision, Entry, Event, Target
from gateway.core.capacity import LEAST
from gateway.core.inputs import Sent, Shed, Unsent
from gateway.core.pressure import Level
from gateway.runtime.admission import BUSY_AFTER_MS, speaking
from gateway.runtime.shedding import Shedding
from tests.gateway.runtime.dispatching import DEVICES, Scene, play
from tests.gateway.runtime.test_flights import value

pytestmark = pytest.mark.redis
BUDGET = 10.0


def measured(shedding: Shedding, **seconds: float) -> None:
    """The workers say how long they take."""
    shedding.looked(1.0, [])
    for stage, taken in seconds.items():
        for kind in ("audio", "done") if stage == "tts" else ("text",):
            item = Event(kind, stage, "x", 0, worker=f"{stage}-gpu0", running_ms=taken * 1000)  # type: ignore[arg-type]
            shedding.told(Entry("1-0", item))


def shed(it: Scene) -> list[tuple[str, int, tuple[str, ...] | None]]:
    return [(session, what.segment, what.targets) for session, what in it.told if isinstance(what, Shed)]


def test_a_segment_is_sent_whole_where_there_is_time(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        measured(it.dispatcher.shedding, stt=0.5, translation=0.2, tts=0.2)
        it.submit("alice", 0, budget=BUDGET)
        await it.settled(1)
        ((_, sent),) = it.told
        assert isinstance(sent, Sent) and set(sent.queues.values()) == {
            "stt.gpu0",
            "translation.gpu0",
            "tts.gpu0",
        }
        message = it.work("stt.gpu0")
        assert message["quick"] is False
        # Whoever takes it has to begin for as long before it is due as its first sound takes.
        assert message["due"] == pytest.approx(it.fleet.now() + BUDGET - 0.2, abs=0.5)

    play(settings, scene, budget=BUDGET)


def test_captions_do_not_wait_behind_the_speech_of_others(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        measured(it.dispatcher.shedding, stt=0.01, translation=0.01, tts=3.0)
        for segment in range(6):
            it.submit(f"speaker {segment}", 0, budget=BUDGET)
            it.dispatcher.free(f"speaker {segment}", [(0, "stt", None), (0, "translation", "es")])
        await it.settled(6 + 3)
        assert [targets for _, _, targets in shed(it)] == [("es",)] * 3
        assert it.client.llen("stt.gpu0") == 6

    play(settings, scene, budget=BUDGET)


def test_what_would_come_too_late_is_left_out_at_the_next_look_and_not_queued(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        measured(it.dispatcher.shedding, stt=4.0, translation=0.1, tts=0.1)
        for segment in range(5):
            it.submit("alice", segment, budget=BUDGET if segment < 2 else 0.5)
        await it.settled(2)
        it.dispatcher.looked()
        await it.settled(5)
        assert shed(it) == [("alice", 2, None), ("alice", 3, None), ("alice", 4, None)]
        assert it.client.llen("stt.gpu0") == 2

    play(settings, scene, budget=BUDGET)


def test_a_recording_waits_however_long_it_takes(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        measured(it.dispatcher.shedding, stt=40.0, translation=0.1, tts=0.1)
        for segment in range(4):
            it.submit("file", segment, live=False)
        await it.settled(1)
        it.dispatcher.looked()
        await it.settled(1)
        assert shed(it) == []

    play(settings, scene, budget=BUDGET)


def test_under_pressure_quality_goes_and_drafts_are_not_begun(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        shedding = it.dispatcher.shedding
        measured(shedding, stt=1.0, translation=0.1, tts=0.1)
        for segment in range(5):
            it.submit("alice", segment, budget=BUDGET)
        await it.settled(2)
        it.dispatcher.looked()
        assert shedding.level is Level.QUALITY
        assert value("bridge_pressure_level") == 3
        assert not it.dispatcher.idle("tts.gpu0", 0)
        it.free("alice", 0)
        await it.settled(3)
        assert [it.work("stt.gpu0", at)["quick"] for at in range(3)] == [True, False, False]
        it.dispatcher.forget("alice")
        it.submit("bob", 0, budget=BUDGET, draft=True)
        await it.settled(4)
        assert isinstance(it.told[-1][1], Unsent)

    play(settings, scene, budget=BUDGET)


def test_what_others_have_sent_to_the_same_workers_counts(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.client.rpush("stt.gpu0", *["theirs"] * 30)
        await it.fleet.look()
        measured(it.dispatcher.shedding, stt=1.0, translation=0.1, tts=0.1)
        it.submit("alice", 0, budget=BUDGET)
        await it.settled(1)
        assert shed(it) == [("alice", 0, None)]

    play(settings, scene, budget=BUDGET)


def test_without_shedding_all_is_queued(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        measured(it.dispatcher.shedding, stt=40.0, translation=0.1, tts=0.1)
        for segment in range(4):
            it.submit("alice", segment)
        await it.settled(2)
        it.dispatcher.looked()
        await it.settled(2)
        assert it.dispatcher.shedding.level is Level.NOTHING
        with speaking(it.dispatcher.shedding):
            pass

    play(settings, scene)


# --- who may come in ---


def spoken(shedding: Shedding, sessions: int, every: float) -> None:
    """So many speak, each a segment in so many seconds."""
    names = [str(number) for number in range(sessions)]
    for name in names:
        shedding.joined(name)
    now, seconds = 1.0, 2 * LEAST
    while (now := now + every) < seconds:
        shedding.looked(now, [])
        for name in names:
            cut = Decision("cut", name, targets=(Target("es"),))
            shedding.told(Entry("1-0", cut))


def test_one_who_speaks_is_refused_where_those_who_do_fill_the_engines(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        shedding = it.dispatcher.shedding
        measured(shedding, stt=1.0, translation=0.1, tts=0.1)
        spoken(shedding, 3, every=4.0)
        with pytest.raises(ProtocolError, match="busy") as caught, speaking(shedding):
            pytest.fail("it was let in")
        assert (caught.value.code, caught.value.close_code) == ("overloaded", Close.OVERLOADED)
        assert caught.value.retry_after_ms == BUSY_AFTER_MS
        it.dispatcher.forget("0")
        with speaking(shedding), pytest.raises(ProtocolError), speaking(shedding):  # one comes in already
            pytest.fail("it was let in")

    play(settings, scene, budget=BUDGET)


def test_those_who_speak_at_other_gateways_count_and_recordings_do_not(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        shedding = it.dispatcher.shedding
        measured(shedding, stt=1.0, translation=0.1, tts=0.1)
        spoken(shedding, 2, every=4.0)
        with speaking(shedding):
            pass
        shedding.others = 1
        with pytest.raises(ProtocolError), speaking(shedding):
            pytest.fail("it was let in")
        it.submit("1", 0, live=False)
        await it.settled(1)
        with speaking(shedding):
            pass

    play(settings, scene, budget=BUDGET)


def test_a_slow_device_beside_a_fast_one_makes_room_for_as_much_as_it_does(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        shedding = it.dispatcher.shedding
        measured(shedding, stt=1.0, translation=0.1, tts=0.1)
        item = Event("text", "stt", "x", 0, worker="stt-gpu1", running_ms=4_000)
        shedding.told(Entry("1-0", item))
        spoken(shedding, 3, every=4.0)  # both together do 1.25 a second
        with speaking(shedding), pytest.raises(ProtocolError), speaking(shedding):
            pytest.fail("it was let in")

    play(settings, scene, *DEVICES, budget=BUDGET)

"""Paced speech and the rest that leaves: captions do not wait for it, and a slow connection loses none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf

import pytest

from bridge.settings import Settings
from gateway.core.effects import Play
from gateway.runtime.metronome import Metronome
from gateway.runtime.outbox import Outbox
from gateway.runtime.pacer import Pacer
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import Scene, play
from tests.gateway.runtime.test_flights import Change

RATE = 8_000
FRAME_BYTES = 320
FRAME_MS = 10


class Client:
    """The far end of the socket: keeps what was sent, and when."""

    def __init__(self, metronome: Metronome, reads: bool = True) -> None:
        self.frames: list[str | bytes] = []
        self.times: list[float] = []
        self.reads = reads
        self.relieved = 0
        self.outbox = Outbox(self._send, lambda: self.reads)
        self.pacer: Pacer = self.outbox.pace(RATE, metronome, lambda sound: sound.pcm, self._relief)

    def say(self, ms: int, segment: int = 0) -> None:
        """So much speech comes, whole."""
        now = time.monotonic()
        pcm = bytes([segment]) * (RATE * ms // 1000 * 2)
        self.pacer.add("es", Play(2, segment, 0, 0, pcm, language="es", lane="es"), now)
        self.pacer.add("es", Play(3, segment, 0, len(pcm) // 2, b"", True, "es", "es"), now)

    @property
    def heard(self) -> bytes:
        return b"".join(frame for frame in self.frames if isinstance(frame, bytes))

    def _send(self, frame: str | bytes) -> None:
        assert self.reads
        self.frames.append(frame)
        self.times.append(time.monotonic())

    def _relief(self) -> None:
        self.relieved += 1


def played(scene: Callable[[Metronome], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(Metronome(FRAME_MS))

    asyncio.run(run())


def test_speech_takes_as_long_to_leave_as_to_hear_and_a_caption_does_not_wait_for_it() -> None:
    async def scene(metronome: Metronome) -> None:
        client = Client(metronome)
        began = time.monotonic()
        client.say(300)
        client.outbox.say("caption")
        client.outbox.answer("pong")
        assert client.frames[-2:] == ["caption", "pong"]
        client.outbox.conclude("ended")
        await client.outbox.drained(0.1)  # longer than it takes to hear it
        assert client.frames[-1] == "ended"
        assert len(client.heard) == RATE * 300 // 1000 * 2
        assert 0.25 < time.monotonic() - began < 1.0

    played(scene)


def test_one_timer_serves_all_and_none_runs_while_nothing_waits() -> None:
    async def scene(metronome: Metronome) -> None:
        clients = [Client(metronome) for _ in range(20)]
        for client in clients:
            client.say(100)
        loop = asyncio.get_running_loop()
        timers = [each for each in loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
        assert len(timers) == 1
        for client in clients:
            await client.outbox.drained(1)
        await until(lambda: metronome.idle)
        assert {len(client.heard) for client in clients} == {RATE * 100 // 1000 * 2}

    played(scene)


def test_one_client_that_fails_stops_nobody_else() -> None:
    async def scene(metronome: Metronome) -> None:
        bad, good = Client(metronome), Client(metronome)
        bad.say(100)
        good.say(100)
        bad.outbox.pacer, bad.pacer._send = None, lambda frame: 1 / 0  # type: ignore[assignment]
        await good.outbox.drained(1)
        assert len(good.heard) == RATE * 100 // 1000 * 2

    played(scene)


def test_a_pause_holds_what_has_not_left_and_a_stop_drops_it() -> None:
    async def scene(metronome: Metronome) -> None:
        client = Client(metronome)
        client.say(500)
        client.pacer.hold(True, time.monotonic())
        held = len(client.frames)
        await asyncio.sleep(0.05)
        assert len(client.frames) == held
        client.pacer.hold(False, time.monotonic())
        assert len(client.frames) > held
        client.outbox.purge(inf)
        assert client.outbox.pacer is not None and client.outbox.pacer.empty
        await client.outbox.drained(0)

    played(scene)


def test_a_connection_that_takes_no_more_goes_on_with_the_same_sample() -> None:
    async def scene(metronome: Metronome) -> None:
        client = Client(metronome, reads=False)
        client.say(100)
        assert client.frames == []
        await asyncio.sleep(0.05)
        client.reads = True
        client.outbox.flush()
        await client.outbox.drained(1)
        assert len(client.heard) == RATE * 100 // 1000 * 2

    played(scene)


def test_a_session_waits_while_eighty_seconds_are_to_be_heard_and_hears_when_it_may_go_on() -> None:
    async def scene(metronome: Metronome) -> None:
        client = Client(metronome)
        client.say(81_000)
        assert client.outbox.full
        client.outbox.purge(inf)
        assert not client.outbox.full
        assert client.relieved == 1

    played(scene)


def test_nothing_is_sent_to_a_client_that_has_left() -> None:
    async def scene(metronome: Metronome) -> None:
        client = Client(metronome)
        client.say(500)
        client.outbox.drop()
        sent = len(client.frames)
        await client.outbox.drained(5)
        await until(lambda: metronome.idle)
        assert len(client.frames) == sent

    played(scene)


@pytest.mark.parametrize("when", [0.0, 0.0049, 0.005, 12.3456])
def test_the_metronome_never_wakes_early_and_at_whole_steps(when: float) -> None:
    async def scene(metronome: Metronome) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + min(when, 0.01)
        woken: list[float] = []
        metronome.at(due, woken.append)
        await until(lambda: woken != [])
        assert woken[0] >= due - 1e-5
        steps = woken[0] / (FRAME_MS / 4000)
        assert abs(steps - round(steps)) < 1e-6

    played(scene)


def test_the_metronome_tells_once_for_all_that_is_due_together_how_late_the_last_was_done() -> None:
    late: list[float] = []

    async def run() -> None:
        metronome = Metronome(FRAME_MS, late.append)
        due = asyncio.get_running_loop().time() + 0.01
        for _ in range(3):
            metronome.at(due, lambda now: time.sleep(0.01))
        await until(lambda: metronome.idle)

    asyncio.run(run())
    (once,) = late
    assert 0.03 <= once < 0.5


def test_what_was_due_earlier_is_later_where_the_loop_was_held_up() -> None:
    late: list[float] = []

    async def run() -> None:
        metronome = Metronome(FRAME_MS, late.append)
        now = asyncio.get_running_loop().time()
        for ms in (10, 20):
            metronome.at(now + ms / 1000, lambda now: None)
        asyncio.get_running_loop().call_soon(time.sleep, 0.04)
        await until(lambda: metronome.idle)

    asyncio.run(run())
    assert late[0] - late[1] == pytest.approx(0.01, abs=0.002)


@pytest.mark.redis
@pytest.mark.parametrize("metrics", [True, False])
def test_frames_are_timed_where_somebody_wants_to_know(settings: Settings, metrics: bool) -> None:
    """METRICS."""

    async def scene(it: Scene) -> None:
        grown = Change(("bridge_frame_jitter_seconds_count", {}))
        client = Client(it.backend.metronome)
        client.say(100)
        await client.outbox.drained(1)
        assert (grown()[0] > 0) is metrics

    play(settings, scene, metrics=metrics)

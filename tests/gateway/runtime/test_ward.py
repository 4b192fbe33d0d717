"""Our own speech in a microphone is found beside the event loop, and only for those who can send it back."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.core import effects, inputs
from gateway.core.effects import Obeyed, Play, Say
from gateway.core.heard import Heard
from gateway.runtime.runner import Runner
from gateway.runtime.vad import WINDOW_BYTES
from gateway.runtime.ward import Ward
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import CLIP, TERMS, Scene, play
from tests.gateway.runtime.test_flights import Change

SECONDS = 1.0
FRAME = SPEECH_RATE // 50 * SAMPLE_BYTES
SPEECH = CLIP[SPEECH_RATE * SAMPLE_BYTES // 3 :]


async def listened(ward: Ward, probability: float = 0.9, windows: int = 1) -> tuple[tuple[Heard, ...], bool]:
    """What is told of windows, and whether that was at once."""
    told: asyncio.Future[tuple[Heard, ...]] = asyncio.get_running_loop().create_future()
    pcm = (SPEECH * 2)[: windows * WINDOW_BYTES]
    ward.listen(pcm, (probability,) * windows, told.set_result)
    at_once = told.done()
    return await told, at_once


def warded(closely: bool = True) -> tuple[Ward, ThreadPoolExecutor]:
    beside = ThreadPoolExecutor(1)
    return Ward(beside, lambda: closely), beside


def test_where_nothing_is_played_nothing_is_looked_at() -> None:
    async def scene() -> None:
        ward, _ = warded()
        assert await listened(ward) == ((), True)

    asyncio.run(scene())


def test_while_something_is_played_another_thread_looks() -> None:
    async def scene() -> None:
        ward, beside = warded()
        ward.tell(Play(2, 0, 0, 0, bytes(48_000)), 24_000)
        heard, at_once = await listened(ward)
        assert heard and not at_once
        thread = beside.submit(threading.get_ident).result()
        assert thread != threading.get_ident()

    asyncio.run(scene())


def test_what_was_stopped_is_looked_for_no_more_once_its_echo_is_over() -> None:
    async def scene() -> None:
        ward, _ = warded()
        ward.tell(Play(2, 0, 0, 0, bytes(480_000)), 24_000)
        ward.tell(Say(3, Obeyed("stopped", 1)), 24_000)
        ward._guard._until -= 10  # seconds later
        assert await listened(ward) == ((), True)

    asyncio.run(scene())


def test_speech_is_held_until_the_last_of_two_pauses_is_over() -> None:
    async def scene() -> None:
        ward, _ = warded()
        ward.tell(Play(2, 0, 0, 0, bytes(480_000)), 24_000)
        for kind, reason in (("paused", ""), ("paused", "barge_in"), ("resumed", "barge_in")):
            ward.tell(Say(3, Obeyed(kind, 1, reason)), 24_000)  # type: ignore[arg-type]
        assert ward._guard._left is not None
        ward.tell(Say(4, Obeyed("resumed", 2)), 24_000)
        assert ward._guard._left is None

    asyncio.run(scene())


def test_a_fault_of_the_program_makes_speech_of_what_was_heard() -> None:
    async def scene() -> None:
        ward, _ = warded()
        ward.tell(Play(2, 0, 0, 0, b"\0"), 24_000)  # half a sample
        with capture_logs() as lines:
            heard, _ = await listened(ward)
        assert heard == ()
        assert [line["log_level"] for line in lines] == ["error"]

    asyncio.run(scene())


async def echoed(it: Scene) -> list[str]:
    """Speech is heard by a session whose microphone hears it too; the codes of what failed."""
    runner, mouth = await it.session(replace(TERMS, rate=16_000))
    played = SPEECH[: round(SECONDS * SPEECH_RATE) * SAMPLE_BYTES]
    runner.hear(Play(2, 0, 0, 0, played))
    for at in range(0, len(played), FRAME):
        runner.audio(played[at : at + FRAME])
        await asyncio.sleep(0.02)
    runner.ordered(inputs.Commit())
    await until(lambda: mouth.of(effects.Done) != [] or it.client.llen("stt.cpu0") == 1)
    return [failed.code for failed in mouth.of(effects.Failed)]


@pytest.mark.redis
@pytest.mark.parametrize(("guard", "codes"), [(True, ["echo"]), (False, [])])
def test_speech_that_comes_back_is_left_out_where_the_variable_says_so(
    settings: Settings, guard: bool, codes: list[str]
) -> None:
    async def scene(it: Scene) -> None:
        grown = Change(("bridge_echoes_total", {}))
        assert await echoed(it) == codes
        assert grown() == [len(codes)]

    play(settings, scene, echo_guard=guard)


@pytest.mark.redis
def test_only_who_speaks_and_hears_is_guarded(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        def guarded(runner: Runner) -> bool:
            return runner._ward is not None

        lone, _ = await it.session()
        both = await it.enter("r", "both", 1, "es")
        speaker = await it.enter("r", "speaker", 2)
        listener = await it.enter("r", "listener", 3, "es")
        members = (both.runner, speaker.runner, listener.runner)
        assert [guarded(each) for each in (lone, *members)] == [True, True, False, False]

    play(settings, scene)

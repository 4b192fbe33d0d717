"""The thread that judges for all sessions, with the real model."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from structlog.testing import capture_logs

from gateway.runtime.vad import BATCH, WINDOW_BYTES, Judge, Model, Stream
from tests.gateway.runtime.sound import (
    CLIPS,
    clip,
    probabilities,
    windows,
)


class Counting(Model):
    """The real one, and how many windows each of its runs judged."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []
        self.judged: list[list[Stream]] = []
        self.failing = 0
        self.gate = threading.Event()
        self.gate.set()

    def judge(self, streams: Sequence[Stream], windows: Sequence[bytes]) -> list[float]:
        self.gate.wait(5)
        self.runs.append(len(streams))
        self.judged.append(list(streams))
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the network failed")
        return super().judge(streams, windows)


class Answers:
    """What the judge found, by the name of the session, and at which run."""

    def __init__(self, judge: Judge, model: Counting) -> None:
        self.judge = judge
        self.model = model
        self.found: dict[str, tuple[float, ...]] = {}
        self.at: dict[str, int] = {}

    def ask(self, name: str, audio: bytes, stream: Stream | None = None) -> None:
        def done(found: tuple[float, ...]) -> None:
            self.found[name] = found
            self.at[name] = len(self.model.runs)

        self.judge.submit(stream or self.judge.stream(), audio, done)

    async def all(self, number: int) -> None:
        end = time.monotonic() + 10
        while len(self.found) < number:
            assert time.monotonic() < end
            await asyncio.sleep(0.002)


def judged(scene: Callable[[Answers], Awaitable[None]]) -> None:
    async def run() -> None:
        model = Counting()
        judge = Judge(model)
        try:
            await scene(Answers(judge, model))
        finally:
            model.gate.set()
            judge.close()

    asyncio.run(run())


def test_each_session_gets_its_own_probabilities_in_order(model: Model) -> None:
    async def scene(it: Answers) -> None:
        for name in CLIPS:
            it.ask(name, b"".join(windows(clip(name))))
        await it.all(len(CLIPS))
        for name in CLIPS:
            assert np.abs(np.array(it.found[name]) - np.array(probabilities(model, clip(name)))).max() < 1e-4

    judged(scene)


def test_a_stream_goes_on_where_its_last_request_ended(model: Model) -> None:
    async def scene(it: Answers) -> None:
        audio, stream = windows(clip("sense_0880")), it.judge.stream()
        it.ask("first", b"".join(audio[:7]), stream)
        await it.all(1)
        it.ask("second", b"".join(audio[7:40]), stream)
        await it.all(2)
        whole = np.array(probabilities(model, clip("sense_0880"))[:40])
        assert np.abs(np.array(it.found["first"] + it.found["second"]) - whole).max() < 1e-4

    judged(scene)


def test_what_waits_is_judged_together_in_batches_of_a_bounded_size() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(BATCH + 40):
            it.ask(str(number), bytes(WINDOW_BYTES))
        it.model.gate.set()
        await it.all(BATCH + 40)
        assert max(it.model.runs) <= BATCH
        assert sum(it.model.runs) == BATCH + 40
        assert len(it.model.runs) <= 4

    judged(scene)


def test_a_session_with_many_windows_does_not_delay_the_single_one_of_another() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(3):
            it.ask(f"file{number}", bytes(WINDOW_BYTES * 200))
        speaker = it.judge.stream()
        it.ask("speaker", bytes(WINDOW_BYTES), speaker)
        it.model.gate.set()
        await it.all(4)
        assert next(at for at, streams in enumerate(it.model.judged) if speaker in streams) <= 2
        assert len(it.found["file0"]) == 200

    judged(scene)


def test_with_more_sessions_than_a_batch_holds_everyone_has_his_turn() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(BATCH):
            it.ask(f"file{number}", bytes(WINDOW_BYTES * 20))
        for number in range(10):
            it.ask(f"speaker{number}", bytes(WINDOW_BYTES))
        it.model.gate.set()
        await it.all(BATCH + 10)
        speakers = [it.at[name] for name in it.at if name.startswith("speaker")]
        files = [it.at[name] for name in it.at if name.startswith("file")]
        assert max(speakers) < min(files)

    judged(scene)


def test_an_error_of_the_network_counts_as_silence_and_the_next_window_is_judged() -> None:
    async def scene(it: Answers) -> None:
        it.model.failing = 1
        loud = windows(clip("go_forward"))[30]
        with capture_logs() as logs:
            it.ask("unlucky", loud)
            await it.all(1)
        assert it.found["unlucky"] == (0.0,)
        assert [line["log_level"] for line in logs] == ["error"]
        it.ask("next", loud)
        await it.all(2)
        assert it.found["next"][0] > 0

    judged(scene)


def test_the_thread_ends_with_its_gateway() -> None:
    async def scene(it: Answers) -> None:
        it.ask("one", bytes(WINDOW_BYTES))
        await it.all(1)

    judged(scene)
    assert not any(thread.name == "vad" and thread.is_alive() for thread in threading.enumerate())

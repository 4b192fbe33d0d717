"""Speech without a pause for an hour, as the real judge hears it, on simulated engines in simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from bridge.media import decode
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Event
from gateway.core import effects, inputs
from gateway.core.effects import Effect, Say, Submit
from gateway.core.glimpse import Show
from gateway.core.quiet import WINDOW
from gateway.runtime.vad import Model
from tests.gateway.core.bench import NOW, decisions
from tests.gateway.core.world import Task, Worker, World
from tests.gateway.events import SESSION
from tests.stack import REPOSITORY

CLAUSE_MS = 4_000
STEP = 16
"""Windows that are judged at a time, as in the gateway: half a second."""
LOOK_SECONDS = 0.1
WORD_MS = 300


@cache
def talk() -> tuple[bytes, tuple[float, ...]]:
    """Human speech whose silent windows are left out, and the probability of each window."""
    stream, pcm, found = Model().stream(), bytearray(), list[float]()
    for clip in sorted((REPOSITORY / "tests" / "data" / "speech").glob("sense_*.wav")):
        sound = b"".join(decode(clip))
        for at in range(0, len(sound) - WINDOW * SAMPLE_BYTES, WINDOW * SAMPLE_BYTES):
            window = sound[at : at + WINDOW * SAMPLE_BYTES]
            if (probability := stream.feed(window)) > 0.5:
                pcm += window
                found.append(probability)
    return bytes(pcm), tuple(found)


class Hour(World):
    """Somebody who never stops; one engine of each stage, which looks at the words in between."""

    def __init__(self, partials: bool) -> None:
        self.lags: list[tuple[float, float]] = []
        self.cuts: dict[int, float] = {}
        self.looks = 0
        super().__init__("es", devices=1, partials=partials, clause_ms=CLAUSE_MS)
        self.record: Any = deque(maxlen=0)
        self.windows = 0

    def speak(self, seconds: float) -> None:
        """Says so much, as fast as it is spoken."""
        pcm, probabilities = talk()
        size = len(probabilities)

        def step() -> None:
            at = self.windows % size
            count = min(STEP, size - at)
            self.windows += count
            part = pcm[at * WINDOW * SAMPLE_BYTES : (at + count) * WINDOW * SAMPLE_BYTES]
            self.give(inputs.Arrived(self.windows * WINDOW))
            self.give(inputs.Windows(part, probabilities[at : at + count]))
            if self.windows * WINDOW < seconds * SPEECH_RATE:
                self.later(count * WINDOW / SPEECH_RATE, step)
            else:
                self.give(inputs.End())

        self.later(0.0, step)

    def do(self, found: Sequence[Effect]) -> list[Effect]:
        """Notes when each segment is heard first, from when it began to be spoken."""
        for decision in decisions(found, "cut"):
            self.cuts[decision.segment] = NOW + decision.start / SPEECH_RATE
        for effect in found:
            if isinstance(effect, Say) and isinstance(effect.what, effects.SpeechBegins):
                self.lags.append((self.now - NOW, self.now - self.cuts[effect.what.segment]))
        asked = [each for each in found if isinstance(each, Submit) and each.urgency == "partial"]
        for submit in asked:
            self._look_at(submit)
        return super().do([each for each in found if each not in asked and not isinstance(each, Show)])

    def _look_at(self, submit: Submit) -> None:
        worker = next(each for each in self.workers if each.stage == submit.stage)
        if worker.task is not None or worker.waiting:
            self.later(0.0, lambda: self._told(inputs.Skipped(submit.stage, submit.work.target)))
            return
        self.looks += submit.stage == "stt"
        worker.task = Task(submit.work, submit.stage, (), {})
        self.later(LOOK_SECONDS, lambda: self._seen(worker, submit))

    def _seen(self, worker: Worker, submit: Submit) -> None:
        work, worker.task = submit.work, None
        words = [f"word{n}{',' if n % 6 == 5 else ''}" for n in range(work.index // (WORD_MS * 16))]
        marks = list[int]()
        for n, word in enumerate(words):
            marks += ((marks[-2] + 1 if marks else 0) + len(word), (n + 1) * WORD_MS)
        event = Event(
            "partial", submit.stage, SESSION, work.segment, target=work.target, index=work.index,
            text=" ".join(words), language=work.target or "en", marks=tuple(marks),
        )  # fmt: skip
        self._write(event)
        self._take(worker)


def lags(seconds: int, *, partials: bool) -> tuple[float, float]:
    """The longest lags of the first and of the last minute, from a segment's first word to the first of its
    translation."""
    world = Hour(partials)
    world.speak(seconds)
    world.run(seconds + 100)
    assert world.ended
    first = max(lag for at, lag in world.lags if at < 60)
    last = max(lag for at, lag in world.lags if at > seconds - 60)
    print(f"first minute {first:.2f} s, last {last:.2f} s, {len(world.lags)} segments, {world.looks} looks")
    assert max(lag for _, lag in world.lags) < CLAUSE_MS * 1.5 / 1000 + 2
    assert len(world.lags) == len(world.cuts)
    return first, last


@pytest.mark.slow
@pytest.mark.parametrize("partials", [False, True])
def test_after_an_hour_without_a_pause_the_interpreter_is_no_further_behind_than_after_a_minute(
    partials: bool,
) -> None:
    first, last = lags(3_600, partials=partials)
    assert last <= first + 0.5


def test_after_five_minutes_without_a_pause_the_interpreter_is_a_few_seconds_behind() -> None:
    first, last = lags(300, partials=True)
    assert last <= first + 0.5

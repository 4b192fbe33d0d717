"""What all that is compared shares: who speaks when, what counts as heard, what is printed.

Standard library only, since each peer has an environment of its own. Prints JSON lines: `heard` for each
answer (ms from the true end of speech to its first audible sample), and in the end `cost`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

RATE = 16_000
ANSWER_RATE = 24_000
ANSWER_SECONDS = 0.5
FRAME_SECONDS = 0.02
FRAME_BYTES = int(RATE * FRAME_SECONDS) * 2
NEW_SECONDS = 0.3
"""Sound after so much without any is a new answer."""
CONNECT_SECONDS = 4.0
TEXT = "Simulated words."


@dataclass(frozen=True, slots=True)
class Plan:
    """`sessions` say `speech` (16 kHz, 16 bit) again and again; `voiced` s of it are voice, the rest silence.

    `engines` are the seconds of stt, translation and tts, `endpoint` is the silence that ends a turn.
    """

    sessions: int
    utterances: int
    engines: tuple[float, float, float]
    endpoint: float
    speech: bytes
    voiced: float
    speculate: bool
    seed: int

    @property
    def seconds(self) -> float:
        """Length of an utterance with the silence behind it."""
        return len(self.speech) / 2 / RATE

    def offsets(self) -> list[float]:
        """When each session begins, the same for everybody with this seed."""
        random = Random(self.seed)
        return [random.uniform(0, self.seconds) for _ in range(self.sessions)]


def answer() -> bytes:
    """A tone, as every tts says it, audible from its second sample."""
    count = int(ANSWER_RATE * ANSWER_SECONDS)
    return array("h", [int(6_000 * math.sin(at * 0.115)) for at in range(count)]).tobytes()


class Speaker:
    """One session: speaks by the clock, whatever the other side does, and notes when it hears an answer."""

    def __init__(self, plan: Plan, begins: float) -> None:
        self.plan = plan
        self.begins = begins
        self.heard: dict[int, float] = {}
        self.again = 0
        self._last = float("-inf")

    async def frames(self) -> AsyncIterator[bytes]:
        """Frames of 20 ms, each when its last sample has been spoken."""
        whole = self.plan.speech
        per = len(whole) // FRAME_BYTES
        for turn in range(per * self.plan.utterances):
            await asyncio.sleep(max(0.0, self.begins + (turn + 1) * FRAME_SECONDS - time.monotonic()))
            at = turn % per * FRAME_BYTES
            yield whole[at : at + FRAME_BYTES]

    def hear(self, pcm: bytes, now: float) -> None:
        """Notes sound that arrived `now`, by time.monotonic(); silence is no answer."""
        if not any(pcm):
            return
        new, self._last = now - self._last > NEW_SECONDS, now
        if not new:
            return
        since = now - self.begins - self.plan.voiced
        turn = math.floor(since / self.plan.seconds)
        if turn < 0 or turn in self.heard or turn >= self.plan.utterances:
            self.again += 1
        else:
            self.heard[turn] = (since - turn * self.plan.seconds) * 1000

    @property
    def ends(self) -> float:
        """When its last utterance is over, by time.monotonic()."""
        return self.begins + self.plan.utterances * self.plan.seconds


Session = Callable[[Speaker], Coroutine[Any, Any, None]]


async def talk(plan: Plan, session: Session) -> None:
    """Runs `session` for each speaker until the last has said all, then prints what was heard.

    Sessions have 4 s to connect before the first one speaks. The first utterance of each does not count.
    """
    first = time.monotonic() + CONNECT_SECONDS
    speakers = [Speaker(plan, first + offset) for offset in plan.offsets()]
    tasks = [asyncio.create_task(session(speaker)) for speaker in speakers]
    await asyncio.sleep(first - time.monotonic())
    say("begun")
    before = time.process_time()
    last = max(speaker.ends for speaker in speakers)
    over, _ = await asyncio.wait(tasks, timeout=last - time.monotonic(), return_when=asyncio.FIRST_EXCEPTION)
    for task in over:
        task.result()
    await asyncio.sleep(max(0.0, last - time.monotonic()))
    cpu = time.process_time() - before
    report(speakers, cpu)


def report(speakers: Sequence[Speaker], cpu_seconds: float) -> None:
    """Prints what each heard, and what it cost."""
    for number, speaker in enumerate(speakers):
        for turn, ms in sorted(speaker.heard.items()):
            if turn:
                say("heard", session=number, utterance=turn, ms=round(ms, 2))
    plan = speakers[0].plan
    due = len(speakers) * (plan.utterances - 1)
    came = sum(len(speaker.heard.keys() - {0}) for speaker in speakers)
    again = sum(speaker.again for speaker in speakers)
    say("cost", cpu_seconds=round(cpu_seconds, 3), missing=due - came, again=again)


def say(kind: str, **values: Any) -> None:
    """Prints one line."""
    sys.stdout.write(json.dumps({"kind": kind, **values}) + "\n")
    sys.stdout.flush()


def parser(about: str) -> argparse.ArgumentParser:
    """The options that all scripts have."""
    made = argparse.ArgumentParser(description=about.partition("\n")[0])
    made.add_argument("--speech", type=Path, required=True, help="an utterance, raw, 16 kHz, 16 bit")
    made.add_argument("--voiced-ms", type=float, required=True, help="place of its last voiced sample")
    made.add_argument("--sessions", type=int, default=1)
    made.add_argument("--utterances", type=int, default=4, help="of each; the first does not count")
    made.add_argument("--engines-ms", default="120,60,80", help="of stt, translation, tts")
    made.add_argument("--endpoint-ms", type=float, default=500.0)
    made.add_argument("--speculate", action="store_true", help="work before the end of the turn is certain")
    made.add_argument("--seed", type=int, default=0)
    return made


def planned(given: argparse.Namespace) -> Plan:
    """The plan that the options say."""
    stt, translation, tts = (float(ms) / 1000 for ms in given.engines_ms.split(","))
    return Plan(
        sessions=given.sessions,
        utterances=given.utterances,
        engines=(stt, translation, tts),
        endpoint=given.endpoint_ms / 1000,
        speech=given.speech.read_bytes(),
        voiced=given.voiced_ms / 1000,
        speculate=given.speculate,
        seed=given.seed,
    )

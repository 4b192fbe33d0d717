"""Sessions that speak at once, from a process of their own: neither stack nor benchmark pays for them.

    python -m bridge.cli.bench.load URL --sessions 64 --utterances 20

Prints JSON lines: `session` (its number and id), `speaking` once all speak, `cycle` after each utterance's
time, `quiet` when the first stops, `segment` for each segment (fields of ear.Account), `closed` with
the close code of each session, `rhythm` with what it heard where it hears at the rate of hearing (fields of
rhythm.Rhythm), and at the end `cost`: frames sent and CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from bridge.cli.bench.ear import Account
from bridge.cli.bench.microphone import FRAME_BYTES, FRAME_SECONDS, Microphone, alone, packed
from bridge.cli.bench.rhythm import Rhythm
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.media import decode
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

TARGET = "es"
RATE = 24_000
"""Hz of the speech that is heard at the rate of hearing."""
GAP_SECONDS = 1.2
"""Silence after each utterance, at least: longer than endpoint and engines, so that segments do not meet."""
PHASES = 10
"""Microphones are not in step: sessions take turns every 2 ms, a tenth of them each time."""
CONNECT_SECONDS = 15.0
LAST_SECONDS = 60.0
"""Time after the last word for all of it to be heard."""


def utterance() -> bytes:
    """Real speech and silence, in whole frames of 20 ms."""
    pcm = b"".join(decode(CLIP)) + bytes(int(GAP_SECONDS * SPEECH_RATE) * SAMPLE_BYTES)
    return pcm + bytes(-len(pcm) % FRAME_BYTES)


UTTERANCE_MS = len(utterance()) / SAMPLE_BYTES * 1000 / SPEECH_RATE


def say(kind: str, **values: Any) -> None:
    """Prints one line."""
    line = json.dumps({"kind": kind, "at": time.monotonic(), **values}, separators=(",", ":"))
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def heard(account: Account) -> None:
    say("segment", **account.message())


class Load:
    """The sessions. `utterances` is how many each says; 0: until standard input ends. With `frame_ms` they
    hear in frames of that length, at the rate of hearing."""

    def __init__(self, url: str, sessions: int, utterances: int, speed: int, frame_ms: int = 0) -> None:
        self._url = url
        self._frames = packed(utterance())
        self._total = utterances * len(self._frames) or None
        self._speed = speed
        self._frame_ms = frame_ms
        self._count = sessions
        self._microphones: list[Microphone] = []
        self._began = 0.0
        self._first: list[int] = []

    async def run(self) -> None:
        """Connects all, has them speak, and waits for what is still to be heard."""
        for number in range(self._count):
            await self._connect(number)
        # What lives now lives to the end: looking through it again and again would delay frames.
        gc.freeze()
        gc.disable()
        before = time.process_time()
        self._began = time.monotonic() + 0.1
        self._first = [int(number * len(self._frames) / self._count) for number in range(self._count)]
        for number, microphone in enumerate(self._microphones):
            turns = self._first[number] + (number % PHASES) / PHASES
            microphone.begin(self._began + (turns - 1) * FRAME_SECONDS)
        tasks = [asyncio.create_task(work) for work in (self._speak(), self._mark())]
        if self._total is None:
            await asyncio.to_thread(sys.stdin.read)
            self._finish()
        await self._until_closed()
        for task in tasks:
            task.cancel()
        self._conclude()
        frames = sum(microphone.sent for microphone in self._microphones)
        say("cost", frames=frames, cpu_seconds=time.process_time() - before)

    async def _connect(self, number: int) -> None:
        parts = urlsplit(self._url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        paced = {"rate": RATE, "pacing": "realtime"} if self._frame_ms else {}
        microphone = Microphone(
            self._url,
            alone(CLIP_LANGUAGE, TARGET, **paced),
            self._frames,
            self._total,
            speed=self._speed,
            on_done=heard,
            rhythm=Rhythm(RATE, self._frame_ms) if self._frame_ms else None,
        )
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: microphone, host, port)
        session = await asyncio.wait_for(microphone.ready, CONNECT_SECONDS)
        self._microphones.append(microphone)
        say("session", number=number, session=session, refusal=microphone.refusal)

    async def _speak(self) -> None:
        """A turn every 2 ms, each for a tenth of the sessions; a late turn is made up for at once."""
        pairs = list(zip(self._first, self._microphones, strict=True))
        groups = [group for phase in range(PHASES) if (group := pairs[phase::PHASES])]
        turn = 0
        while True:
            for phase, group in enumerate(groups):
                due = self._began + (turn + phase / PHASES) * FRAME_SECONDS
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                elif phase == 0:
                    await asyncio.sleep(0)
                now = time.monotonic()
                for first, microphone in group:
                    if turn >= first:
                        microphone.turn(now)
            turn += 1

    async def _mark(self) -> None:
        """Tells from when to when all sessions speak, and each time an utterance is over."""
        await asyncio.sleep(self._began + self._first[-1] * FRAME_SECONDS - time.monotonic())
        say("speaking")
        end = self._began + self._total * FRAME_SECONDS if self._total else float("inf")
        due = time.monotonic()
        while (due := due + UTTERANCE_MS / 1000) < end:
            await asyncio.sleep(due - time.monotonic())
            say("cycle")
        await asyncio.sleep(end - time.monotonic())
        say("quiet")

    def _finish(self) -> None:
        """Has each session end the utterance that it is saying."""
        length = len(self._frames)
        for microphone in self._microphones:
            microphone.last = -(-microphone.sent // length) * length

    async def _until_closed(self) -> None:
        """Waits until all connections are closed, those that end nothing more to say for a minute at most."""
        while True:
            open_ones = [each for each in self._microphones if not each.closed.done()]
            if not open_ones:
                return
            patience = LAST_SECONDS if all(each.ended for each in open_ones) else 1.0
            closed, _ = await asyncio.wait(
                [each.closed for each in open_ones], timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            if not closed and patience == LAST_SECONDS:
                return

    def _conclude(self) -> None:
        for number, microphone in enumerate(self._microphones):
            if microphone.ear is not None:
                for account in microphone.ear.accounts.values():
                    if not account.done:
                        heard(account)
            code = microphone.closed.result() if microphone.closed.done() else None
            utterances = microphone.sent // len(self._frames)
            say("closed", number=number, code=code, utterances=utterances, refusal=microphone.refusal)
            if microphone.rhythm is not None:
                say("rhythm", **microphone.rhythm.message())
            microphone.hang_up()


def main() -> None:
    """Reads the command line and runs the load."""
    parser = argparse.ArgumentParser(prog="python -m bridge.cli.bench.load")
    parser.add_argument("url")
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--utterances", type=int, default=0, help="of each session; 0: until stdin ends")
    parser.add_argument("--speed", type=int, default=1, help="times faster than speech")
    parser.add_argument("--frame-ms", type=int, default=0, help="hear at the rate of hearing, in such frames")
    given = parser.parse_args()
    load = Load(given.url, given.sessions, given.utterances, given.speed, given.frame_ms)
    asyncio.run(load.run())


if __name__ == "__main__":
    main()

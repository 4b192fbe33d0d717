"""A speaker and many listeners in one room, from a process of their own.

    python -m bridge.cli.bench.audience URL --room ID --speak SECRET --listen SECRET --listeners 100

Prints JSON lines: `seated` once all are there (`refused` of them are not), `speaking`, `quiet`, and then
`segment` for each segment: its text, when its speech ended, its place in the audio, and what each listener
heard of it ([language, first_at, samples, again, skipped, ends]); at the end `closed` with the close codes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from bridge.cli.bench.ear import Account
from bridge.cli.bench.listener import Heard, Listener
from bridge.cli.bench.load import CONNECT_SECONDS, LAST_SECONDS, say, utterance
from bridge.cli.bench.microphone import FRAME_SECONDS, Microphone, packed
from bridge.cli.probe import CLIP_LANGUAGE
from bridge.protocol import wire

AT_ONCE = 16
"""Listeners that connect at the same time."""
SETTLE_SECONDS = 2.0
"""Between the last to come and the first word: who is there is told to all once a second."""
NOBODY = Heard()


class Audience:
    """The people of one room."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._url: str = given.url
        self._given = given
        parts = urlsplit(self._url)
        self._address = parts.hostname or "127.0.0.1", parts.port or 80
        self._listeners: list[Listener] = []
        self._frames = packed(utterance())

    async def run(self) -> None:
        """Seats all, has one speak to them, and tells what they heard."""
        await self._seat()
        speaker = await self._speaker()
        refused = [each for each in self._listeners if not each.ready.result()]
        say("seated", refused=len(refused), refusal=next((each.refusal for each in refused), speaker.refusal))
        # What lives now lives to the end: looking through it again and again would delay frames.
        gc.freeze()
        gc.disable()
        await asyncio.sleep(SETTLE_SECONDS)
        say("speaking")
        await self._speak(speaker)
        say("quiet")
        await self._leave()
        self._tell(speaker)

    def _start(self, secret: str, role: str) -> dict[str, Any]:
        return {
            "type": "session.start",
            "protocol": wire.PROTOCOL,
            "room": self._given.room,
            "secret": secret,
            "role": role,
        }

    async def _seat(self) -> None:
        languages = self._given.languages.split(",")
        places = asyncio.Semaphore(AT_ONCE)
        loop = asyncio.get_running_loop()

        async def one(number: int) -> None:
            language = languages[number % len(languages)]
            start = self._start(self._given.listen, "listener") | {"targets": [{"language": language}]}
            listener = Listener(self._url, start, language)
            self._listeners.append(listener)
            async with places:
                await loop.create_connection(lambda: listener, *self._address)
                await asyncio.wait_for(listener.ready, CONNECT_SECONDS)

        await asyncio.gather(*(one(number) for number in range(self._given.listeners)))

    async def _speaker(self) -> Microphone:
        start = self._start(self._given.speak, "speaker") | {"source": {"language": CLIP_LANGUAGE}}
        total = self._given.utterances * len(self._frames)
        speaker = Microphone(self._url, start, self._frames, total, on_done=lambda account: None)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: speaker, *self._address)
        await asyncio.wait_for(speaker.ready, CONNECT_SECONDS)
        return speaker

    async def _speak(self, speaker: Microphone) -> None:
        began = time.monotonic()
        speaker.begin(began)
        for turn in range(1, self._given.utterances * len(self._frames) + 2):
            await asyncio.sleep(began + turn * FRAME_SECONDS - time.monotonic())
            speaker.turn(time.monotonic())
        await asyncio.wait([speaker.closed], timeout=LAST_SECONDS)

    async def _leave(self) -> None:
        for each in self._listeners:
            each.leave()
        if self._listeners:
            await asyncio.wait([each.closed for each in self._listeners], timeout=LAST_SECONDS)

    def _tell(self, speaker: Microphone) -> None:
        accounts = speaker.ear.accounts.values() if speaker.ear else ()
        for account in accounts:
            say("segment", **self._heard(account))
        codes = [each.closed.result() if each.closed.done() else None for each in self._listeners]
        say(
            "closed",
            codes=Counter("none" if code is None else str(code) for code in codes),
            speaker=speaker.closed.result() if speaker.closed.done() else None,
        )
        for each in self._listeners:
            each.hang_up()
        speaker.hang_up()

    def _heard(self, account: Account) -> dict[str, Any]:
        rows = []
        for each in self._listeners:
            heard = each.heard.get(account.segment, NOBODY)
            numbers = [heard.samples, heard.again, heard.skipped, heard.ends]
            rows.append([each.language, round(heard.first_at, 6), *numbers])
        return {
            "segment": account.segment,
            "text": account.text,
            "said_at": account.said_at,
            "end_ms": account.end_ms,
            "failed": account.failed,
            "heard": rows,
        }


def main() -> None:
    """Reads the command line and runs the audience."""
    parser = argparse.ArgumentParser(prog="python -m bridge.cli.bench.audience")
    parser.add_argument("url")
    for name in ("room", "speak", "listen", "languages"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--listeners", type=int, default=1)
    parser.add_argument("--utterances", type=int, default=1)
    asyncio.run(Audience(parser.parse_args()).run())


if __name__ == "__main__":
    main()

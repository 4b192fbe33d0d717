"""Human speech that does not stop, through the whole system: words while it goes on, clause by clause."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tests.e2e.talk import START, Peer, speech, talk
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.provider]

FRAME = 640
SPEED = 1.25
"""Times faster than it was spoken, which the gateway takes for live and a busy machine can follow."""


async def speak(peer: Peer, pcm: bytes) -> float:
    """Says it frame by frame, and ends; returns when the last frame left."""
    since = time.monotonic()
    for number, at in enumerate(range(0, len(pcm), FRAME)):
        await peer.say(pcm[at : at + FRAME])
        await asyncio.sleep(max(0.0, since + number * 0.02 / SPEED - time.monotonic()))
    ended = time.monotonic()
    await peer.say({"type": "session.end"})
    return ended


async def told(peer: Peer) -> list[tuple[float, dict[str, Any]]]:
    """All that is said until the end, and when."""
    found: list[tuple[float, dict[str, Any]]] = []
    async with asyncio.timeout(60):
        while not found or found[-1][1]["type"] != "session.ended":
            if isinstance(data := await peer.socket.recv(), str):
                found.append((time.monotonic(), json.loads(data)))
    return found


LONG = b"".join(speech(f"sense_{clip}.wav")[:-6_400] for clip in ("0870", "0880", "0930"))
"""13 s, the pauses between the three sentences cut short."""


@pytest.mark.slow
def test_a_long_sentence_is_read_while_it_is_spoken_and_heard_before_it_ends(embedded: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START | {"features": ["partials"]})
        started = await peer.hears("session.started")
        assert started["config"]["features"] == ["partials"]
        ended, found = await asyncio.gather(speak(peer, LONG), told(peer))

        assert not [message for _, message in found if message["type"] == "warning"]
        partials = [message for _, message in found if message["type"] == "transcript.partial"]
        translations = [message for _, message in found if message["type"] == "translation.partial"]
        assert partials and translations
        assert all(message["text"] for message in partials)
        for rows in (partials, translations):
            for segment in {row["segment"] for row in rows}:
                steady([row for row in rows if row["segment"] == segment])
        finals = [(at, message) for at, message in found if message["type"] == "transcript.final"]
        assert len(finals) >= 2
        first_sound = next(at for at, message in found if message["type"] == "audio.start")
        assert max(finals[0][0], first_sound) < ended
        ends = {message["segment"]: message["end_ms"] for _, message in finals}
        print(f"segments end at {ends} ms; {len(partials)} + {len(translations)} partials")

    talk(embedded, conversation)


def steady(rows: list[dict[str, Any]]) -> None:
    """What is stable never changes."""
    kept = ""
    for row in rows:
        assert row["text"].startswith(kept)
        kept = row["text"][: row["stable"]]

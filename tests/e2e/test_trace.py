"""Where the time of a segment went, told by `speechbridge trace` from what real workers and clients say."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.runtime.flights import WRITE_SECONDS
from tests.e2e.talk import START, Peer, speech, talk
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.provider]

FRAME = SPEECH_RATE // 50 * SAMPLE_BYTES


def traced(stack: Stack, *arguments: str) -> str:
    """What `speechbridge trace` prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "bridge.cli", "trace", *arguments],
        env=os.environ | stack.environment | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def spoken(peer: Peer) -> tuple[str, dict[str, Any]]:
    """A clip at the pace of a speaker, whose translation is heard as soon as it comes."""
    await peer.say(START)
    session = (await peer.hears("session.started"))["session_id"]
    pcm = speech() + bytes(SPEECH_RATE * SAMPLE_BYTES)
    began = asyncio.get_running_loop().time()
    for number, at in enumerate(range(0, len(pcm), FRAME)):
        await asyncio.sleep(began + number * 0.02 - asyncio.get_running_loop().time())
        await peer.say(pcm[at : at + FRAME])
    begins = await peer.hears("audio.start")
    await peer.hears("audio.end")  # the sound is there: nothing can be played before
    await peer.say({"type": "playback.mark", "segment": begins["segment"], "played_ms": 1})
    done = await peer.hears("segment.done")
    await peer.say({"type": "session.end"})
    await peer.hears("session.ended")
    await asyncio.sleep(2 * WRITE_SECONDS)
    return session, done["timings_ms"]


def test_the_parts_of_a_segment_add_up_to_what_its_listener_waited(embedded: Stack) -> None:
    session, timings = talk(embedded, spoken)
    (record,) = map(json.loads, traced(embedded, session, "--json").splitlines())
    heard = record["heard"]["es"]

    # 5 ms: the entries of the journal are stamped in whole ones, and hosts know its clock about so well.
    assert abs(sum(part["ms"] for part in heard["parts"]) - heard["left_ms"]) <= 5
    assert abs(heard["left_ms"] - timings["first_audio"]) <= 50  # from the journal to the socket
    assert heard["left_ms"] < heard["played_ms"]
    assert record["outcome"] == "heard"
    names = [part["name"] for part in heard["parts"]]
    assert [name for name in names if name in ("stt", "translation", "tts")] == ["stt", "translation", "tts"]

    tree = traced(embedded, session[:6])
    assert "├─ stt (" in tree
    assert f"Total: {heard['left_ms']:.1f} ms" in tree
    assert "adelante" not in tree and "forward" not in tree

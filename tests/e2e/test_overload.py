"""More is said than the engines can do: late speech is left out with notice, all else is heard in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import server_messages, wire
from tests.stack import SIMULATED, running

pytestmark = pytest.mark.e2e

SPEECH = Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav"
SEGMENTS = 8
SECONDS = 0.1
"""Between two segments: two engines that take ENGINE_MS cannot keep up."""
ENGINE_MS = 700
LATENESS_MS = 1_400
BUSY_MS = 500
"""What a busy machine may need from the worker to the ear; without bounds it would be seconds."""


async def said(url: str) -> list[server_messages.ServerMessage]:
    """Everything that comes of segments in quick succession, each ended by a commit."""
    seen: list[server_messages.ServerMessage] = []
    async with Client(url, "en", ["es"]) as client, asyncio.timeout(60):

        async def speak() -> None:
            pcm = b"".join(decode(SPEECH))
            for _ in range(SEGMENTS):
                await client.send_audio(pcm)
                await client.commit()
                await asyncio.sleep(SECONDS)
            await client.end()

        speaking = asyncio.create_task(speak())
        async for message in client:
            if not isinstance(message, wire.AudioFrame):
                seen.append(message)
        await speaking
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("short", ["tts", "stt"])
def test_what_would_come_too_late_is_left_out_with_notice(tmp_path: Path, short: str) -> None:
    times = {f"SIMULATED_{stage.upper()}_MS": "20" for stage in ("stt", "translation", "tts")}
    times |= {f"SIMULATED_{short.upper()}_MS": str(ENGINE_MS), "SIMULATED_QUICK_PERCENT": "100"}
    chosen = SIMULATED | times | {"LATENESS_MS": str(LATENESS_MS), "DRAFTS": "false"}
    with running(tmp_path, **chosen) as stack:
        asyncio.run(said(stack.url))  # measures the engines
        seen = asyncio.run(said(stack.url))
    done = [message for message in seen if isinstance(message, server_messages.SegmentDone)]
    failed = [message for message in seen if isinstance(message, server_messages.SegmentFailed)]
    heard = [message for message in seen if isinstance(message, server_messages.AudioEnd)]
    words = [message for message in seen if isinstance(message, server_messages.TranslationFinal)]
    warned = [message for message in seen if isinstance(message, server_messages.Warning)]

    assert len(done) == SEGMENTS
    assert {message.code for message in failed} == {"too_late"}
    assert heard and len(heard) + len({message.segment for message in failed}) == SEGMENTS
    assert all(
        each.timings_ms.first_audio < LATENESS_MS + ENGINE_MS + BUSY_MS
        for each in done
        if each.timings_ms.first_audio
    )
    if short == "tts":
        assert len(words) == SEGMENTS
        assert [message.code for message in warned] == ["captions_only"]
    else:
        assert "late" in [message.code for message in warned]

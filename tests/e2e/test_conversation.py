"""Two people at one device, through real workers: each is heard in the other one's language."""

from __future__ import annotations

import asyncio

import pytest

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import server_messages, wire
from tests.stack import REPOSITORY, Stack

pytestmark = pytest.mark.e2e

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
SEGMENTS = 3
"""As many as SIMULATED_STT_LANGUAGES of the stack names: English, Spanish, and then doubtful English."""


async def converse(url: str) -> list[server_messages.ServerMessage | wire.AudioFrame]:
    """Says one segment after the other, each when the one before was understood."""
    seen: list[server_messages.ServerMessage | wire.AudioFrame] = []
    async with Client(url, "auto", ["es", "en"], among=["en", "es"]) as client, asyncio.timeout(20):

        async def say() -> None:
            await client.send_audio(CLIP)
            await client.commit()

        await say()
        async for message in client:
            seen.append(message)
            if isinstance(message, server_messages.TranscriptFinal):
                await (say() if message.segment < SEGMENTS - 1 else client.end())
        assert client.started.config.source is not None
        assert client.started.config.source.among == ("en", "es")
    return seen


def test_each_of_two_people_is_heard_in_the_other_ones_language(simulated: Stack) -> None:
    seen = asyncio.run(converse(simulated.url))
    spoken = [m.language for m in seen if isinstance(m, server_messages.TranscriptFinal)]
    read = {m.segment: m.target for m in seen if isinstance(m, server_messages.TranslationFinal)}
    audible = {m.segment: m.target for m in seen if isinstance(m, server_messages.AudioStart)}
    over = [m.segment for m in seen if isinstance(m, server_messages.SegmentDone)]

    assert spoken == ["en", "es", "es"]
    assert read == audible == {0: "es", 1: "en", 2: "en"}
    assert sum(isinstance(m, server_messages.TranslationFinal) for m in seen) == SEGMENTS
    assert sorted(over) == [0, 1, 2]
    assert not any(isinstance(m, server_messages.SegmentFailed) for m in seen)

"""Connections that are reset in the midst of speech, through the whole system: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.client import Client, Result, translate
from bridge.client.collector import Collector
from bridge.media import decode
from tests.proxy import Proxy
from tests.stack import Stack

pytestmark = pytest.mark.e2e

CLIPS = Path(__file__).parent.parent / "data" / "speech"
PAUSE = bytes(32_000)
FRAME = 640


def spoken() -> bytes:
    """Two sentences with pauses."""
    clips = (b"".join(decode(CLIPS / f"{name}.wav")) for name in ("go_forward", "go_somewhere"))
    return b"".join(clip + PAUSE for clip in clips)


def heard(result: Result) -> list[tuple[str, float, float, str, bytes]]:
    """Words, places and speech of each segment, numbers apart."""
    return [
        (
            each.text,
            each.start_ms,
            each.end_ms,
            each.translations["es"].text,
            bytes(each.translations["es"].pcm),
        )
        for each in result.segments.values()
        if each.text
    ]


def frames(audio: bytes) -> Iterator[bytes]:
    for at in range(0, len(audio), FRAME):
        yield audio[at : at + FRAME]


async def torn(url: str, audio: bytes, places: list[int]) -> tuple[Result, int]:
    """Speaks over connections each of which is reset when so many bytes of the server went over it."""
    async with Proxy(url) as network:
        network.tear_when = lambda passed: bool(places) and passed > places[0] and bool(places.pop(0))
        return await translate(network.url, frames(audio), "en", ["es"]), network.accepted


def test_connections_reset_in_mid_speech_change_nothing_of_what_is_heard(simulated: Stack) -> None:
    audio = spoken()
    undisturbed = asyncio.run(translate(simulated.url, frames(audio), "en", ["es"]))
    expected = heard(undisturbed)
    assert len(expected) == 2
    places = [1_100, 1_500, 3_000, 9_000, 20_000]
    result, connections = asyncio.run(torn(simulated.url, audio, places))
    assert heard(result) == expected
    assert result.misplaced == 0
    assert [notice.code for notice in result.notices] == []
    assert not places
    assert connections >= 6


def test_speaker_who_is_torn_off_while_speaking_loses_no_word(simulated: Stack) -> None:
    audio = spoken()
    expected = heard(asyncio.run(translate(simulated.url, frames(audio), "en", ["es"])))

    async def speak() -> Result:
        async with Proxy(simulated.url) as network:

            async def live() -> AsyncIterator[bytes]:
                for number, frame in enumerate(frames(audio)):
                    if number % 40 == 25:
                        network.tear()
                    if number % 10 == 0:
                        await asyncio.sleep(0.01)
                    yield frame

            return await translate(network.url, live(), "en", ["es"])

    result = asyncio.run(speak())
    assert heard(result) == expected
    assert result.misplaced == 0


def test_speech_at_the_rate_of_hearing_goes_on_with_the_next_sample(simulated: Stack) -> None:
    audio = b"".join(decode(CLIPS / "go_forward.wav"))
    expected = heard(asyncio.run(translate(simulated.url, frames(audio), "en", ["es", "ca"])))

    async def listen() -> Result:
        async with Proxy(simulated.url) as network:
            places = [9_000, 14_000, 20_000]
            network.tear_when = lambda passed: bool(places) and passed > places[0] and bool(places.pop(0))
            client = Client(network.url, "en", ["es", "ca"], pacing="realtime")
            async with client, asyncio.timeout(20):
                collector = Collector(client.started)
                await client.send_audio(audio)
                await client.end()
                async for message in client:
                    collector.take(message, 0.0)
            assert not places
            return collector.result

    result = asyncio.run(listen())
    assert heard(result) == expected
    assert result.misplaced == 0
    assert all(each.translations["ca"].pcm for each in result.segments.values() if each.text)

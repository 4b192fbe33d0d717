"""Pause, resume and stop of what is spoken to one listener."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import client_messages, server_messages, wire
from bridge.types import SPEECH_RATE
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.e2e

CLIP = Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav"
PAUSES = re.compile(r"PAUSE received, latency: \d+\.\d ms")
Said = server_messages.ServerMessage | wire.AudioFrame


class Listener:
    """A client that remembers all it heard."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.said: list[Said] = []
        self._coming = aiter(client)

    async def until(self, kind: type, times: int = 1) -> list[Said]:
        """What came up to the n-th message of that kind."""
        since = len(self.said)
        while sum(isinstance(message, kind) for message in self.said[since:]) < times:
            self.said.append(await anext(self._coming))
        return self.said[since:]

    async def speak(self, times: int = 1) -> None:
        for _ in range(times):
            await self.client.send_audio(b"".join(decode(CLIP)))
            await self.client.commit()


def spoken(said: list[Said]) -> list[int]:
    return sorted({message.segment for message in said if isinstance(message, wire.AudioFrame)})


@pytest.mark.serial
def test_a_pause_holds_speech_but_no_captions_and_is_answered_at_once(simulated: Stack) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "en", ["es"]) as client, asyncio.timeout(30):
            listener = Listener(client)
            await client.send(client_messages.PlaybackPause())
            (paused,) = await listener.until(server_messages.PlaybackPaused)
            assert isinstance(paused, server_messages.PlaybackPaused)
            assert paused.latency_ms < 20
            await listener.speak(2)
            held = await listener.until(server_messages.TranslationFinal, 2)
            assert spoken(held) == []
            await client.send(client_messages.PlaybackResume())
            heard = await listener.until(server_messages.SegmentDone, 2)
            assert spoken(heard) == [0, 1]

    asyncio.run(scenario())


def test_a_long_pause_neither_stops_captions_nor_makes_the_server_deaf(simulated: Stack) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "en", ["es"]) as client, asyncio.timeout(60):
            listener = Listener(client)
            await client.send(client_messages.PlaybackPause())
            # More than SESSION_MAX_SEGMENTS: nothing but resume would ever make room.
            many = client.started.limits.max_segments + 3
            await asyncio.gather(listener.speak(many), listener.until(server_messages.TranslationFinal, many))
            await client.send(client_messages.Ping())
            await listener.until(server_messages.Pong)
            await client.send(client_messages.PlaybackResume())
            assert spoken(await listener.until(server_messages.SegmentDone, many)) == list(range(many))

    asyncio.run(scenario())


def test_what_is_stopped_is_never_heard_and_what_follows_is(simulated: Stack) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "en", ["es"]) as client, asyncio.timeout(30):
            listener = Listener(client)
            await listener.speak(1)
            await listener.until(server_messages.TranscriptFinal)
            await client.send(client_messages.PlaybackStop())
            await listener.until(server_messages.PlaybackStopped)
            await listener.speak(1)
            await client.end()
            await listener.until(server_messages.SessionEnded)
            assert spoken(listener.said) == [1]
            assert sum(isinstance(message, server_messages.SegmentDone) for message in listener.said) == 2

    asyncio.run(scenario())


def test_a_session_that_ends_in_a_pause_is_spoken_to_its_end(simulated: Stack) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "en", ["es"]) as client, asyncio.timeout(30):
            listener = Listener(client)
            await client.send(client_messages.PlaybackPause())
            await listener.speak(1)
            await client.end()
            assert spoken(await listener.until(server_messages.SessionEnded)) == [0]

    asyncio.run(scenario())


@pytest.mark.serial
def test_own_speech_holds_back_what_is_spoken_to_it_and_the_worker_that_speaks_says_so(
    simulated: Stack,
) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "en", ["es"]) as client, asyncio.timeout(30):
            listener = Listener(client)
            await client.send(client_messages.SessionUpdate(barge_in="pause"))
            pcm = b"".join(decode(CLIP))
            # A sentence, a second of silence, and the beginning of the next one, which goes on for a second.
            await client.send_audio(pcm + bytes(2 * SPEECH_RATE) + pcm[: 4 * SPEECH_RATE])
            said = await listener.until(server_messages.SegmentDone)
            (caption,) = [it for it in said if isinstance(it, server_messages.TranslationFinal)]
            (begins,) = [it for it in said if isinstance(it, server_messages.AudioStart)]
            assert begins.t_ms - caption.t_ms > 400  # tts takes 80
            kinds = (server_messages.PlaybackPaused, server_messages.PlaybackResumed)
            acknowledged = [it for it in listener.said if isinstance(it, kinds)]
            assert {it.reason for it in acknowledged} == {"barge_in"}
            assert all(it.latency_ms < 50 for it in acknowledged)

    before = len(PAUSES.findall(simulated.output()))
    asyncio.run(scenario())
    wait_until(lambda: len(PAUSES.findall(simulated.output())) > before, 2, "the worker says so")


def test_who_listens_in_the_language_that_is_spoken_hears_the_words_as_they_are(simulated: Stack) -> None:
    async def scenario() -> None:
        async with Client(simulated.url, "auto", ["en", "es"]) as client, asyncio.timeout(30):
            listener = Listener(client)
            await listener.speak()
            said = await listener.until(server_messages.SegmentDone)
            (heard,) = [message for message in said if isinstance(message, server_messages.TranscriptFinal)]
            captions = {
                message.target: message.text
                for message in said
                if isinstance(message, server_messages.TranslationFinal)
            }
            assert captions == {"en": heard.text, "es": f"[es] {heard.text}"}
            assert {message.target for message in said if isinstance(message, server_messages.AudioEnd)} == {
                "en",
                "es",
            }

    asyncio.run(scenario())

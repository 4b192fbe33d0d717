"""The first sentence is heard before the rest is translated, all of them once, whichever worker is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from bridge.client import Client
from bridge.protocol import server_messages, wire
from bridge.store.registry import Registry
from tests.e2e.talk import speech
from tests.stack import SIMULATED, Stack, running, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TRANSLATION_MS, TTS_MS = 600, 300
SENTENCES = 3
MORE = ("stt", "translation", "tts", "tts")
"""A second worker of each stage to take over, and a third one that speaks."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    times = {"SIMULATED_TRANSLATION_MS": str(TRANSLATION_MS), "SIMULATED_TTS_MS": str(TTS_MS)}
    sentences = {"SIMULATED_STT_SENTENCES": str(SENTENCES)}
    with running(tmp_path_factory.mktemp("heads"), **SIMULATED, **times, **sentences) as stack:
        for replica, stage in enumerate(MORE, 1):
            stack.start("worker", f"{stage}-cpu0", "--replica", str(replica))
        registry = Registry(stack.redis.url)
        wait_until(lambda: len(registry.workers()) == 3 + len(MORE), 30, "all workers are there")
        registry.close()
        yield stack


async def heard(url: str) -> list[tuple[float, server_messages.ServerMessage | wire.AudioFrame]]:
    """All that comes of one segment, with its time."""
    async with Client(url, "en", ["es"]) as client, asyncio.timeout(60):
        await client.send_audio(speech())
        await client.commit()
        await client.end()
        return [(time.monotonic(), message) async for message in client]


def kill(system: Stack, item: str) -> None:
    """Ends the worker that runs work whose name ends so, as soon as it does."""
    registry = Registry(system.redis.url)

    def holder() -> int | None:
        for worker in registry.workers():
            raw = registry.client.hget("running", worker.name)
            assert raw is None or isinstance(raw, bytes)
            if any(name.endswith(item) for name in json.loads(raw or b"[]")):
                return worker.pid
        return None

    wait_until(lambda: holder() is not None, 20, f"a worker runs {item}")
    pid = holder()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    registry.close()


def test_the_first_sentence_is_heard_before_the_rest_is_translated(system: Stack) -> None:
    seen = asyncio.run(heard(system.url))
    (words,) = [at for at, message in seen if isinstance(message, server_messages.TranscriptFinal)]
    (caption,) = [at for at, message in seen if isinstance(message, server_messages.TranslationFinal)]
    sound = next(at for at, message in seen if isinstance(message, wire.AudioFrame))

    assert sound - words < (2 * TRANSLATION_MS + TTS_MS) / 1000
    assert caption - words > SENTENCES * TRANSLATION_MS / 1000


@pytest.mark.parametrize("item", ["/stt//0", "/translation/es/0", "/tts/es/0", "/tts/es/0.1"])
def test_all_sentences_are_heard_once_whichever_worker_is_killed(system: Stack, item: str) -> None:
    async def both() -> list[tuple[float, server_messages.ServerMessage | wire.AudioFrame]]:
        seen, _ = await asyncio.gather(heard(system.url), asyncio.to_thread(kill, system, item))
        return seen

    told = [message for _, message in asyncio.run(both())]
    frames = [message for message in told if isinstance(message, wire.AudioFrame)]

    assert not [message for message in told if isinstance(message, server_messages.SegmentFailed)]
    for kind in (server_messages.TranscriptFinal, server_messages.TranslationFinal):
        assert len([message for message in told if isinstance(message, kind)]) == 1
    offset = 0
    for frame in frames:
        assert frame.offset == offset
        offset += len(frame.pcm) // 2
    # Each is a second of sound, which comes all at once: none is cut off in its midst.
    assert offset == SENTENCES * 24_000

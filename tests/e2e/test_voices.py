"""Speech whose worker is killed in the middle of it, in a voice that repeats itself and in one with noise."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.client import Client
from bridge.protocol import server_messages, wire
from bridge.providers import load
from bridge.store.registry import Registry
from tests.bridge.providers.tts import humming
from tests.e2e.test_order import pcm, running_items, topology
from tests.stack import WORKERS, Stack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.provider]

RATE = 16_000
STEADY, NOISY = "es", "ca"
SENTENCES = 4
HERTZ_PER_ID, MS_PER_ID = 4, 10
BLOCK = RATE // 25
APART = 20
"""Hz between two tones: a sentence has ten phoneme ids more than the one before."""


WORDS = [" ".join(["la"] * (2 * number + 2)).capitalize() + "." for number in range(SENTENCES)]
"""What is said is translated into these, each longer and higher than the one before."""


@pytest.fixture
def models(tmp_path: Path) -> str:
    """The two voices; a sentence takes a third of a second to be made."""
    paths = []
    for code, noise in ((STEADY, 0.0), (NOISY, 0.2)):
        graph = {"rising": HERTZ_PER_ID, "effort": 45, "random": noise > 0}
        inference = {"noise_scale": noise, "length_scale": 1, "noise_w": 0.8}
        path = tmp_path / f"{code}_{code.upper()}-hum-low.onnx"
        paths.append(humming.make(path, rate=RATE, graph=graph, inference=inference))
    return ",".join(map(str, paths))


@pytest.fixture
def voices(stack: Callable[..., Stack], tmp_path: Path, models: str) -> Stack:
    """A running system with three tts workers."""
    for language in (STEADY, NOISY):
        (tmp_path / f"en-{language}.tsv").write_text(f"go forward ten meters\t{' '.join(WORDS)}\n")
    system = stack(
        APERTIUM_PHRASES=str(tmp_path), TTS_PROVIDER="piper", TTS_MODEL=models, TOPOLOGY=topology(tmp_path)
    )
    for replica in ("1", "2"):
        system.start("worker", WORKERS[-1], "--replica", replica)
    system.up()
    store = Registry(system.redis.url)
    wait_until(lambda: len(store.workers()) == 5, 30, "all workers are there")
    store.close()
    return system


def kill_speaker(store: Registry, target: str) -> None:
    """Kills the worker that speaks in this language."""
    tts = [worker for worker in store.workers() if worker.stage == "tts"]
    busy = [w for w in tts if any(f"/{target}/" in item for item in running_items(store, w.name))]
    assert busy, f"{target} was spoken before its worker could be killed"
    os.kill(busy[0].pid, signal.SIGKILL)


async def heard(system: Stack) -> dict[str, bytes]:
    """What is heard in both languages while the worker of each is killed after its first sound."""
    sound: dict[str, bytearray] = {STEADY: bytearray(), NOISY: bytearray()}
    store = Registry(system.redis.url)
    async with Client(system.url, "en", list(sound), rate=RATE) as client, asyncio.timeout(60):
        await client.send_audio(pcm())
        await client.end()
        names: dict[int, str] = {}
        async for message in client:
            if isinstance(message, server_messages.AudioStart):
                names[message.index] = message.target
            elif isinstance(message, wire.AudioFrame):
                target = names[message.target]
                if not sound[target]:
                    await asyncio.to_thread(kill_speaker, store, target)
                sound[target] += message.pcm
    store.close()
    return {target: bytes(each) for target, each in sound.items()}


def tones(sound: bytes) -> list[tuple[int, float]]:
    """The tones that follow each other: (Hz, ms)."""
    samples = np.frombuffer(sound, "<i2").astype(float)
    blocks = []
    for at in range(0, samples.size - BLOCK + 1, BLOCK // 4):
        spectrum = np.abs(np.fft.rfft(samples[at : at + BLOCK] * np.hanning(BLOCK), 8 * BLOCK))
        blocks.append(float(spectrum.argmax()) * RATE / (8 * BLOCK))
    found: list[list[float]] = []
    for before, hertz, after in zip(blocks, blocks[1:], blocks[2:], strict=False):
        if max(abs(before - hertz), abs(after - hertz)) > APART:
            continue  # where two tones meet
        if found and abs(found[-1][0] - hertz) < APART:
            found[-1][1] += 1
        else:
            found.append([hertz, 1])
    return [(round(hertz), count * BLOCK / 4 * 1000 / RATE) for hertz, count in found]


@pytest.mark.slow
def test_both_voices_are_heard_whole_and_in_order_after_their_workers_died(
    voices: Stack, models: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTS_MODEL", models)
    piper = load("tts", "piper")
    lengths = {target: [spoken_ms(piper, words, target) for words in WORDS] for target in (STEADY, NOISY)}
    piper.close()

    sound = asyncio.run(heard(voices))

    assert voices.output().count("sent again") >= 2
    for target, each in sound.items():
        found = tones(each)
        print(target, found, lengths[target])
        assert len(found) == SENTENCES
        assert found == sorted(found)
        # One that was cut off is heard once more from its beginning, and no other is.
        twice = len(each) / 2 * 1000 / RATE - sum(lengths[target])
        assert 0 <= twice <= max(lengths[target])
        more = [ms - length for (_, ms), length in zip(found, lengths[target], strict=True)]
        assert min(more) > -60
        assert sum(over > 60 for over in more) <= 1
        assert sum(more) == pytest.approx(twice, abs=SENTENCES * 60)


def spoken_ms(piper: Any, words: str, language: str) -> float:
    return sum(len(audio.pcm) for audio in humming.say(piper, words, language)) / 2 * 1000 / RATE

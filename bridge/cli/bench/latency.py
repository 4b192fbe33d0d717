"""How long a segment is on its way besides endpoint and engines."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge import audio, topology
from bridge.cli.client import Result, translate
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.cli.stack import Stack, running
from bridge.pipeline import Pipeline
from bridge.settings import Settings
from bridge.streams import Feed, Store
from bridge.tasks import configure
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, STAGES, Target, Work

ENGINES_MS = {"stt": 120, "translation": 60, "tts": 80}
TARGET = "es"
GAP_SECONDS = 1.2
"""Silence after each utterance: longer than the endpoint and the engines, so that segments do not meet."""


@contextmanager
def _simulated(sessions: int, engines_ms: dict[str, int]) -> Iterator[Stack]:
    """A stack whose engines take set times and have a thread for every session."""
    variables = {f"{stage.upper()}_PROVIDER": "simulated" for stage in STAGES}
    variables |= {f"SIMULATED_{stage.upper()}_MS": str(ms) for stage, ms in engines_ms.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.toml"
        path.write_text("\n".join(_worker(stage, max(2, sessions)) for stage in STAGES))
        os.environ.update(variables | {"TOPOLOGY": str(path), "VAD_MIN_SILENCE_MS": "500"})
        with running(Settings.read(redis_url="")) as stack:
            yield stack


def _worker(stage: str, concurrency: int) -> str:
    threads = min(concurrency, 64)
    return f'[[worker]]\nname = "{stage}-cpu0"\nstage = "{stage}"\ndevice = "cpu0"\nconcurrency = {threads}\n'


def chain(count: int) -> dict[str, list[float]]:
    """`chain_ms`: from before submit to the report that the third task runs, one segment at a time."""
    with _simulated(1, dict.fromkeys(STAGES, 0)) as stack:
        settings = Settings.read(redis_url=stack.redis_url)
        configure(settings, topology.load(settings.topology), "gateway")
        return {"chain_ms": asyncio.run(_chain(settings, count))}


async def _chain(settings: Settings, count: int) -> list[float]:
    store = Store(settings.redis_url)
    feed = Feed(settings.redis_url, "bench")
    pipeline = Pipeline(store, settings)
    store.keep({"bench": 0}, 3600)
    samples = []
    after = "0-0"
    for segment in range(count + WARM):
        key = store.put_audio("bench", segment, 0, bytes(SPEECH_RATE), 60)
        work = Work("bench", segment, source=CLIP_LANGUAGE, audio=key, deadline=time.time() + 60)
        since = time.perf_counter()
        await asyncio.to_thread(pipeline.submit, work, (Target(TARGET),))
        finished = False
        while not finished:
            for _, entry, event in await feed.read({"bench": after}):
                after = entry
                if event is None:
                    continue
                if event.stage == "tts" and event.kind == "started":
                    samples.append((time.perf_counter() - since) * 1000)
                finished |= event.kind == "done"
    store.close_session("bench")
    store.close()
    await feed.close()
    return samples[WARM:]


WARM = 5
"""Segments before those that count: the first ones open connections."""


def way(iterations: int, sessions: int, real: bool) -> dict[str, list[float]]:
    """`first_audio_ms`, `endpoint_ms`, `overhead_ms` and the engines' times, over all utterances."""
    if real:
        with running(Settings.read()) as stack:
            results = asyncio.run(_speak(stack.url, iterations, sessions))
    else:
        with _simulated(sessions, ENGINES_MS) as stack:
            results = asyncio.run(_speak(stack.url, iterations, sessions))
    samples: dict[str, list[float]] = {}
    for result in results:
        # The first utterance opens connections and is no sample.
        for segment in [result.segments[number] for number in sorted(result.segments)][1:]:
            first_audio = result.first_audio_ms(segment, TARGET)
            if first_audio is None:
                continue
            times = segment.timings_ms
            engines = sum(times[stage] for stage in STAGES) if real else sum(ENGINES_MS.values())
            row = {
                "first_audio_ms": first_audio,
                "endpoint_ms": times["endpoint"],
                "overhead_ms": first_audio - times["endpoint"] - engines,
            } | {f"{stage}_ms": times[stage] for stage in STAGES}
            for name, value in row.items():
                samples.setdefault(name, []).append(round(value, 2))
    return samples


async def _speak(url: str, iterations: int, sessions: int) -> list[Result]:
    speech = b"".join(audio.decode(CLIP))

    async def one(number: int) -> Result:
        # Sessions begin evenly spread over an utterance, as people do not speak in step.
        await asyncio.sleep(number / sessions * len(speech) / (SPEECH_RATE * SAMPLE_BYTES))
        return await translate(url, _utterances(speech, iterations), CLIP_LANGUAGE, [TARGET], realtime=True)

    return await asyncio.gather(*(one(number) for number in range(sessions)))


async def _utterances(speech: bytes, count: int) -> AsyncIterator[bytes]:
    gap = bytes(int(GAP_SECONDS * SPEECH_RATE) * SAMPLE_BYTES)
    for _ in range(count + 1):
        yield speech + gap

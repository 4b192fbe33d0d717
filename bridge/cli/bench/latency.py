"""How long a segment is on its way besides endpoint and engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

from bridge import pipeline, placement, topology
from bridge.cli.bench.load import GAP_SECONDS, TARGET
from bridge.cli.bench.simulated import ENGINES_MS, simulated, topology_text
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.cli.stack import running
from bridge.client import Result, translate
from bridge.media import decode
from bridge.settings import Settings
from bridge.store.journal import BEGIN, Journal
from bridge.store.registry import Watch
from bridge.store.sessions import Sessions
from bridge.tasks import configure
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, STAGES, Event, Target, Work


def chain(count: int) -> dict[str, list[float]]:
    """`chain_ms`: from before submit to the report that the third task runs, one segment at a time."""
    with simulated(dict.fromkeys(STAGES, 0), topology_text(2)) as stack:
        settings = Settings.read(redis_url=stack.redis_url)
        configure(settings, topology.load(settings.topology), "gateway")
        return {"chain_ms": asyncio.run(_chain(settings, count))}


async def _chain(settings: Settings, count: int) -> list[float]:
    room = "bench"
    journal, sessions, watch = (
        Journal(settings.redis_url, room),
        Sessions(settings.redis_url),
        Watch(settings.redis_url),
    )
    sighting = await watch.look()
    plan = placement.plan("stt", CLIP_LANGUAGE, [TARGET], sighting.workers, lambda queue: 0.0)
    ahead = sighting.now - time.monotonic()
    await sessions.keep({room: 0}, 3600)
    await journal.open([room], 3600)
    samples = []
    after = BEGIN
    for segment in range(count + WARM):
        key = await sessions.put_audio(room, segment, 0, bytes(SPEECH_RATE), 60)
        now = time.monotonic() + ahead
        work = Work(room, segment, room, source=CLIP_LANGUAGE, audio=key, deadline=now + 60, sent=now)
        since = time.perf_counter()
        await asyncio.to_thread(pipeline.send, work, "stt", (Target(TARGET),), plan)
        finished = False
        while not finished:
            for _, entry, _ in await journal.read({room: after}):
                after = entry.id
                if not isinstance(entry.item, Event):
                    continue
                if entry.item.stage == "tts" and entry.item.kind == "started":
                    samples.append((time.perf_counter() - since) * 1000)
                finished |= entry.item.kind == "done"
    for store in (journal, sessions, watch):
        await store.close()
    return samples[WARM:]


WARM = 5
"""Segments before those that count: the first ones open connections."""


def way(iterations: int, real: bool) -> dict[str, list[float]]:
    """`first_audio_ms`, `endpoint_ms`, `overhead_ms` and the engines' times of one session."""
    with running(Settings.read()) if real else simulated(ENGINES_MS, topology_text(2)) as stack:
        result = asyncio.run(_speak(stack.url, iterations))
    samples: dict[str, list[float]] = {}
    # The first utterance opens connections and is no sample.
    for segment in [result.segments[number] for number in sorted(result.segments)][1:]:
        first_audio = result.first_audio_ms(segment, TARGET)
        if first_audio is not None:
            for name, value in shares(first_audio, segment.timings_ms, real).items():
                samples.setdefault(name, []).append(value)
    return samples


def shares(first_audio_ms: float, timings_ms: Mapping[str, float], real: bool) -> dict[str, float]:
    """What the time to the first audio is made of. Engines that are not real take the times set.

    Overhead is what lies beyond the endpoint and the engines, which a draft lets run beside each other.
    """
    engines = sum(timings_ms[stage] for stage in STAGES) if real else sum(ENGINES_MS.values())
    begun = timings_ms.get("draft", timings_ms["endpoint"])
    row = {
        "first_audio_ms": first_audio_ms,
        "endpoint_ms": timings_ms["endpoint"],
        "overhead_ms": first_audio_ms - max(timings_ms["endpoint"], begun + engines),
    } | {f"{stage}_ms": timings_ms[stage] for stage in STAGES}
    return {name: round(value, 2) for name, value in row.items()}


async def _speak(url: str, iterations: int) -> Result:
    speech = b"".join(decode(CLIP))
    return await translate(url, _utterances(speech, iterations), CLIP_LANGUAGE, [TARGET], realtime=True)


async def _utterances(speech: bytes, count: int) -> AsyncIterator[bytes]:
    gap = bytes(int(GAP_SECONDS * SPEECH_RATE) * SAMPLE_BYTES)
    for _ in range(count + 1):
        yield speech + gap

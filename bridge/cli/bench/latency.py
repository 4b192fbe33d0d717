"""How long the bare chain takes, and what the time of a segment is made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from bridge import pipeline, placement, topology
from bridge.cli.bench.load import TARGET
from bridge.cli.bench.simulated import simulated, topology_text
from bridge.cli.probe import CLIP_LANGUAGE
from bridge.placement import Need, Standing
from bridge.settings import Settings
from bridge.store.journal import BEGIN, Journal
from bridge.store.registry import Watch
from bridge.store.sessions import Sessions
from bridge.tasks import configure
from bridge.types import SPEECH_RATE, STAGES, Event, Target, Work


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
    need = Need("stt", CLIP_LANGUAGE, [Target(TARGET)])
    plan = placement.plan(need, sighting.workers, lambda queue: Standing())
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


def shares(
    first_audio_ms: float,
    timings_ms: Mapping[str, float],
    engines_ms: Mapping[str, int] | None,
    speech_ms: float,
) -> dict[str, float]:
    """What the time to the first audio is made of, and `rtf`: engine time for each second of speech.

    `engines_ms` are the times set of engines that are not real. Overhead is what lies beyond the endpoint
    and the engines, which a draft lets run beside each other.
    """
    took = {stage: timings_ms[stage] for stage in STAGES}
    endpoint, engines = timings_ms["endpoint"], sum((engines_ms or took).values())
    begun = timings_ms.get("draft", endpoint)
    row = {
        "first_audio_ms": first_audio_ms,
        "endpoint_ms": endpoint,
        "after_endpoint_ms": first_audio_ms - endpoint,
        "text_to_audio_ms": timings_ms["queue"] + timings_ms["tts"],
        "overhead_ms": first_audio_ms - max(endpoint, begun + engines),
    } | {f"{stage}_ms": ms for stage, ms in took.items()}
    return {name: round(value, 2) for name, value in row.items()} | {
        "rtf": round(sum(took.values()) / speech_ms, 4)
    }

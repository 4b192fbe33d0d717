"""One session on a real Redis with the real model, and what workers and client do to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import redis

from bridge import topology
from bridge.media import decode
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.work import Desk
from bridge.types import SPEECH_RATE, STAGES, Attendant, Event, Target
from gateway.core import effects
from gateway.core.seat import Seat
from gateway.core.terms import SegmenterConfig, Terms
from gateway.runtime.backend import Backend
from gateway.runtime.halls import Halls
from gateway.runtime.runner import Runner
from tests.stack import REPOSITORY, as_gateway

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
SENTENCE = CLIP[: SPEECH_RATE * 2] + bytes(SPEECH_RATE * 2)
CUTTING = SegmenterConfig(
    threshold=0.5, min_speech_ms=96, min_silence_ms=320, padding_ms=96, max_segment_ms=10_000
)
TERMS = Terms("en", (Target("es"),), 24_000, CUTTING)


class Mouth:
    """The client's end: keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[effects.Noun] = []
        self.order: list[effects.Say | effects.Play] = []
        self.heard = b""
        self.purged: list[float] = []
        self.attendance: list[tuple[list[Attendant], dict[str, int]]] = []
        self.safe = 0
        self.overtaken = self.over = False
        self.holds: list[bool] = []
        self.stuffed = False
        self.faults = 0

    def say(self, said: effects.Say, seq: int) -> None:
        self.said.append(said.what)
        self.order.append(replace(said, seq=seq))

    def play(self, sound: effects.Play, seq: int) -> None:
        self.heard += sound.pcm
        self.order.append(replace(sound, seq=seq))

    def purge(self, before: float) -> None:
        self.purged.append(before)

    def acknowledge(self, samples: int) -> None:
        self.safe = samples

    def attended(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        self.attendance.append((list(speakers), dict(listeners)))

    def full(self) -> bool:
        return self.stuffed

    def hold(self, holding: bool) -> None:
        self.holds.append(holding)

    def broken(self) -> None:
        self.faults += 1

    def taken_over(self) -> None:
        self.overtaken = True

    def room_closed(self) -> None:
        self.over = True

    def of(self, kind: type) -> list[Any]:
        return [noun for noun in self.said if isinstance(noun, kind)]


class Scene:
    """A gateway's backend, and the workers' side of its Redis."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend = backend
        self.halls = Halls(backend)
        self.desk = Desk(url)
        self.client = redis.Redis.from_url(url)

    async def session(self, terms: Terms = TERMS) -> tuple[Runner, Mouth]:
        mouth, name = Mouth(), secrets.token_hex(8)
        entered = await self.halls.enter(Seat(name, name, "alone", terms))
        entered.begin(mouth)
        return entered.runner, mouth

    def work(self, runner: Runner, segment: int, *, attempt: int = 0) -> None:
        """What three workers would report of a segment."""
        session = runner.id

        def emit(kind: Any, stage: Any, target: str | None = None, **values: Any) -> None:
            event = Event(kind, stage, session, segment, attempt=attempt, target=target, worker="w", **values)
            self.desk.emit(session, event)

        emit("started", "stt")
        emit("text", "stt", text="go", language="en", confidence=0.5)
        emit("started", "translation", "es")
        emit("text", "translation", "es", text="va")
        emit("started", "tts", "es")
        emit("audio", "tts", "es", pcm=b"\1\0" * 2_400, rate=24_000)
        emit("audio", "tts", "es", index=1, rate=24_000, last=True)
        emit("done", "tts", "es", index=2, rate=24_000)


@asynccontextmanager
async def backing(settings: Settings) -> AsyncIterator[Scene]:
    as_gateway(settings, topology.load())
    backend = Backend(settings)
    registry = Registry(settings.redis_url)
    for stage in STAGES:
        languages = ("en",) if stage == "stt" else ("es", "fr")
        pairs = (("en", "es"), ("en", "fr")) if stage == "translation" else ()
        record = WorkerRecord(
            f"{stage}-cpu0", stage, "cpu0", f"{stage}.cpu0", 4, "p", languages=languages, pairs=pairs
        )
        registry.register(record, 60_000)
    registry.close()
    await backend.start()
    await backend.fleet.look()
    scene = Scene(backend, settings.redis_url)
    try:
        yield scene
    finally:
        await scene.halls.stop()
        await backend.stop()
        scene.desk.close()
        scene.client.close()


def play(settings: Settings, scene: Callable[[Scene], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        async with backing(settings.model_copy(update=changes)) as made:
            await scene(made)

    asyncio.run(run())

"""Sessions and rooms on a real Redis with the real model, and what workers and clients do to them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import redis

from bridge import topology
from bridge.media import decode
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.work import Desk
from bridge.types import SPEECH_RATE, STAGES, Attendant, Event, Target
from gateway.core import effects, glimpse
from gateway.core.seat import Role, Seat
from gateway.core.terms import SegmenterConfig, Terms
from gateway.core.warnings import Warn
from gateway.runtime.backend import Backend
from gateway.runtime.entered import Entered
from gateway.runtime.halls import Halls
from gateway.runtime.place import Place
from gateway.runtime.runner import Runner
from tests.gateway.runtime.clock import until
from tests.stack import REPOSITORY, as_gateway

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
SENTENCE = CLIP[: SPEECH_RATE * 2] + bytes(SPEECH_RATE * 2)
CUTTING = SegmenterConfig(
    threshold=0.5, min_speech_ms=96, min_silence_ms=320, padding_ms=96, max_segment_ms=10_000
)
SPOKEN = b"\1\0" * 2_400
TERMS = Terms("en", (Target("es"),), 24_000, CUTTING)


class Mouth:
    """The client's end: keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[effects.Noun] = []
        self.shown: list[glimpse.PartialTranscript | glimpse.PartialTranslation] = []
        self.order: list[effects.Say | effects.Play] = []
        self.heard = b""
        self.purged: list[float] = []
        self.warned: list[Warn] = []
        self.attendance: list[tuple[list[Attendant], dict[str, int]]] = []
        self.safe = 0
        self.overtaken = self.over = False
        self.holds: list[bool] = []
        self.stuffed = False
        self.faults = 0
        self.wishes: list[int] = []

    def say(self, said: effects.Say, seq: int) -> None:
        self.said.append(said.what)
        self.order.append(replace(said, seq=seq))

    def show(self, shown: glimpse.Show | Warn) -> None:
        if isinstance(shown, Warn):
            self.warned.append(shown)
        else:
            self.shown.append(shown.what)

    def play(self, sound: effects.Play, seq: int) -> None:
        self.heard += sound.pcm
        self.order.append(replace(sound, seq=seq))

    def asked(self, number: int, since: float) -> None:
        self.wishes.append(number)

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


@dataclass(frozen=True, slots=True)
class Member:
    """One who is in a room: the session, the client's end, and the token to come back with."""

    runner: Runner
    mouth: Mouth
    token: str


def begun(entered: Entered) -> Member:
    """A session whose client listens from here on."""
    mouth = Mouth()
    entered.begin(mouth)
    return Member(entered.runner, mouth, entered.token)


class Scene:
    """A gateway's backend, and the workers' side of its Redis."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend = backend
        self.halls = Halls(backend)
        self.desk = Desk(url)
        self.client = redis.Redis.from_url(url)

    async def session(self, terms: Terms = TERMS) -> tuple[Runner, Mouth]:
        name = secrets.token_hex(8)
        member = begun(await self.halls.enter(Seat(name, name, "alone", terms)))
        return member.runner, member.mouth

    async def enter(
        self,
        room: str,
        role: Role,
        number: int,
        hears: str = "",
        *,
        speaks: str | None = "en",
        partials: bool = False,
    ) -> Member:
        """Somebody comes into a room, is called by the number, and hears a language; `partials`: and wants to
        read what is said while it is said."""
        targets = (Target(hears),) if hears else ()
        source = None if role == "listener" else speaks
        terms = replace(TERMS, source=source, targets=targets, floor="voice", partials=partials)
        seat = Seat(secrets.token_hex(8), room, role, terms, number, f"n{number}")
        return begun(await self.halls.enter(seat))

    async def come_back(self, member: Member, last_seq: int, held: int = 0) -> Member:
        """A client that was cut off comes back to this gateway."""
        return begun(await self.halls.resume(member.runner.id, member.token, Place(last_seq), held))

    async def heard_in(self, room: str, *languages: str) -> None:
        """Waits until the room knows that these languages are listened in, and no others."""
        hall = self.halls._halls[room]
        await until(lambda: list(hall.core.roster.listeners) == sorted(languages))

    def decided(self, room: str, kind: str) -> list[dict[str, Any]]:
        """The decisions of a kind that stand in the journal of a room."""
        entries: Any = self.client.xrange(f"journal:{room}")
        decisions = [json.loads(entry[b"d"]) for _, entry in entries if b"d" in entry]
        return [decision for decision in decisions if decision["kind"] == kind]

    def work(self, runner: Runner, segment: int, *, attempt: int = 0, target: str = "es") -> None:
        """What three workers would report of a segment."""
        session, room = runner.id, runner.hall.id

        def emit(kind: Any, stage: Any, **values: Any) -> None:
            event = Event(kind, stage, session, segment, attempt=attempt, worker="w", **values)
            self.desk.emit(room, event)

        emit("started", "stt")
        emit("text", "stt", text="go", language="en", confidence=0.5)
        self.speak(runner, segment, attempt=attempt, target=target)

    def speak(self, runner: Runner, segment: int, *, attempt: int = 0, target: str = "es") -> None:
        """What the workers of translation and tts would report of a segment."""
        session, room = runner.id, runner.hall.id

        def emit(kind: Any, stage: Any, **values: Any) -> None:
            values |= {"attempt": attempt, "target": target, "worker": "w"}
            self.desk.emit(room, Event(kind, stage, session, segment, **values))

        emit("started", "translation")
        emit("text", "translation", text="va")
        emit("started", "tts")
        emit("audio", "tts", pcm=SPOKEN, rate=24_000)
        emit("audio", "tts", index=1, rate=24_000, last=True)
        emit("done", "tts", index=2, rate=24_000)


@asynccontextmanager
async def backing(settings: Settings) -> AsyncIterator[Scene]:
    as_gateway(settings, topology.load())
    registry = Registry(settings.redis_url)
    for stage in STAGES:
        languages = ("en",) if stage == "stt" else ("es", "fr")
        pairs = (("en", "es"), ("en", "fr")) if stage == "translation" else ()
        record = WorkerRecord(
            f"{stage}-cpu0", stage, "cpu0", f"{stage}.cpu0", 4, "p", languages=languages, pairs=pairs
        )
        registry.register(record, 60_000)
    registry.close()
    async with another(settings) as scene:
        yield scene


@asynccontextmanager
async def another(settings: Settings) -> AsyncIterator[Scene]:
    """A gateway at a Redis where workers live already."""
    backend = Backend(settings)
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


def meet(settings: Settings, scene: Callable[[Scene, Scene], Awaitable[None]], **changes: Any) -> None:
    """Plays a scene at two gateways of one Redis."""

    async def run() -> None:
        changed = settings.model_copy(update=changes)
        async with backing(changed) as one, another(changed) as two:
            await scene(one, two)

    asyncio.run(run())


def play(settings: Settings, scene: Callable[[Scene], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        async with backing(settings.model_copy(update=changes)) as made:
            await scene(made)

    asyncio.run(run())

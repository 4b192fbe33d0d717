"""One session on a real Redis with the real model, while the test does what workers and client would do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from bridge import topology
from bridge.audio import decode
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.work import Desk
from bridge.types import SPEECH_RATE, STAGES, Entry, Event, Target
from gateway.core import effects, inputs
from gateway.core.terms import SegmenterConfig, Terms
from gateway.runtime import relay
from gateway.runtime.backend import Backend
from gateway.runtime.runner import Runner
from tests.stack import REPOSITORY, as_gateway

pytestmark = pytest.mark.redis

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
        self.purged: list[int] = []
        self.holds: list[bool] = []
        self.stuffed = False
        self.faults = 0

    def say(self, said: effects.Say) -> None:
        self.said.append(said.what)
        self.order.append(said)

    def play(self, sound: effects.Play) -> None:
        self.heard += sound.pcm
        self.order.append(sound)

    def purge(self, before: int) -> None:
        self.purged.append(before)

    def full(self) -> bool:
        return self.stuffed

    def hold(self, holding: bool) -> None:
        self.holds.append(holding)

    def broken(self) -> None:
        self.faults += 1

    def of(self, kind: type) -> list[Any]:
        return [noun for noun in self.said if isinstance(noun, kind)]


class Scene:
    """A gateway's backend, and the workers' side of its Redis."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend = backend
        self.desk = Desk(url)
        self.client = redis.Redis.from_url(url)

    async def session(self, terms: Terms = TERMS) -> tuple[Runner, Mouth]:
        mouth = Mouth()
        runner = Runner(self.backend, terms, mouth)
        await runner.open()
        return runner, mouth

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


async def until(condition: Callable[[], bool], seconds: float = 10) -> float:
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - since


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
        for reader in backend.relay.readers:
            assert isinstance(reader, Runner)
            await reader.close()
        await backend.stop()
        scene.desk.close()
        scene.client.close()


def play(settings: Settings, scene: Callable[[Scene], Awaitable[None]], **changes: Any) -> None:
    async def run() -> None:
        async with backing(settings.model_copy(update=changes)) as made:
            await scene(made)

    asyncio.run(run())


def test_a_sentence_becomes_work_and_what_the_workers_make_of_it_is_heard(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        for at in range(0, len(SENTENCE), 640):
            runner.audio(SENTENCE[at : at + 640])
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        assert it.client.exists(f"audio:{runner.id}:0:0")
        it.work(runner, 0)
        runner.ordered(inputs.End())
        await until(lambda: mouth.of(effects.Ended) != [])
        assert [type(noun).__name__ for noun in mouth.said] == [
            *("SpeechStarted", "SpeechStopped", "Transcript", "Translation"),
            *("SpeechBegins", "SpeechEnds", "Done", "Ended"),
        ]
        assert mouth.heard == b"\1\0" * 2_400
        assert [each.seq for each in mouth.order] == list(range(2, len(mouth.order) + 2))
        await until(lambda: not it.client.exists(f"audio:{runner.id}:0:0"))
        assert runner.segments_cut == 1
        await runner.close()
        assert it.client.keys(f"*{runner.id}*") == []

    play(settings, scene)


def test_a_session_that_is_left_leaves_nothing_behind(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        runner.audio(SENTENCE * 3)
        await until(lambda: it.client.llen("stt.cpu0") > 0)
        await runner.close()
        await it.backend.errands.done()
        await asyncio.sleep(0.1)
        assert it.client.keys(f"*:{runner.id}*") == []
        assert it.backend.relay.readers == []

    play(settings, scene)


def test_audio_and_what_must_keep_its_place_in_it_count_in_order(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(CLIP[: SPEECH_RATE * 2])
        runner.ordered(inputs.Commit())
        french = Terms("en", (Target("fr"),), 24_000, CUTTING)
        runner.ordered(inputs.Update(french))
        assert runner.terms == french
        runner.audio(CLIP[: SPEECH_RATE * 2])
        runner.ordered(inputs.Commit())
        await until(lambda: len(mouth.of(effects.SpeechStopped)) == 2)
        entries: Any = it.client.xrange(f"journal:{runner.id}")
        cuts = [entry[b"d"] for _, entry in entries if b'"cut"' in entry.get(b"d", b"")]
        assert [b'"es"' in cut for cut in cuts] == [True, False]

    play(settings, scene)


def test_samples_are_judged_whole_however_they_are_divided(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        found = []
        for size in (2, 638, 1_024, len(SENTENCE)):
            runner, mouth = await it.session()
            for at in range(0, len(SENTENCE), size):
                runner.audio(SENTENCE[at : at + size])
            runner.ordered(inputs.End())
            await until(lambda: mouth.of(effects.SpeechStopped) != [])  # noqa: B023
            entries: Any = it.client.xrange(f"journal:{runner.id}")
            (cut,) = [entry[b"d"] for _, entry in entries if b'"cut"' in entry.get(b"d", b"")]
            found.append(cut.split(b'"start":')[1].split(b'"endpoint_ms"')[0])
            await runner.close()
        assert len(set(found)) == 1

    play(settings, scene)


def test_beyond_the_seconds_ahead_the_client_is_held_until_half_of_them_is_cut(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: it.client.llen("stt.cpu0") == 1)  # the session has no room for another segment
        runner.audio(bytes(SPEECH_RATE * 2 * 2))
        assert mouth.holds == []
        runner.audio(bytes(SPEECH_RATE * 2 * 2))
        assert mouth.holds == [True]
        it.work(runner, 0)
        await until(lambda: mouth.holds == [True, False])

    play(settings, scene, session_ahead_seconds=3.0, session_max_segments=1)


def test_what_is_no_audio_has_a_bound_too(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        assert mouth.holds == []
        for _ in range(300):
            runner.ordered(inputs.Commit())
        assert mouth.holds == [True]

    play(settings, scene, session_ahead_seconds=3.0, session_max_segments=1)


def test_wishes_count_at_once_however_much_audio_waits(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE * 20)
        since = time.monotonic()
        number = runner.handle(inputs.Stop())
        assert number is not None
        await until(lambda: mouth.of(effects.Obeyed) != [])
        assert time.monotonic() - since < 1
        (obeyed,) = mouth.of(effects.Obeyed)
        assert (obeyed.kind, obeyed.number) == ("stopped", number)
        assert mouth.purged

    play(settings, scene, session_max_segments=1)


def test_who_does_not_read_is_given_nothing_more_until_he_does(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        mouth.stuffed = True
        runner.audio(SENTENCE)
        await asyncio.sleep(0.1)
        assert mouth.said == []
        mouth.stuffed = False
        runner.writable()
        await until(lambda: mouth.of(effects.SpeechStopped) != [])

    play(settings, scene)


def test_a_session_that_fails_is_ended_and_harms_no_other(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        broken, mouth = await it.session()
        other, ear = await it.session()

        class Unspeakable(Mouth):
            def say(self, said: effects.Say) -> None:
                raise LookupError("a fault")

        failing = Unspeakable()
        broken._mouth = failing
        for runner in (broken, other):
            runner.audio(SENTENCE)
            runner.ordered(inputs.End())
        await until(lambda: it.client.llen("stt.cpu0") == 2)
        with capture_logs() as logs:
            for runner in (broken, other):
                it.work(runner, 0)
            await until(lambda: ear.of(effects.Ended) != [])
        assert failing.faults > 0
        assert any("session failed" in line["event"] for line in logs)
        assert mouth.said == []

    play(settings, scene)


def test_time_passes_for_a_session_to_which_nothing_comes(settings: Settings) -> None:
    """No worker takes the segment: it is sent again, and given up in the end."""

    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: mouth.of(effects.Failed) != [])
        (failed,) = mouth.of(effects.Failed)
        assert (failed.segment, failed.stage, failed.code) == (0, "stt", "timed_out")
        assert it.client.llen("stt.cpu0") == 2
        await until(lambda: mouth.of(effects.Done) != [])

    play(settings, scene, segment_queue_ms=200, segment_attempts=2)


def test_a_decision_that_redis_lost_is_written_again(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        await until(lambda: it.client.xlen(f"journal:{runner.id}") == 1)
        it.client.flushall()
        runner.handle(inputs.Pause())
        await it.backend.writer.written()
        assert mouth.of(effects.Obeyed) == []
        it.backend.relay._away.set()  # as after an outage
        await until(lambda: mouth.of(effects.Obeyed) != [])

    play(settings, scene)


def test_nothing_reaches_a_session_that_is_over(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        await runner.close()
        runner.deliver(Entry("1-0", Event("text", "stt", runner.id, 0, text="go")))
        runner.lost()
        runner.writable()
        assert runner.handle(inputs.Pause()) is None
        assert mouth.said == []

    play(settings, scene)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals are looked at twenty times a second."""
    monkeypatch.setattr(relay, "KEEP_SECONDS", 0.05)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("bound", "least", "most"), [(100_000, 1, 5), (1_000_000, 13, 13)])
def test_a_journal_holds_as_many_bytes_as_the_variable_says(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, bound: int, least: int, most: int
) -> None:
    """JOURNAL_MAX_BYTES: of twelve times 20 kB the newest stay."""

    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        heard: list[Entry] = []
        monkeypatch.setattr(runner, "deliver", heard.append)
        for index in range(12):
            it.desk.emit(runner.id, Event("audio", "tts", runner.id, 9, index=index, pcm=bytes(20_000)))
        await until(lambda: len(heard) == 13)
        await until(lambda: least <= it.client.xlen(f"journal:{runner.id}") <= most)

    play(settings, scene, journal_max_bytes=bound)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("seconds", "left"), [(1, 0), (60, 2)])
def test_a_journal_is_kept_as_long_as_the_variable_says(settings: Settings, seconds: int, left: int) -> None:
    """JOURNAL_SECONDS."""

    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        it.desk.emit(runner.id, Event("audio", "tts", runner.id, 9, pcm=bytes(2)))
        await until(lambda: it.client.xlen(f"journal:{runner.id}") == 2)
        await asyncio.sleep(1.2)
        assert it.client.xlen(f"journal:{runner.id}") == left

    play(settings, scene, journal_seconds=seconds)


def test_workers_are_looked_at_as_often_as_the_variable_says(settings: Settings) -> None:
    """HEALTH_CHECK_INTERVAL: how soon a gateway knows that a worker is gone."""

    def noticing(interval: float) -> float:
        seconds = [0.0]

        async def scene(it: Scene) -> None:
            registry = Registry(settings.redis_url)
            registry.unregister("stt-cpu0")
            registry.close()
            seconds[0] = await until(lambda: len(it.backend.fleet.workers) == 2)

        play(settings, scene, health_check_interval=interval)
        return seconds[0]

    assert noticing(0.02) < 0.5
    assert noticing(1.5) > 0.7

"""Where a gateway sends work: by how long each device took of late, and by the strategy of its settings."""

from __future__ import annotations

import pytest

from bridge.placement import Place
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.types import STAGES, Entry, Event, Work
from gateway.core.effects import Submit
from gateway.core.inputs import Key
from gateway.core.service import Service
from gateway.runtime.occupancy import Occupancy
from gateway.runtime.pace import HALF_SECONDS, Pace
from tests.gateway.runtime import scene as scenes
from tests.gateway.runtime.dispatching import DEVICES, ES, Scene, play

pytestmark = pytest.mark.redis

QUEUES = ("stt.gpu0", "stt.gpu1")
PIECE: Key = (0, "stt", None)


class Watched:
    """What is known of two queues, on a clock that is set."""

    def __init__(self, **seconds: float) -> None:
        self.now = 100.0
        self.service = Service()
        self.occupancy = Occupancy(lambda: self.now)
        self.pace = Pace(self.service, self.occupancy)
        for device, time in seconds.items():
            event = Event("text", "stt", "alice", 0, running_ms=time * 1000, worker=device)
            self.service.note(event, f"stt.{device}")

    def seconds(self, queue: str) -> float:
        return self.pace.seconds(queue, QUEUES)

    def run(self, queue: str, seconds: float) -> None:
        """A piece is there for so long."""
        self.occupancy.begin("alice", {PIECE: queue})
        self.now += seconds
        self.occupancy.free("alice", [PIECE])


def test_a_queue_that_nobody_has_measured_is_like_the_others() -> None:
    watched = Watched(gpu0=0.4)
    watched.run("stt.gpu0", 0.4)

    assert watched.seconds("stt.gpu0") == watched.seconds("stt.gpu1") == pytest.approx(0.4)


def test_a_queue_that_has_work_and_finishes_none_becomes_slower_and_slower() -> None:
    watched = Watched(gpu0=0.1, gpu1=0.1)
    watched.occupancy.begin("alice", {PIECE: "stt.gpu0"})
    assert watched.seconds("stt.gpu0") == pytest.approx(0.1)
    watched.now += 3
    assert watched.seconds("stt.gpu0") == pytest.approx(3.0)
    watched.occupancy.free("alice", [PIECE])
    assert watched.seconds("stt.gpu0") == pytest.approx(0.1)


def test_one_that_was_slow_once_is_forgiven_by_and_by_and_the_best_is_not_forgotten() -> None:
    watched = Watched(gpu0=1.1, gpu1=0.1)
    for queue in QUEUES:
        watched.run(queue, 0.1)
    watched.now += HALF_SECONDS

    assert watched.seconds("stt.gpu0") == pytest.approx(0.6, abs=0.01)
    assert watched.seconds("stt.gpu1") == pytest.approx(0.1)
    watched.now += 10 * HALF_SECONDS
    assert watched.seconds("stt.gpu0") == pytest.approx(0.1, abs=0.01)


def tell(it: Scene, **seconds: float) -> None:
    """The workers of stt say how long a piece took."""
    it.dispatcher.looked()
    for device, time in seconds.items():
        event = Event("text", "stt", "carol", 0, running_ms=time * 1000, worker=f"stt-{device}")
        it.dispatcher.shedding.told(Entry("1-0", event))


def test_a_slow_device_gets_work_only_when_it_is_done_there_before_its_turn_at_the_fast_one(
    settings: Settings,
) -> None:
    async def scene(it: Scene) -> None:
        tell(it, gpu0=100.0, gpu1=10.0)
        for segment in range(7):
            it.submit("alice", segment)
        await it.settled(2)
        assert [it.client.llen(queue) for queue in QUEUES] == [0, 2]
        for segment in range(7, 10):
            it.submit("alice", segment)
        await it.settled(3)
        assert [it.client.llen(queue) for queue in QUEUES] == [1, 2]

    play(settings, scene, *DEVICES)


def test_drafts_and_looks_go_where_they_are_done_soonest_or_nowhere(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        tell(it, gpu0=100.0, gpu1=10.0)
        look = Submit(Work("bob", 0, "bob", partial=True, index=160, source="en"), "stt", (), True, 2.0)
        assert it.dispatcher.placer.look(look, lambda queue: 0) == "stt.gpu1"
        it.submit("alice", 0, draft=True)
        await it.settled(1)
        assert [it.client.llen(f"{queue}:3") for queue in QUEUES] == [0, 1]
        assert it.dispatcher.placer.look(look, lambda queue: 0) == "stt.gpu1"
        assert not it.dispatcher.idle("stt.gpu1", 0)

    play(settings, scene, *DEVICES)


@pytest.mark.parametrize(
    ("strategy", "went"),
    [
        ("least_loaded", ["gpu0", "gpu0", "gpu0", "gpu0"]),
        ("round_robin", ["gpu0", "gpu1", "gpu0", "gpu1"]),
        ("affinity", ["gpu0", "gpu1", "gpu0", "gpu1"]),
        ("resident", ["gpu1", "gpu1", "gpu1", "gpu1"]),
    ],
)
def test_the_strategy_of_the_settings_decides(settings: Settings, strategy: str, went: list[str]) -> None:
    """LOAD_BALANCE_STRATEGY: two sessions take turns, devices idle, the voice on the second."""

    async def scene(it: scenes.Scene) -> None:
        registry = Registry(settings.redis_url)
        for stage in STAGES:
            registry.unregister(f"{stage}-cpu0")
            for device in DEVICES:
                registry.register(_record(stage, device), 60_000)
        registry.close()
        fleet, placer = it.backend.fleet, it.backend.dispatcher.placer
        await fleet.look()
        found = []
        for segment, session in enumerate(("alice", "bob") * 2):
            work = Work(session, segment, session, source="en")
            plan = placer.plan(session, Submit(work, "stt", ES, True, 60.0))
            placer.sent(session, segment, plan)
            it.backend.dispatcher.free(session, [(segment, *place) for place in plan])
            found.append(plan["tts", "es"].partition(".")[2])
        assert found == went

    scenes.play(settings, scene, load_balance_strategy=strategy)


def _record(stage: str, device: str) -> WorkerRecord:
    held = "es_ES-davefx-medium" if device == "gpu1" else "ca_ES-upc_ona-medium"
    (of,) = [each for each in STAGES if each == stage]
    return WorkerRecord(
        f"{stage}-{device}",
        of,
        device,
        f"{stage}.{device}",
        1,
        "p",
        languages=("en",) if stage == "stt" else ("es",),
        pairs=(("en", "es"),) if stage == "translation" else (),
        models=(held,) if stage == "tts" else (),
    )


def test_a_queue_whose_workers_drain_gets_nothing(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.register("gpu0", stages=("stt",), draining=True)
        await it.fleet.look()
        tell(it, gpu0=0.1, gpu1=1.0)
        for segment in range(2):
            it.submit("alice", segment)
        await it.settled(2)
        assert [it.client.llen(queue) for queue in QUEUES] == [0, 2]

    play(settings, scene, *DEVICES)


def test_two_providers_on_one_queue_offer_what_both_can(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        it.register("gpu0", stages=("tts",), name="tts-next", languages=("es", "de"))
        workers = [worker for worker in await it.fleet.look() if worker.stage == "tts"]
        assert {worker.languages for worker in workers} == {("es",)}
        it.register("gpu0", stages=("tts",), draining=True)
        workers = [worker for worker in await it.fleet.look() if worker.stage == "tts"]
        assert [worker.languages for worker in workers] == [("es", "de")]

    play(settings, scene)


PLACES: tuple[Place, ...] = (("stt", None), ("translation", "es"), ("tts", "es"))


def test_a_session_that_ended_is_forgotten_by_the_strategy_too(settings: Settings) -> None:
    async def scene(it: scenes.Scene) -> None:
        placer = it.backend.dispatcher.placer
        plan = dict.fromkeys(PLACES, "tts.cpu0")
        placer.sent("alice", 0, plan)
        it.backend.dispatcher.forget("alice")
        assert placer._strategy._homes == {}  # type: ignore[attr-defined]

    scenes.play(settings, scene, load_balance_strategy="affinity")

"""Where work goes under each strategy: two devices of unequal speed, on a clock that only counts."""

from __future__ import annotations

from collections import Counter

import pytest

from bridge.placement import Candidate, Need, Place, Standing, plan, strategy
from bridge.placement.strategies import NAMES, Name
from bridge.store.registry import WorkerRecord
from bridge.types import Target

FAST, SLOW = "tts.gpu0", "tts.gpu1"
SECONDS = {FAST: 0.1, SLOW: 0.4}
EACH = 0.08
"""Seconds from one piece of work to the next: more than the fast device does alone."""


class World:
    """Two devices that do one piece at a time, each piece in the time of its device."""

    def __init__(self, name: Name, **models: tuple[str, ...]) -> None:
        self.by = strategy(name)
        self.workers = [
            WorkerRecord(
                queue, "tts", queue[4:], queue, 1, "p", ("es", "ca"), models=models.get(queue[4:], ())
            )
            for queue in SECONDS
        ]
        self.now = 0.0
        self.ends: dict[str, list[float]] = {queue: [] for queue in SECONDS}
        self.went: list[tuple[str, str]] = []
        self.waits: list[float] = []

    def standing(self, queue: str) -> Standing:
        """As it is now: all that is there and not done yet; two pieces are room for none."""
        here = sum(end > self.now for end in self.ends[queue])
        return Standing(here, SECONDS[queue], here < 2)

    def say(self, session: str, target: str = "es", voice: str | None = None) -> str:
        """One piece of work of a session goes somewhere."""
        need = Need("tts", None, [Target(target, voice)], session=session)
        chosen = plan(need, self.workers, self.standing, self.by)
        self.by.sent(session, chosen)
        queue = chosen["tts", target]
        ends = self.ends[queue]
        ends.append(max(self.now, ends[-1] if ends else 0.0) + SECONDS[queue])
        self.went.append((session, queue))
        self.waits.append(ends[-1] - self.now)
        return queue

    def talk(self, *sessions: str, pieces: int = 100, each: float = EACH) -> Counter[str]:
        """The sessions take turns; how many pieces each device got."""
        for piece in range(pieces):
            self.say(sessions[piece % len(sessions)])
            self.now += each
        return Counter(queue for _, queue in self.went)


def test_the_least_loaded_gives_a_slow_device_less_and_as_much_as_it_can_do() -> None:
    world = World("least_loaded")
    got = world.talk("alice", "bob")

    assert 3 * got[SLOW] < got[FAST]
    assert got[SLOW] >= 10
    assert max(world.waits) < 2 * SECONDS[SLOW]


def test_an_idle_slow_device_gets_nothing_as_long_as_the_fast_one_is_done_sooner() -> None:
    assert World("least_loaded").talk("alice", "bob", each=0.15) == {FAST: 100}


def test_equal_devices_share_although_no_two_measurements_are_equal() -> None:
    times = {"a.0": 0.1, "a.1": 0.11}
    by = strategy("least_loaded")
    idle = [Candidate(name, 2, 0.0, seconds) for name, seconds in times.items()]
    one = [Candidate("a.0", 2, 0.5, 0.1), Candidate("a.1", 2, 0.0, 0.11)]

    assert by.choose("s", ("tts", "es"), idle, {}) == "a.0"
    assert by.choose("s", ("tts", "es"), one, {}) == "a.1"


def test_a_queue_of_many_slots_is_no_faster_for_one_piece() -> None:
    many, quick = Candidate("a.0", 8, 0.0, 0.3), Candidate("a.1", 1, 0.0, 0.2)

    assert strategy("least_loaded").choose("s", ("stt", None), [many, quick], {}) == "a.1"


def test_round_robin_gives_each_device_as_many() -> None:
    assert World("round_robin").talk("alice", "bob", each=0.5) == {FAST: 50, SLOW: 50}


def test_round_robin_leaves_out_a_device_without_room() -> None:
    world = World("round_robin")
    got = world.talk("alice", "bob", each=0.1)

    assert got[SLOW] < got[FAST]
    assert max(world.waits) == pytest.approx(2 * SECONDS[SLOW])


def test_round_robin_counts_what_was_sent_not_what_was_only_planned() -> None:
    by = strategy("round_robin")
    place: Place = ("tts", "es")
    both = [Candidate(FAST), Candidate(SLOW)]

    assert [by.choose("s", place, both, {}) for _ in range(3)] == [FAST] * 3
    by.sent("s", {place: FAST})
    assert by.choose("s", place, both, {}) == SLOW
    assert by.choose("s", ("tts", "ca"), both, {place: SLOW}) == FAST


def test_with_affinity_each_session_stays_where_it_is_and_the_fast_device_has_more() -> None:
    world = World("affinity")
    world.talk(*"abcdefghij", each=0.5)
    homes = {session: {queue for of, queue in world.went if of == session} for session in "abcdefghij"}

    assert all(len(queues) == 1 for queues in homes.values())
    assert Counter(queue for queues in homes.values() for queue in queues) == {FAST: 8, SLOW: 2}


def test_with_affinity_a_session_leaves_a_crowded_device_for_one_piece_and_comes_home() -> None:
    world = World("affinity")
    for _ in range(2):
        assert world.say("alice") == FAST
    assert world.say("alice") == SLOW
    world.now = 10.0
    assert world.say("alice") == FAST


def test_with_affinity_a_session_whose_device_is_gone_moves_for_good() -> None:
    world = World("affinity")
    assert world.say("alice") == FAST
    both, world.workers = world.workers, world.workers[1:]
    world.by.looked({SLOW})
    assert world.say("alice") == SLOW
    world.workers, world.now = both, 10.0
    world.by.looked(SECONDS)
    assert world.say("alice") == SLOW


def test_with_affinity_the_stages_of_a_session_are_on_one_device() -> None:
    by = strategy("affinity")
    chosen: dict[Place, str] = {("stt", None): "stt.gpu1"}
    place: Place = ("translation", "es")
    both = [Candidate("translation.gpu0", seconds=0.1), Candidate("translation.gpu1", seconds=0.3)]

    assert by.choose("alice", place, both, chosen) == "translation.gpu1"
    assert by.choose("alice", place, both[:1], chosen) == "translation.gpu0"


def test_with_affinity_sessions_that_ended_do_not_count() -> None:
    world = World("affinity")
    for number in range(50):
        assert world.say(f"s{number}") == FAST
        world.by.forget(f"s{number}")
        world.now += 1


def test_resident_prefers_the_device_that_holds_the_voice_even_a_slow_one() -> None:
    world = World("resident", gpu0=("es_ES-davefx-medium",), gpu1=("ca_ES-upc_ona-medium",))

    assert world.say("alice", "ca") == SLOW
    assert world.say("alice", "es") == FAST


def test_where_nobody_holds_the_voice_the_least_loaded_loads_it() -> None:
    world = World("resident", gpu0=("fr_FR-siwis-low",), gpu1=("de_DE-thorsten-low",))

    assert world.say("alice", "ca") == FAST


def test_a_crowded_holder_gives_to_one_that_has_room() -> None:
    world = World("resident", gpu0=("es_ES-davefx-medium",), gpu1=("ca_ES-upc_ona-medium",))
    assert [world.say("alice", "es") for _ in range(3)] == [FAST, FAST, SLOW]


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_is_gone_gets_nothing_whatever_the_strategy(name: Name) -> None:
    world = World(name)
    world.talk("alice", "bob", pieces=4)
    world.workers = [worker for worker in world.workers if worker.queue == SLOW]
    world.by.looked({SLOW})
    before = len(world.went)
    world.talk("alice", "bob", "carol", pieces=6, each=1.0)

    assert {queue for _, queue in world.went[before:]} == {SLOW}


@pytest.mark.parametrize("name", NAMES)
def test_where_no_device_has_room_one_is_chosen_to_wait_for(name: Name) -> None:
    full = [Candidate(FAST, 1, 2.0, 0.1, False), Candidate(SLOW, 1, 2.0, 0.4, False)]

    assert strategy(name).choose("alice", ("tts", "es"), full, {}) in SECONDS

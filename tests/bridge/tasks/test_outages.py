"""Workers whose Redis dies, stalls or is full go on as soon as it serves them again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from bridge.types import Work
from tests.bridge.tasks.crew import Crew, translation
from tests.stack import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.e2e]

WORK = Work("alice", 0, "room", source="en", text="go")
numbers = count()


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """A worker of translation with three slots of 100 ms."""
    made = Crew(tmp_path_factory.mktemp("crew"), "brain", SIMULATED_TRANSLATION_MS="100")
    yield made
    print(made.output())
    made.end()


def crew_of(brain: Crew, count: int) -> Crew:
    brain.room.open()
    brain.become_gateway()
    before = len(brain.room.events())
    for _ in range(count):
        translation(WORK.but(segment=next(numbers))).apply_async()
    wait_until(lambda: len(brain.room.events()) >= before + min(count, 3), 10, "it works")
    return brain


@pytest.fixture
def crew(brain: Crew) -> Crew:
    """The worker, with work in all its slots and more that waits."""
    return crew_of(brain, 6)


@pytest.fixture
def half_busy(brain: Crew) -> Crew:
    """The worker, with work in two of its slots, and waiting for more."""
    return crew_of(brain, 2)


def still_works(crew: Crew) -> None:
    crew.room.open()
    number = next(numbers)
    translation(WORK.but(segment=number)).apply_async()
    wait_until(lambda: any(event.segment == number for event in crew.texts()), 10, "it works again")
    assert crew.started[0].poll() is None
    wait_until(lambda: len(crew.registry.workers()) == 1, 3, "it is on the list")
    assert "Unrecoverable" not in crew.output()


def test_a_worker_whose_redis_dies_in_its_work_takes_the_next_work_of_the_new_one(crew: Crew) -> None:
    crew.redis.kill()
    crew.redis.start()

    still_works(crew)


def test_a_worker_whose_redis_dies_while_it_works_and_waits_goes_on(half_busy: Crew) -> None:
    # What ended workers: what ran was given back over a connection that was half taken down already.
    half_busy.redis.kill()
    wait_until(lambda: "Cannot connect" in half_busy.output(), 5, "it notices")
    half_busy.redis.start()

    still_works(half_busy)


def test_a_worker_whose_connections_are_cut_again_and_again_goes_on(crew: Crew) -> None:
    for _ in range(3):
        crew.room.client.client_kill_filter(_type="normal", skipme=True)
        still_works(crew)


def test_a_worker_whose_redis_is_full_goes_on_when_there_is_room_again(crew: Crew) -> None:
    crew.room.client.config_set("maxmemory", "1")
    wait_until(lambda: "out of memory" in crew.output(), 5, "the worker tells why nothing goes on")
    crew.room.client.config_set("maxmemory", "0")

    still_works(crew)


def test_a_redis_that_is_full_for_a_moment_does_not_cost_the_work_that_waits(crew: Crew) -> None:
    waiting = [next(numbers) - each for each in range(1, 4)]
    crew.room.client.config_set("maxmemory", "1")
    wait_until(lambda: crew.output().count("work dropped") >= 3, 5, "what runs cannot be reported")
    crew.room.client.config_set("maxmemory", "0")

    still_works(crew)
    assert {event.segment for event in crew.texts()} >= set(waiting)

"""Batches of calls from several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread

import pytest

from bridge.errors import ProviderError
from bridge.providers.batching import Batcher
from tests.stack import wait_until

Numbers = Batcher[int, int]


class Doubler:
    """Doubles numbers, notes the batches it gets, and waits in each until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = Event()
        self.free = Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(sorted(numbers))
        self.entered.set()
        assert self.free.wait(10)
        if -1 in numbers:
            raise ValueError("minus one")
        return [2 * number for number in numbers]


@pytest.fixture
def doubler() -> Doubler:
    return Doubler()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def busy(batcher: Numbers, doubler: Doubler, pool: ThreadPoolExecutor) -> Future[int]:
    """The engine runs a 0 until it is let go."""
    running = pool.submit(batcher, 0)
    assert doubler.entered.wait(10)
    return running


def wait_behind(batcher: Numbers, numbers: Sequence[int], pool: ThreadPoolExecutor) -> list[Future[int]]:
    """Calls with the numbers, one after the other in line."""
    results = []
    for number in numbers:
        results.append(pool.submit(batcher, number))
        wait_until(lambda: batcher.waiting == len(results), 10, "the call waits")
    return results


def test_idle_engine_takes_a_lone_call_without_waiting_for_others(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    batcher = Batcher(doubler, size=64)
    busy(batcher, doubler, pool)
    assert doubler.batches == [[0]]
    assert batcher.waiting == 0
    doubler.free.set()
    assert batcher(21) == 42


def test_what_comes_while_the_engine_is_busy_runs_together(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    batcher = Batcher(doubler, size=4)
    first = busy(batcher, doubler, pool)
    results = wait_behind(batcher, (1, 2, 3, 4, 5, 6), pool)
    doubler.free.set()
    assert [first.result(10), *(result.result(10) for result in results)] == [0, 2, 4, 6, 8, 10, 12]
    assert doubler.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_each_lane_runs_a_batch_of_its_own(doubler: Doubler, pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(doubler, size=2, lanes=2)
    results = [pool.submit(batcher, number) for number in (1, 2)]
    wait_until(lambda: len(doubler.batches) == 2, 10, "both calls run at once")
    results += wait_behind(batcher, (3, 4), pool)
    doubler.free.set()
    assert [result.result(10) for result in results] == [2, 4, 6, 8]
    assert doubler.batches[2:] == [[3, 4]]


def test_many_callers_get_each_its_own_result_in_batches_no_larger_than_their_size(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    batcher = Batcher(doubler, size=3, lanes=2)
    doubler.free.set()
    assert list(pool.map(batcher, range(200))) == [2 * number for number in range(200)]
    assert max(map(len, doubler.batches)) <= 3


@pytest.mark.parametrize(("size", "lanes", "slots"), [(1, 1, 1), (1, 4, 4), (4, 1, 8), (4, 2, 12)])
def test_it_can_use_what_runs_and_one_batch_that_gathers(
    doubler: Doubler, size: int, lanes: int, slots: int
) -> None:
    assert Batcher(doubler, size, lanes).slots == slots


def test_bad_item_fails_alone(doubler: Doubler, pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(doubler, size=3)
    busy(batcher, doubler, pool)
    results = wait_behind(batcher, (1, -1, 3), pool)
    doubler.free.set()
    assert [results[0].result(10), results[2].result(10)] == [2, 6]
    with pytest.raises(ValueError, match="minus one"):
        results[1].result(10)


@pytest.mark.parametrize("answer", [lambda numbers: [], lambda numbers: [0] * (len(numbers) + 1)])
def test_wrong_number_of_results_is_an_error_for_every_caller_and_the_engine_serves_on(
    doubler: Doubler, pool: ThreadPoolExecutor, answer: Callable[[Sequence[int]], list[int]]
) -> None:
    batcher: Numbers = Batcher(
        lambda numbers: answer(doubler(numbers)) if max(numbers) > 0 else doubler(numbers), 3
    )
    first = busy(batcher, doubler, pool)
    results = wait_behind(batcher, (1, 2, 3), pool)
    doubler.free.set()
    assert first.result(10) == 0
    for result in results:
        with pytest.raises(ProviderError, match=r"results for 1 inputs"):
            result.result(10)
    assert pool.submit(batcher, -2).result(10) == -4


def test_thread_that_is_stopped_within_a_batch_leaves_nobody_waiting(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    def run(numbers: Sequence[int]) -> list[int]:
        made = doubler(numbers)
        if 1 in numbers:
            raise SystemExit
        return made

    batcher = Batcher(run, size=2)
    busy(batcher, doubler, pool)
    leader, neighbour, later = wait_behind(batcher, (1, 2, 3), pool)
    doubler.free.set()
    with pytest.raises(SystemExit):
        leader.result(10)
    with pytest.raises(ProviderError, match="stopped"):
        neighbour.result(10)
    assert later.result(10) == 6


def test_closing_waits_for_what_was_given_and_takes_no_more(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    batcher = Batcher(doubler, size=1)
    first = busy(batcher, doubler, pool)
    results = wait_behind(batcher, (1, 2), pool)
    closing = Thread(target=batcher.close)
    closing.start()
    wait_until(lambda: batcher.closed, 10, "the engine closes")
    with pytest.raises(ProviderError, match="closed"):
        batcher(3)
    doubler.free.set()
    closing.join(10)
    assert not closing.is_alive()
    assert [first.done(), *(result.result(0) for result in results)] == [True, 2, 4]

"""Batches of calls from several threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from bridge.providers.batcher import Batcher


class Doubler:
    """Doubles numbers, notes the batches it gets, and waits in the first one until it is let go."""

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


def test_what_comes_while_the_engine_is_busy_runs_together(
    doubler: Doubler, pool: ThreadPoolExecutor
) -> None:
    batcher = Batcher(doubler, size=4, wait=10, name="test")
    quick = Batcher(doubler, size=1, wait=0, name="quick")
    first = pool.submit(quick, 0)
    assert doubler.entered.wait(10)
    results = [pool.submit(batcher, number) for number in (1, 2, 3, 4)]
    doubler.free.set()
    assert [first.result(10), *(result.result(10) for result in results)] == [0, 2, 4, 6, 8]
    assert doubler.batches == [[0], [1, 2, 3, 4]]
    batcher.close()
    quick.close()


def test_no_batch_is_larger_than_its_size(doubler: Doubler, pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(doubler, size=3, wait=0.05, name="test")
    doubler.free.set()
    assert sorted(pool.map(batcher, range(16))) == [2 * number for number in range(16)]
    assert max(map(len, doubler.batches)) <= 3
    batcher.close()


def test_lone_call_is_run_when_its_wait_is_over(doubler: Doubler) -> None:
    batcher = Batcher(doubler, size=4, wait=0.001, name="test")
    doubler.free.set()
    assert batcher(21) == 42
    batcher.close()


def test_bad_item_fails_alone(doubler: Doubler, pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(doubler, size=3, wait=10, name="test")
    doubler.free.set()
    results = [pool.submit(batcher, number) for number in (1, -1, 3)]
    assert [results[0].result(10), results[2].result(10)] == [2, 6]
    with pytest.raises(ValueError, match="minus one"):
        results[1].result(10)
    batcher.close()


def test_closing_runs_what_was_given(doubler: Doubler, pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(doubler, size=1, wait=0, name="test")
    results = [pool.submit(batcher, number) for number in (1, 1)]
    assert doubler.entered.wait(10)
    doubler.free.set()
    assert [result.result(10) for result in results] == [2, 2]
    batcher.close()

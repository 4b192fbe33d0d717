"""Gathers the calls of several threads into batches: an engine runs four at once faster than in turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Calls `run` with at most `size` items, one result each, in a thread of its own.

    The first item of a batch waits `wait` seconds at most for others; what comes while the engine is
    busy waits for the next batch anyway. Where a batch fails, each item is tried alone, so that a bad
    one does not fail its neighbours.
    """

    def __init__(
        self, run: Callable[[Sequence[Item]], Sequence[Result]], size: int, wait: float, name: str
    ) -> None:
        self._run = run
        self._size = size
        self._wait = wait
        self._queue: SimpleQueue[tuple[Item, Future[Result]] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def __call__(self, item: Item) -> Result:
        """The result for `item`. Blocks until its batch has run; raises what `run` raises."""
        future: Future[Result] = Future()
        self._queue.put((item, future))
        return future.result()

    def close(self) -> None:
        """Runs what was given and ends the thread; no call follows."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._gather():
            self._answer(batch)

    def _gather(self) -> list[tuple[Item, Future[Result]]]:
        """The next batch; empty at the end."""
        batch: list[tuple[Item, Future[Result]]] = []
        due = 0.0
        while not self._closed and len(batch) < self._size:
            try:
                entry = self._queue.get(timeout=max(0.0, due - time.monotonic()) if batch else None)
            except Empty:
                break
            if entry is None:
                self._closed = True
                break
            if not batch:
                due = time.monotonic() + self._wait
            batch.append(entry)
        return batch

    def _answer(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._run([item for item, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for entry in batch:
                self._answer([entry])
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)

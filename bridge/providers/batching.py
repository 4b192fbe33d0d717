"""Gathers the calls of several threads into batches: a GPU runs four at once faster than in turn.

There is no thread of its own that could die or be left waiting: a batch runs in the thread of the first of
its callers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition
from typing import Generic, TypeVar

from bridge.errors import ProviderError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class _Call(Generic[Item, Result]):
    item: Item
    answer: Future[Result] = field(default_factory=Future)


class Batcher(Generic[Item, Result]):
    """Calls `run` with at most `size` items, one result each, in at most `lanes` threads at once.

    Nothing waits for company: where a lane is free, what waits is taken at once. Batches grow only while
    all lanes are busy. Where a batch fails, each item is tried alone, so that a bad one does not fail its
    neighbours.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], size: int, lanes: int = 1) -> None:
        self._run = run
        self._size = size
        self._lanes = lanes
        self._running = 0
        self._waiting: list[_Call[Item, Result]] = []
        self.closed = False
        self._changed = Condition()

    @property
    def slots(self) -> int:
        """Calls that keep every batch full: those that run, and as many as the next one takes."""
        return self._lanes * self._size + (self._size if self._size > 1 else 0)

    @property
    def waiting(self) -> int:
        """Calls that no batch has taken yet."""
        return len(self._waiting)

    def __call__(self, item: Item) -> Result:
        """The result for `item`. Blocks until its batch has run.

        Raises what `run` raises, ProviderError where it gives other than one result for each item, where
        the thread that ran the batch was stopped, and after `close`.
        """
        call: _Call[Item, Result] = _Call(item)
        if batch := self._join(call):
            self._lead(batch)
        return call.answer.result()

    def close(self) -> None:
        """Takes no more calls, and returns when all that were given have their answer."""
        with self._changed:
            self.closed = True
            self._changed.wait_for(lambda: not self._waiting and not self._running)

    def _join(self, call: _Call[Item, Result]) -> list[_Call[Item, Result]]:
        """Waits in line; the batch to run where `call` is first when a lane is free, else none."""
        with self._changed:
            if self.closed:
                raise ProviderError("The engine is closed.", "Restart the worker.")
            self._waiting.append(call)
            try:
                self._changed.wait_for(lambda: call not in self._waiting or self._may_lead(call))
            except BaseException:
                if call in self._waiting:  # else nobody would ever lead those behind it
                    self._waiting.remove(call)
                    self._changed.notify_all()
                raise
            if call not in self._waiting:
                return []
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            self._running += 1
            self._changed.notify_all()
            return batch

    def _may_lead(self, call: _Call[Item, Result]) -> bool:
        return self._running < self._lanes and self._waiting[0] is call

    def _lead(self, batch: list[_Call[Item, Result]]) -> None:
        try:
            self._answer(batch)
        finally:
            for call in batch:
                if not call.answer.done():
                    call.answer.set_exception(ProviderError("The batch of this call was stopped."))
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _answer(self, batch: list[_Call[Item, Result]]) -> None:
        try:
            results = self._run([call.item for call in batch])
            if len(results) != len(batch):
                raise ProviderError(f"The engine gave {len(results)} results for {len(batch)} inputs.")
        except Exception as error:
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for call in batch:
                self._answer([call])
            return
        for call, result in zip(batch, results, strict=True):
            call.answer.set_result(result)

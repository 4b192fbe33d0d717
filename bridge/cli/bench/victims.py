"""Who works on what, as Redis knows it: which worker a kill hits, and which segments with it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass

from bridge.cli.bench.processes import lives
from bridge.store import keys
from bridge.store.registry import Registry
from bridge.types import Stage


@dataclass(frozen=True, slots=True)
class Item:
    """One task that runs: `segment` of `session` in `stage`."""

    session: str
    segment: int
    stage: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A live process of a stage, child of this one, and what it runs."""

    name: str
    pid: int
    items: tuple[Item, ...]


class Workers:
    """The live workers of each stage. Raises RedisUnavailable."""

    def __init__(self, redis_url: str) -> None:
        self._registry = Registry(redis_url)

    def of(self, stage: Stage, sessions: Collection[str]) -> list[Worker]:
        """Those of `stage` that are registered and alive, with what they run for `sessions`."""
        here = os.getpid()
        records = [each for each in self._registry.workers() if each.stage == stage and lives(each.pid, here)]
        running = self._running(sessions)
        return [Worker(each.name, each.pid, tuple(running.get(each.name, ()))) for each in records]

    def runs(self, worker: str, sessions: Collection[str]) -> tuple[Item, ...]:
        """What this worker runs now."""
        return tuple(self._running(sessions).get(worker, ()))

    def close(self) -> None:
        self._registry.close()

    def _running(self, sessions: Collection[str]) -> dict[str, list[Item]]:
        """By worker: what it says it runs."""
        with keys.reported(self._registry.url):
            told: dict[bytes, bytes] = dict(self._registry.client.hgetall(keys.RUNNING))  # type: ignore[arg-type]
        return {
            worker.decode(): [item for name in json.loads(items) if (item := _item(name)).session in sessions]
            for worker, items in told.items()
        }


def _item(name: str) -> Item:
    """The piece of work that bridge.types.item_name called so."""
    session, segment, stage, *_ = name.split("/")
    return Item(session, int(segment.partition(".")[0]), stage)

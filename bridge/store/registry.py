"""The workers: what each can do, what it runs, and whether it lives. Workers write, gateways watch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import redis

from bridge.store import keys
from bridge.types import Stage


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """What a worker says of itself with each heartbeat.

    `life` is another one for each start, `beat` counts its heartbeats, `ahead_ms` is how far its host's
    clock runs ahead of Redis'. One that is `draining` ends what it runs and takes nothing more.
    """

    name: str
    stage: Stage
    device: str
    queue: str
    slots: int
    provider: str
    languages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    detects: bool = False
    models: tuple[str, ...] = ()
    host: str = ""
    pid: int = 0
    life: str = ""
    beat: int = 0
    ahead_ms: float = 0.0
    draining: bool = False

    @classmethod
    def of(cls, raw: bytes) -> WorkerRecord:
        """The record in its JSON; fields of a newer release are ignored."""
        values = json.loads(raw)
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        for name in ("languages", "pairs", "models"):
            known[name] = tuple(tuple(each) if name == "pairs" else each for each in known.get(name, ()))
        return cls(**known)


# A record that came back between two looks stays: only a name without its key is forgotten.
_FORGET = """
for at = 3, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then
    redis.call('SREM', KEYS[1], ARGV[at - 2])
    redis.call('HDEL', KEYS[2], ARGV[at - 2])
  end
end
"""
# Compared where it is deleted: the next life may register at any moment.
_BURY = """
local raw = redis.call('GET', KEYS[1])
if raw and cjson.decode(raw).life == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
end
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look at the workers showed.

    `running` maps a worker to the items it runs, `waiting` a queue to the tasks in it, `listening` a
    worker to whether its connection stands. `now` is the time on the clock of Redis, in seconds, and
    `server` another name for each start of it.
    """

    workers: tuple[WorkerRecord, ...]
    running: dict[str, tuple[str, ...]]
    waiting: dict[str, int]
    listening: dict[str, bool]
    now: float
    server: str = ""


class Registry:
    """A worker's place in the registry, and the command line's view of it. Raises RedisUnavailable."""

    def __init__(self, url: str, *, patient: bool = False) -> None:
        self.url = url
        self.client: redis.Redis = keys.connect(url, patient=patient)

    def register(self, record: WorkerRecord, ttl_ms: int) -> None:
        """Puts the record there for `ttl_ms`."""
        with keys.reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.set(keys.worker(record.name), json.dumps(asdict(record)), px=ttl_ms)
            pipe.sadd(keys.WORKERS, record.name)
            pipe.execute()

    def unregister(self, name: str) -> None:
        """Takes a worker off the list, so that nothing more is sent to it."""
        with keys.reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.delete(keys.worker(name))
            pipe.srem(keys.WORKERS, name)
            pipe.hdel(keys.RUNNING, name)
            pipe.execute()

    def workers(self) -> list[WorkerRecord]:
        """The workers whose heartbeat has not ended."""
        with keys.reported(self.url):
            members: Any = self.client.smembers(keys.WORKERS)
            names = sorted(name.decode() for name in members)
            raws: list[Any] = self.client.mget([keys.worker(name) for name in names]) if names else []
        return [WorkerRecord.of(raw) for raw in raws if raw is not None]

    def now(self) -> float:
        """The time on the clock of Redis, in seconds."""
        with keys.reported(self.url):
            seconds, micros = self.client.time()
        return float(seconds) + float(micros) / 1e6

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()


class Watch:
    """A gateway's look at the workers. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def look(self) -> Sighting:
        """All that is known of the workers now, in two round trips."""
        with keys.reported(self.url):
            members: Any = await self._client.smembers(keys.WORKERS)
            names = sorted(name.decode() for name in members)
            raws: list[Any] = await self._client.mget([keys.worker(name) for name in names]) if names else []
            records = [WorkerRecord.of(raw) for raw in raws if raw is not None]
            dead = [name for name, raw in zip(names, raws, strict=True) if raw is None]
            return await self._sighting(records, dead)

    async def _sighting(self, records: Sequence[WorkerRecord], dead: Sequence[str]) -> Sighting:
        queues = list(dict.fromkeys(record.queue for record in records))
        names = [record.name for record in records]
        channels = [keys.alive(record.name, record.life) for record in records]
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.info("server")
            pipe.execute_command("PUBSUB NUMSUB", *channels)
            pipe.hmget(keys.RUNNING, ["", *names])
            for queue in queues:
                for step in keys.PRIORITY_STEPS:
                    pipe.llen(f"{queue}{keys.PRIORITY_SEPARATOR}{step}" if step else queue)
            if dead:
                gone = [keys.worker(name) for name in dead]
                pipe.eval(_FORGET, 2 + len(dead), keys.WORKERS, keys.RUNNING, *gone, *dead)
            (seconds, micros), server, subscribers, (_, *running), *rest = await pipe.execute()
        counts, steps = dict(subscribers), len(keys.PRIORITY_STEPS)
        return Sighting(
            tuple(records),
            {
                name: tuple(json.loads(items)) if items else ()
                for name, items in zip(names, running, strict=True)
            },
            {queue: sum(rest[at * steps : (at + 1) * steps]) for at, queue in enumerate(queues)},
            {
                name: bool(counts.get(channel.encode(), 0))
                for name, channel in zip(names, channels, strict=True)
            },
            float(seconds) + float(micros) / 1e6,
            server["run_id"],
        )

    async def bury(self, record: WorkerRecord) -> None:
        """Takes a dead worker off the list, unless its next life stands there already."""
        named = [keys.worker(record.name), keys.WORKERS, keys.RUNNING]
        with keys.reported(self.url):
            await self._client.eval(_BURY, 3, *named, record.life, record.name)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

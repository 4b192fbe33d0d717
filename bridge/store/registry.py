"""The workers: what each can do, what it runs, and whether it lives. Workers write, gateways watch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import redis

from bridge.store import keys
from bridge.store.circuits import Circuit, read, standing
from bridge.types import Stage


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """What a worker says of itself with each heartbeat.

    `life` is another one for each start, `beat` counts its heartbeats, `ahead_ms` is how far its host's
    clock runs ahead of Redis'. One that is `draining` ends what it runs and takes nothing more. `metrics` is
    the "host:port" where its metrics are, "" where it exports none. `advice` is what its engine makes use of
    besides a text, such as "context".
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
    metrics: str = ""
    advice: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: bytes) -> WorkerRecord:
        """The record in its JSON; fields of a newer release are ignored."""
        values = json.loads(raw)
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        for name in ("languages", "pairs", "models", "advice"):
            known[name] = tuple(tuple(each) if name == "pairs" else each for each in known.get(name, ()))
        return cls(**known)


# In one piece, so that nobody comes back between the look and what is forgotten after it.
_LOOK = keys.script(
    "registry.look",
    """
local seen = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local raw = redis.call('GET', ARGV[1] .. name)
  if raw then
    local record, waiting = cjson.decode(raw), 0
    for at = 3, #ARGV do
      waiting = waiting + redis.call('LLEN', record.queue .. ARGV[at])
    end
    local channel = ARGV[2] .. name .. ':' .. (record.life or '')
    local listening = redis.call('PUBSUB', 'NUMSUB', channel)[2]
    seen[#seen + 1] = {raw, redis.call('HGET', KEYS[2], name) or '[]', waiting, listening}
  else
    redis.call('SREM', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
  end
end
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
return {redis.call('TIME'), server, seen, redis.call('HGETALL', KEYS[3])}
""",
)
# Compared where it is deleted: the next life may register at any moment.
_BURY = keys.script(
    "registry.bury",
    """
local raw = redis.call('GET', KEYS[1])
if raw and cjson.decode(raw).life == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
end
""",
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look at the workers showed.

    `running` maps a worker to the items it runs, `waiting` a queue to the tasks in it, `listening` a
    worker to whether its connection stands. `now` is the time on the clock of Redis, in seconds, and
    `server` another name for each start of it. `circuits` are the breakers of the providers that they name.
    """

    workers: tuple[WorkerRecord, ...]
    running: dict[str, tuple[str, ...]]
    waiting: dict[str, int]
    listening: dict[str, bool]
    now: float
    server: str = ""
    circuits: tuple[Circuit, ...] = ()


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

    def standing(self) -> list[WorkerRecord]:
        """Those of them whose connection stands: one that was killed stays on the list for a while."""
        found = self.workers()
        if not found:
            return []
        channels = [keys.alive(worker.name, worker.life) for worker in found]
        with keys.reported(self.url):
            counts: Any = self.client.pubsub_numsub(*channels)
        return [worker for worker, (_, listening) in zip(found, counts, strict=True) if listening]

    def now(self) -> float:
        """The time on the clock of Redis, in seconds."""
        with keys.reported(self.url):
            seconds, micros = self.client.time()
        return float(seconds) + float(micros) / 1e6

    def circuits(self, workers: Iterable[WorkerRecord]) -> tuple[Circuit, ...]:
        """The breakers of the providers that they name."""
        with keys.reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hgetall(keys.BREAKERS)
            (seconds, micros), records = pipe.execute()
        return _standing(workers, read(records, float(seconds) + float(micros) / 1e6))

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()


class Watch:
    """A gateway's look at the workers. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)
        self._look: Any = self._client.register_script(_LOOK)

    async def look(self) -> Sighting:
        """All that is known of the workers now, in one round trip."""
        with keys.reported(self.url):
            (seconds, micros), server, seen, kept = await self._look(
                keys=[keys.WORKERS, keys.RUNNING, keys.BREAKERS],
                args=[keys.worker(""), keys.ALIVE, *keys.lists("")],
            )
        found = sorted(((WorkerRecord.of(raw), *rest) for raw, *rest in seen), key=lambda row: row[0].name)
        workers, now = tuple(record for record, *_ in found), float(seconds) + float(micros) / 1e6
        return Sighting(
            workers,
            {record.name: tuple(json.loads(items)) for record, items, _, _ in found},
            {record.queue: waiting for record, _, waiting, _ in found},
            {record.name: bool(listening) for record, _, _, listening in found},
            now,
            server.decode(),
            _standing(workers, read(dict(zip(kept[::2], kept[1::2], strict=True)), now)),
        )

    async def bury(self, record: WorkerRecord) -> None:
        """Takes a dead worker off the list, unless its next life stands there already."""
        named = [keys.worker(record.name), keys.WORKERS, keys.RUNNING]
        with keys.reported(self.url):
            await self._client.eval(_BURY, 3, *named, record.life, record.name)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _standing(workers: Iterable[WorkerRecord], kept: Iterable[Circuit]) -> tuple[Circuit, ...]:
    return standing(((worker.stage, worker.provider) for worker in workers), kept)

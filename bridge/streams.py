"""All that is kept in Redis, and the only module that knows a key.

audio:{session}:{segment}:{revision}   the speech of a segment, until its deadline (claim check)
events:{session}                       stream of Events, read by the gateway that serves the session
live:{session}                         hash: `from` = first segment still wanted; gone = none is
cancel                                 channel: changes of live:*, for speed; the hash is the truth
worker:{name}                          JSON of a live worker, expires without a heartbeat
workers                                set of names; a name without its key is a dead worker
busy                                   hash: tasks that each worker runs right now
cache:{digest}                         a translation, until it is too old
cached                                 sorted set: digests by the time they were kept, the oldest first
cache                                  hash: hits and misses so far
wake:{gateway}                         stream that interrupts the gateway's blocking read
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from bridge.errors import RedisUnavailable
from bridge.types import Event, Stage, Work

EVENTS_MAXLEN = 4_000
"""Entries kept per session, about: 60 s of speech in 16 languages at 4 entries a second."""

PRIORITY_STEPS = (0, 3, 6, 9)
PRIORITY_SEPARATOR = ":"
BLOCK_MS = 2_000
"""Longest blocking read; redis-py 8 gives up after its socket timeout of 5 s and re-sends silently."""

_EVENT_DEFAULTS = {field.name: field.default for field in fields(Event)}


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """What a worker says of itself with each heartbeat."""

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

    @classmethod
    def of(cls, raw: bytes) -> WorkerRecord:
        values = json.loads(raw)
        values["languages"] = tuple(values["languages"])
        values["pairs"] = tuple((source, target) for source, target in values["pairs"])
        values["models"] = tuple(values["models"])
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})


@contextmanager
def _reported(url: str) -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise RedisUnavailable(
            f"Redis at {_address(url)} does not answer: {error}.",
            "Start it, or set REDIS_URL to one that runs; `speechbridge up` starts its own.",
        ) from error


def _address(url: str) -> str:
    """The URL without its password."""
    return url.rpartition("@")[2].removeprefix("redis://")


def audio_key(session: str, segment: int, revision: int) -> str:
    """Where the speech of a segment waits: its claim check."""
    return f"audio:{session}:{segment}:{revision}"


def encode(event: Event) -> dict[str, bytes]:
    """An event as the fields of a stream entry; PCM stays raw."""
    values = {
        name: value
        for name, value in asdict(event).items()
        if name != "pcm" and value != _EVENT_DEFAULTS[name]
    }
    entry = {"e": json.dumps(values, separators=(",", ":")).encode()}
    if event.pcm:
        entry["pcm"] = event.pcm
    return entry


def decode(entry: Mapping[bytes, bytes]) -> Event | None:
    """The event in a stream entry, or None for an entry that holds none: nobody may stall on it."""
    try:
        values = json.loads(entry[b"e"])
        known = {name: value for name, value in values.items() if name in _EVENT_DEFAULTS}
        return Event(**known, pcm=entry.get(b"pcm", b""))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


class Store:
    """The blocking side: everything but the gateway's event reader.

    `patient` clients (workers) ride out an outage of some seconds; the gateway's fails at once, since
    it would rather tell its listeners. Every method raises RedisUnavailable.
    """

    def __init__(self, url: str, *, patient: bool = False) -> None:
        self.url = url
        retry = Retry(ExponentialBackoff(cap=1, base=0.05), 8) if patient else Retry(NoBackoff(), 1)
        timeout = 5.0 if patient else 0.5
        self.client = redis.Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry, health_check_interval=10
        )

    def close(self) -> None:
        self.client.close()

    def ping(self) -> None:
        with _reported(self.url):
            self.client.ping()

    # Sessions, from the gateway

    def keep(self, sessions: Mapping[str, int], ttl: int) -> set[str]:
        """Opens sessions, or keeps them for `ttl` seconds more; the value is the first live segment.

        Returns those whose events were missing: new ones, and all in a Redis that lost its data.
        """
        if not sessions:
            return set()
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            for session, first in sessions.items():
                # Only where it is missing: a number read a moment ago must not undo a later cancel.
                pipe.hsetnx(f"live:{session}", "from", str(first))
                pipe.expire(f"live:{session}", ttl)
                pipe.exists(f"events:{session}")
            exist = pipe.execute()[2::3]
            missing = {session for session, there in zip(sessions, exist, strict=True) if not there}
            for session in sessions:
                if session in missing:
                    # Trimmed to nothing at once: a reader from the start would be woken by it without end.
                    pipe.xadd(f"events:{session}", {"opened": b""}, maxlen=0, approximate=False)
                pipe.expire(f"events:{session}", ttl)
            pipe.execute()
        return missing

    def close_session(self, session: str) -> None:
        """Ends all work of a session and forgets it."""
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.delete(f"live:{session}", f"events:{session}")
            pipe.publish("cancel", json.dumps([session, None]))
            pipe.execute()

    def cancel_before(self, session: str, segment: int) -> None:
        """Makes all segments before `segment` stop, wherever they are."""
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.hset(f"live:{session}", "from", segment)
            pipe.publish("cancel", json.dumps([session, segment]))
            pipe.execute()

    def put_audio(self, session: str, segment: int, revision: int, pcm: bytes, ttl: float) -> str:
        """Leaves the speech of a segment for the STT worker; returns its key, the claim check."""
        key = audio_key(session, segment, revision)
        with _reported(self.url):
            self.client.set(key, pcm, px=int(ttl * 1000))
        return key

    def drop_audio(self, *keys: str) -> None:
        """Forgets speech that is transcribed or not wanted any more, before its time."""
        with _reported(self.url):
            self.client.delete(*keys)

    # Work, from the workers

    def begin(self, work: Work, started: Event, worker: str, busy: int) -> tuple[bool, bytes | None]:
        """Is this work still wanted, and its audio; reports the start. One round trip."""
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.hget(f"live:{work.session}", "from")
            pipe.get(work.audio) if work.audio else pipe.echo("")
            pipe.xadd(f"events:{work.session}", encode(started), nomkstream=True)  # type: ignore[arg-type]
            pipe.hset("busy", worker, busy)
            first, pcm, _, _ = pipe.execute()
        alive = first is not None and work.segment >= int(first)
        return alive, pcm or None

    def emit(self, event: Event) -> None:
        """Reports to the session's gateway; a session that ended hears nothing, and no key comes back."""
        with _reported(self.url):
            self.client.xadd(
                f"events:{event.session}",
                encode(event),  # type: ignore[arg-type]  # the stub forgets that dict is invariant
                maxlen=EVENTS_MAXLEN,
                approximate=True,
                nomkstream=True,
            )

    def idle(self, worker: str, busy: int) -> None:
        with _reported(self.url):
            self.client.hset("busy", worker, busy)

    # Translations made before, from the workers

    def recall(self, digest: str) -> bytes | None:
        """What was kept under `digest`; counts a hit or a miss."""
        with _reported(self.url):
            found: Any = self.client.get(f"cache:{digest}")
            self.client.hincrby("cache", "misses" if found is None else "hits", 1)
        value: bytes | None = found
        return value

    def remember(self, digest: str, value: bytes, ttl: float, size: int) -> None:
        """Keeps `value` for `ttl` seconds, and of all values the `size` youngest."""
        now = time.time()
        with _reported(self.url), self.client.pipeline() as pipe:
            pipe.set(f"cache:{digest}", value, px=max(1, int(ttl * 1000)))
            pipe.zadd("cached", {digest: now})
            pipe.zremrangebyscore("cached", "-inf", now - ttl)
            pipe.zrange("cached", 0, -size - 1)
            old = pipe.execute()[-1]
            if old:
                self.client.delete(*(f"cache:{each.decode()}" for each in old))
                self.client.zrem("cached", *old)

    def recalled(self) -> tuple[int, int]:
        """Hits and misses of all workers since this Redis began."""
        with _reported(self.url):
            counts: list[Any] = self.client.hmget("cache", ["hits", "misses"])
        return int(counts[0] or 0), int(counts[1] or 0)

    # Registry of workers

    def register(self, record: WorkerRecord, ttl_ms: int) -> None:
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.set(f"worker:{record.name}", json.dumps(asdict(record)), px=ttl_ms)
            pipe.sadd("workers", record.name)
            pipe.execute()

    def unregister(self, name: str) -> None:
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.delete(f"worker:{name}")
            pipe.srem("workers", name)
            pipe.hdel("busy", name)
            pipe.execute()

    def workers(self) -> list[WorkerRecord]:
        """The live workers; names whose heartbeat ended are forgotten on the way."""
        with _reported(self.url):
            members: Any = self.client.smembers("workers")
            names = sorted(name.decode() for name in members)
            if not names:
                return []
            raws: list[Any] = self.client.mget([f"worker:{name}" for name in names])
            dead = [name for name, raw in zip(names, raws, strict=True) if raw is None]
            if dead:
                self.client.srem("workers", *dead)
                self.client.hdel("busy", *dead)
            return [WorkerRecord.of(raw) for raw in raws if raw is not None]

    def loads(self, records: list[WorkerRecord]) -> dict[str, float]:
        """Work per slot of each queue of these workers: (waiting + running) / slots. One round trip."""
        queues = list(dict.fromkeys(record.queue for record in records))
        with _reported(self.url), self.client.pipeline(transaction=False) as pipe:
            pipe.hmget("busy", [record.name for record in records])
            for queue in queues:
                for step in PRIORITY_STEPS:
                    pipe.llen(f"{queue}{PRIORITY_SEPARATOR}{step}" if step else queue)
            busy, *lengths = pipe.execute()
        work = dict.fromkeys(queues, 0)
        slots = dict.fromkeys(queues, 0)
        for record, running in zip(records, busy, strict=True):
            work[record.queue] += int(running or 0)
            slots[record.queue] += record.slots
        for number, queue in enumerate(queues):
            work[queue] += sum(lengths[number * 4 : number * 4 + 4])
        return {queue: work[queue] / max(slots[queue], 1) for queue in queues}


class Cancellations:
    """A worker's memory of what was cancelled, fed by pub/sub: asking it costs no I/O.

    Messages missed while Redis was away are made good by `Store.begin`, which reads the hash.
    """

    SESSIONS = 10_000

    def __init__(self, url: str) -> None:
        self._first: OrderedDict[str, int | None] = OrderedDict()
        self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="cancellations", daemon=True)
        self._thread.start()

    def cancelled(self, session: str, segment: int) -> bool:
        """Whether this segment was cancelled while the worker listened."""
        if session not in self._first:
            return False
        first = self._first[session]
        return first is None or segment < first

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)
        self._client.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe("cancel")
                    while not self._stop.is_set():
                        if message := channel.get_message(timeout=0.5):
                            self._note(message["data"])
            except RedisError:
                self._stop.wait(0.5)

    def _note(self, data: bytes) -> None:
        session, first = json.loads(data)
        self._first[session] = first
        self._first.move_to_end(session)
        if len(self._first) > self.SESSIONS:
            self._first.popitem(last=False)


class Feed:
    """The gateway's one reader of all its sessions' event streams."""

    def __init__(self, url: str, gateway: str) -> None:
        self.url = url
        self._wake = f"wake:{gateway}"
        self._woken = "0-0"
        self._client: AsyncRedis = AsyncRedis.from_url(
            url, socket_timeout=5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )

    async def wake(self) -> None:
        """Makes a blocking `read` return, so that it can be called again with a new session."""
        with _reported(self.url):
            await self._client.xadd(self._wake, {"w": b""}, maxlen=1, approximate=False)
            await self._client.expire(self._wake, 60)

    async def read(self, after: Mapping[str, str]) -> list[tuple[str, str, Event | None]]:
        """Waits up to BLOCK_MS for events; `after` maps a session to the id read last ("0-0" = all).

        Returns (session, id, event) in the order of each stream; an entry that cannot be read has no
        event, but its id, so that the next read goes on behind it. Raises RedisUnavailable.
        """
        streams: dict[Any, Any] = {f"events:{session}": last for session, last in after.items()}
        streams[self._wake] = self._woken
        with _reported(self.url):
            reply: Any = await self._client.xread(streams, block=BLOCK_MS, count=256)
        found: list[tuple[str, str, Event | None]] = []
        for key, entries in reply.items() if isinstance(reply, dict) else reply or ():
            name = key.decode()
            if name == self._wake:
                self._woken = entries[-1][0].decode()
                continue
            session = name.removeprefix("events:")
            found += [(session, entry_id.decode(), decode(entry or {})) for entry_id, entry in entries]
        return found

    async def close(self) -> None:
        await self._client.aclose()

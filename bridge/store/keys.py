"""Every key and channel in Redis, how a connection is made, and how its errors become ours.

journal:{room}                             stream of Events, Decisions and Presences
room:{room}                                hash: `name`, `speak` and `listen` (sha256 of the secrets, hex),
                                           `spoke` and `heard` (participants numbered so far), `ended`;
                                           expires some time after its last use
rooms                                      sorted set: rooms that go on, by when they expire
present:{room}                             hash: gateway -> `at` (clock of Redis) and JSON of a Presence
audio:{session}:{segment}:{revision}       the speech of a segment, until its deadline (claim check)
partial:{session}:{segment}:{samples}      the speech so far of a segment that goes on, for one look at it
live:{session}                             hash: `from` = first segment still wanted, `draft` = the last draft
                                           `{segment}.{revision}` that is not, and for work sent
                                           again `{segment}.{revision}/{stage}/{target}` = first attempt still
                                           wanted; gone = nothing is wanted
claim:{session}/{segment}/{stage}/...      a worker took this attempt; nobody takes it twice
cancel                                     channel: changes of live:*, and PAUSE, RESUME, STOP, for speed; the
                                           hash and the journal are the truth
worker:{name}                              JSON of a live worker, expires without a heartbeat
workers                                    set of names; a name without its key is a dead worker
running                                    hash: what each worker runs right now
alive:{name}:{life}                        channel: whose only subscriber is that life of that worker
cache:{digest}                             a translation, until it is too old
cached                                     sorted set: digests by the time they were kept
cache                                      hash: hits and misses so far
session:{session}                          hash: what another gateway needs to go on with a session
flight:{session}                           stream: JSON of Flights and Ears, for FLIGHT_SECONDS
flights                                    sorted set: sessions of which there are any, by the last one
wake:{gateway}                             stream that interrupts the gateway's blocking read
speakers                                   hash: gateway -> how many speak there, and when it said so
gateways                                   hash: gateway -> where its metrics are, and when it said so
breakers                                   hash: `{stage}/{provider}` -> JSON of what is wrong with it
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from bridge.address import masked
from bridge.errors import RedisUnavailable, SettingsError
from bridge.types import Stage

WORKERS, RUNNING, CANCEL, ROOMS, SPEAKERS = "workers", "running", "cancel", "rooms", "speakers"
FLIGHTS, GATEWAYS, BREAKERS = "flights", "gateways", "breakers"
ALIVE = "alive:"
PRIORITY_STEPS = (0, 3, 6, 9)
PRIORITY_SEPARATOR = ":"


CONNECTIONS = 8
"""Connections of one asynchronous client at most; who comes later waits for one."""

clients: tuple[type[redis.Redis], type[AsyncRedis]] = (redis.Redis, AsyncRedis)
"""The blocking and the asynchronous one that are made here: others where `timed` measures them."""

SCRIPTS: dict[str, str] = {}
"""What the metrics call a script, by its text and by its digest."""

# Without it redis-py reads its version from the disk for each new connection: 10 ms of the event loop.
_DRIVER = DriverInfo(lib_version=redis.__version__)


def journal(room: str) -> str:
    return f"journal:{room}"


def room(name: str) -> str:
    return f"room:{name}"


def present(room: str) -> str:
    return f"present:{room}"


def audio(session: str, segment: int, revision: int) -> str:
    return f"audio:{session}:{segment}:{revision}"


def partial(session: str, segment: int, samples: int) -> str:
    return f"partial:{session}:{segment}:{samples}"


def live(session: str) -> str:
    return f"live:{session}"


def least(segment: int, revision: int, stage: Stage, target: str | None) -> str:
    """The field of `live` that holds the first attempt still wanted."""
    return f"{segment}.{revision}/{stage}/{target or ''}"


def claim(item: str) -> str:
    return f"claim:{item}"


def worker(name: str) -> str:
    return f"worker:{name}"


def alive(name: str, life: str) -> str:
    return f"{ALIVE}{name}:{life}"


def record(session: str) -> str:
    return f"session:{session}"


def flight(session: str) -> str:
    return f"flight:{session}"


def wake(gateway: str) -> str:
    return f"wake:{gateway}"


def lists(queue: str) -> list[str]:
    """The lists of a queue in the broker, one for each priority."""
    return [f"{queue}{PRIORITY_SEPARATOR}{step}" if step else queue for step in PRIORITY_STEPS]


def script(name: str, text: str) -> str:
    """`text`, a script that the metrics call `script:{name}`."""
    SCRIPTS[text] = SCRIPTS[hashlib.sha1(text.encode()).hexdigest()] = f"script:{name}"
    return text


def connect(url: str, *, patient: bool) -> redis.Redis:
    """A blocking client. A `patient` one (workers) rides out an outage of seconds; another fails at once.

    Raises SettingsError where `url` is none.
    """
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), 8) if patient else Retry(NoBackoff(), 1)
    timeout = 5.0 if patient else 0.5
    with _understood():
        return clients[0].from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=retry,
            health_check_interval=10,
            driver_info=_DRIVER,
        )


def connect_async(url: str, *, timeout: float = 1.0) -> AsyncRedis:
    """A client for an event loop: an outage fails at once. One retry, since pooled connections of a Redis
    that was restarted are all stale; what is sent twice by it counts once for its readers.

    Raises SettingsError where `url` is none.
    """
    with _understood():
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=0.5,
            retry=AsyncRetry(NoBackoff(), 1),
            driver_info=_DRIVER,
        )
    return clients[1].from_pool(pool)


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except ValueError:
        # `from None`: what urllib says of a port that is no number is a part of the password.
        raise SettingsError(
            "REDIS_URL is no URL of a Redis.",
            "Write redis://:PASSWORD@HOST:PORT/0, with @ : / ? # of the password as %40 %3A %2F %3F %23.",
        ) from None


@contextmanager
def reported(url: str) -> Iterator[None]:
    """Turns what redis-py raises into RedisUnavailable, without the password of the URL."""
    try:
        yield
    except (ResponseError, AuthenticationError) as error:
        # Redis 6 tells of it in the midst of the error of a script.
        if isinstance(error, OutOfMemoryError) or "OOM command not allowed" in str(error):
            raise RedisUnavailable(
                f"Redis at {masked(url)} is out of memory.",
                "Raise its `maxmemory` (REDIS_MAX_MEMORY for a private one), or stop what else fills it.",
            ) from error
        raise RedisUnavailable(
            f"Redis at {masked(url)} refuses: {error}.",
            "Check the password and the rights of its user, and look at its log.",
        ) from error
    except (RedisError, OSError) as error:
        raise RedisUnavailable(
            f"Redis at {masked(url)} does not answer: {error}.",
            "Start it, or set REDIS_URL to one that runs; `speechbridge up` starts its own.",
        ) from error

"""What one look shows: the nouns of `speechbridge status`, and the fields of its JSON. Times in seconds.

None is what nobody told: a gateway of another release, a process that cannot be reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.types import STAGES

ORDER: tuple[str, ...] = STAGES


@dataclass(frozen=True, slots=True)
class Spread:
    """Half of `count` took at most `p50`, 95 % at most `p95`."""

    p50: float | None = None
    p95: float | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """Since the look before, within the last minute, and since the processes started."""

    name: str
    last: Spread
    minute: Spread
    start: Spread


@dataclass(frozen=True, slots=True)
class Gateway:
    """`roles` are sessions by role, `waiting` the segments in its own order, `pending_bytes` what slow
    clients have not read, `lag_p95` how late its event loop was within the last minute, `pressure` the level
    of what it leaves out."""

    address: str
    up: bool
    version: str | None = None
    roles: dict[str, int] = field(default_factory=dict)
    connections: int | None = None
    waiting: int | None = None
    pending_bytes: int | None = None
    lag_p95: float | None = None
    pressure: int | None = None

    @property
    def sessions(self) -> int:
        """All of them."""
        return sum(self.roles.values())


@dataclass(frozen=True, slots=True)
class Queue:
    """`oldest` is for how long the oldest task waits."""

    name: str
    workers: int | None = None
    slots: int | None = None
    running: int | None = None
    length: int | None = None
    oldest: float | None = None

    @property
    def stage(self) -> str:
        """The stage that it is of."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Gpu:
    """The card of a worker: the share of the time in which it computed, and its memory, used by all."""

    busy: float | None = None
    used_bytes: int | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """`models` are their names, or how many there are; `ahead_ms` is how far its clock is ahead of Redis'.
    One that is not `connected` died a moment ago."""

    name: str
    stage: str
    device: str
    provider: str
    models: tuple[str, ...] | int | None = None
    busy: int | None = None
    slots: int | None = None
    ahead_ms: float | None = None
    draining: bool | None = None
    connected: bool | None = None
    gpu: Gpu | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a provider is asked: `closed`, `half-open` or `open`; `code` is that of its last error, `left`
    the time until it is tried again."""

    stage: str
    provider: str
    state: str
    code: str = ""
    left: float | None = None


@dataclass(frozen=True, slots=True)
class RedisState:
    up: bool | None = None
    used_bytes: int | None = None
    limit_bytes: int | None = None
    connections: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How often clients were told of it, within the last minute and since the start."""

    stage: str
    type: str
    minute: int
    total: int


@dataclass(frozen=True, slots=True)
class Late:
    """How an objective was kept within the last minute: `beyond` of `count` took longer than `slo`."""

    slo: float
    p95: float
    beyond: int
    count: int


@dataclass(frozen=True, slots=True)
class Look:
    """`window_s` is how much of the last minute is known, of which are the counts of segments, of drafts, of
    what was `left_out` and of what was sent `again`. `trouble` is what the gateway at `url` answers in place
    of metrics, "" for nothing; `unread` are the processes whose metrics cannot be read, and why; `apart` is
    why Redis itself told nothing here."""

    url: str
    seconds: float
    window_s: float
    trouble: str = ""
    gateways: tuple[Gateway, ...] = ()
    rooms: int | None = None
    queues: tuple[Queue, ...] = ()
    workers: tuple[Worker, ...] = ()
    breakers: tuple[Breaker, ...] = ()
    redis: RedisState = RedisState()
    timings: tuple[Timing, ...] = ()
    segments: dict[str, int] = field(default_factory=dict)
    drafts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    again: dict[str, int] = field(default_factory=dict)
    errors: tuple[ErrorCount, ...] = ()
    late: dict[str, Late] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    apart: str = ""

    @property
    def sessions(self) -> int:
        """Of all gateways."""
        return sum(gateway.sessions for gateway in self.gateways)


def in_order(queue: str) -> tuple[int, str]:
    """Where a queue or a stage stands among others: as speech passes them."""
    stage = queue.partition(".")[0]
    return ORDER.index(stage) if stage in ORDER else len(ORDER), queue

"""What waits in the queues of the broker, and how Redis itself fares: read when somebody scrapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.store import keys


@dataclass(frozen=True, slots=True)
class Queued:
    """How many tasks wait in a queue, and for how many seconds the oldest does, by the clock of Redis."""

    length: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """One look. `memory` is what Redis uses, `limit` what it may use, 0 where it has none."""

    queues: dict[str, Queued]
    memory: int
    limit: int
    connections: int


class Queues:
    """Called from an event loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def look(self, queues: Sequence[str]) -> Backlog:
        """The backlog of these queues, in one round trip. Raises RedisUnavailable."""
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.time()
                pipe.info("memory")
                pipe.info("clients")
                for queue in queues:
                    for name in keys.lists(queue):
                        pipe.llen(name)
                        pipe.lindex(name, -1)  # tasks enter at the other end
                (seconds, micros), memory, clients, *found = await pipe.execute()
        now = float(seconds) + float(micros) / 1e6
        each = len(found) // max(1, len(queues))
        parts = (found[at : at + each] for at in range(0, len(found), each))
        return Backlog(
            {queue: _queued(part, now) for queue, part in zip(queues, parts, strict=True)},
            memory["used_memory"],
            memory["maxmemory"],
            clients["connected_clients"],
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _queued(found: Sequence[Any], now: float) -> Queued:
    sent = filter(None, map(_sent, found[1::2]))
    return Queued(sum(found[::2]), max(0.0, now - min(sent, default=now)))


def _sent(message: bytes | None) -> float:
    """When a task was sent, by its Work; 0 where there is none, or nothing that is ours."""
    try:
        args, *_ = json.loads(base64.b64decode(json.loads(message or b"")["body"]))
        return float(args[0]["sent"])
    except (ValueError, TypeError, KeyError, IndexError):
        return 0.0

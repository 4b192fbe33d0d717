"""Who is in a room: each gateway keeps a record of its own people, and tells the others by the journal.

Records are stamped by the clock of Redis, so that of a gateway that died nothing is believed for long,
whatever the clocks of the hosts say.
"""

from __future__ import annotations

import json
from typing import Any

from bridge.store import keys
from bridge.store.journal import encode, presence
from bridge.types import Presence

FRESH_SECONDS = 25
"""Age from which a record is believed no more: its gateway is gone."""

# Record and announcement in one step, so that who reads the one has not missed the other. What dead
# gateways left goes along. KEYS: present, journal. ARGV: gateway, JSON or empty, seconds, the entry or empty.
_PUT = keys.script(
    "presence.put",
    """
local time = redis.call('TIME')
local now = tonumber(time[1])
for _, gateway in ipairs(redis.call('HKEYS', KEYS[1])) do
  local record = redis.call('HGET', KEYS[1], gateway)
  local at = tonumber(string.match(record, '^{"at":([%d.]+)'))
  if not at or at < now - tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], gateway) end
end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  local stamp = string.format('{"at":%s.%06d,', time[1], time[2])
  redis.call('HSET', KEYS[1], ARGV[1], stamp .. string.sub(ARGV[2], 2))
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
if ARGV[4] ~= '' then redis.call('XADD', KEYS[2], 'NOMKSTREAM', '*', 'p', ARGV[4]) end
""",
)


class Attendance:
    """Called from an event loop. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def put(self, room: str, record: Presence, ttl: int, *, announce: bool = False) -> None:
        """Leaves the record of a gateway for `ttl` seconds; with `announce` the others are told of it."""
        raw = encode(record)["p"]
        await self._put(room, record.gateway, raw, ttl, raw if announce else b"")

    async def remove(self, room: str, gateway: str, *, announce: bool = False) -> None:
        """Nobody is left in `room` at `gateway`."""
        nobody = encode(Presence(gateway, {}))["p"]
        await self._put(room, gateway, b"", FRESH_SECONDS, nobody if announce else b"")

    async def _put(self, room: str, gateway: str, raw: bytes, ttl: int, entry: bytes) -> None:
        values: list[Any] = [gateway, raw, str(ttl), entry]
        with keys.reported(self.url):
            await self._client.eval(_PUT, 2, keys.present(room), keys.journal(room), *values)

    async def get(self, room: str, within: float = FRESH_SECONDS) -> dict[str, Presence]:
        """The records of a room by gateway, of those that wrote within so many seconds."""
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.time()
                pipe.hgetall(keys.present(room))
                (seconds, micros), records = await pipe.execute()
        oldest = float(seconds) + float(micros) / 1e6 - within
        found = (_read(raw) for raw in records.values())
        return {each.gateway: each for at, each in filter(None, found) if at >= oldest}

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _read(raw: bytes) -> tuple[float, Presence] | None:
    """When a record was written and what it says; None for one that this release cannot read."""
    try:
        values = json.loads(raw)
        return float(values["at"]), presence(values)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None

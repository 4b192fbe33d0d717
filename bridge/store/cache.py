"""Translations made before, kept for all workers: the blocking side."""

from __future__ import annotations

from typing import Any

from bridge.store import keys

# By the clock of Redis: a host whose clock is ahead must not make the others' entries look old.
_REMEMBER = keys.script(
    "cache.remember",
    """
local time = redis.call('TIME')
time = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('SET', 'cache:' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], time, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time - tonumber(ARGV[3]) / 1000)
for _, old in ipairs(redis.call('ZRANGE', KEYS[1], 0, -tonumber(ARGV[4]) - 1)) do
  redis.call('DEL', 'cache:' .. old)
  redis.call('ZREM', KEYS[1], old)
end
""",
)


class Cache:
    """A worker's way to them. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Not patient: the engine is there, and nobody waits for what only spares its time.
        self.client = keys.connect(url, patient=False)
        self._remember: Any = self.client.register_script(_REMEMBER)

    def recall(self, digest: str) -> bytes | None:
        """What was kept under `digest`; counts a hit or a miss."""
        with keys.reported(self.url):
            found: Any = self.client.get(f"cache:{digest}")
            self.client.hincrby("cache", "misses" if found is None else "hits", 1)
        value: bytes | None = found
        return value

    def remember(self, digest: str, value: bytes, ttl: float, size: int) -> None:
        """Keeps `value` for `ttl` seconds, and of all values the `size` youngest."""
        with keys.reported(self.url):
            self._remember(keys=["cached"], args=[digest, value, max(1, int(ttl * 1000)), size])

    def recalled(self) -> tuple[int, int]:
        """Hits and misses of all workers since this Redis began."""
        with keys.reported(self.url):
            counts: list[Any] = self.client.hmget("cache", ["hits", "misses"])
        return int(counts[0] or 0), int(counts[1] or 0)

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

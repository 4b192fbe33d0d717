"""How many speak at each gateway: all of them share the same workers."""

from __future__ import annotations

from bridge.store import keys

FRESH_SECONDS = 10
"""Age from which a gateway's count is believed no more."""

# KEYS: speakers. ARGV: gateway, its count, seconds. Stamped by the clock of Redis, whatever the hosts' say.
_COUNT = keys.script(
    "speakers.count",
    """
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '@' .. string.format('%d', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
local others = 0
for _, gateway in ipairs(redis.call('HKEYS', KEYS[1])) do
  local count, at = string.match(redis.call('HGET', KEYS[1], gateway), '^(%d+)@(%d+)$')
  if not at or tonumber(at) < now - tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], gateway)
  elseif gateway ~= ARGV[1] then
    others = others + tonumber(count)
  end
end
return others
""",
)


class Speakers:
    """Called from an event loop. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def count(self, gateway: str, here: int) -> int:
        """Says how many speak at `gateway`, and returns how many do at all others."""
        with keys.reported(self.url):
            return int(
                await self._client.eval(_COUNT, 1, keys.SPEAKERS, gateway, str(here), str(FRESH_SECONDS))
            )

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

"""Where the metrics of each gateway are, for whoever collects them from all."""

from __future__ import annotations

from typing import Any

from bridge.store import keys

FRESH_SECONDS = 15
"""Age from which an address is believed no more: its gateway is gone. As long as a worker's heartbeat."""

# KEYS: gateways. ARGV: gateway, its address, seconds. Stamped by the clock of Redis, whatever the hosts' say.
_TELL = keys.script(
    "gateways.tell",
    """
redis.call('HSET', KEYS[1], ARGV[1], redis.call('TIME')[1] .. '@' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
""",
)
# What dead gateways left goes along.
_LIST = keys.script(
    "gateways.list",
    """
local now = tonumber(redis.call('TIME')[1])
local found = {}
for _, gateway in ipairs(redis.call('HKEYS', KEYS[1])) do
  local at, address = string.match(redis.call('HGET', KEYS[1], gateway), '^(%d+)@(.*)$')
  if not at or tonumber(at) < now - tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], gateway)
  else
    found[#found + 1] = address
  end
end
return found
""",
)


class Gateways:
    """Called from an event loop. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def tell(self, gateway: str, address: str) -> None:
        """Says for a while where the metrics of `gateway` are: a `host:port`."""
        with keys.reported(self.url):
            await self._client.eval(_TELL, 1, keys.GATEWAYS, gateway, address, str(FRESH_SECONDS))

    async def forget(self, gateway: str) -> None:
        """The gateway ends."""
        with keys.reported(self.url):
            await self._client.hdel(keys.GATEWAYS, gateway)

    async def addresses(self) -> list[str]:
        """Those of the gateways that live."""
        with keys.reported(self.url):
            found: Any = await self._client.eval(_LIST, 1, keys.GATEWAYS, str(FRESH_SECONDS))
        return [address.decode() for address in found]

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

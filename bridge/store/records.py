"""What another gateway needs to go on with a session whose client comes back to it: the gateway's side.

A record has one token at a time, of which only the hash is kept. Taking it gives the session to a gateway,
raises its fence unless that one holds it already, and changes the token; the one before stays good until the
client has shown that the new one arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import NotKept, WrongToken
from bridge.store import keys

_TAKE = keys.script(
    "records.take",
    """
local kept = redis.call('HMGET', KEYS[1], 'token', 'before', 'gateway')
if not kept[1] then return {'gone'} end
if ARGV[1] ~= kept[1] and ARGV[1] ~= kept[2] then return {'wrong'} end
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'before', ARGV[1], 'gateway', ARGV[3])
if kept[3] ~= ARGV[3] or ARGV[5] ~= '1' then redis.call('HINCRBY', KEYS[1], 'fence', 1) end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return redis.call('HMGET', KEYS[1], 'seat', 'fence', 'anchor', 'seq', 'segments', 'at', 'memory')
""",
)
# Only by the gateway that has the session: one that was too slow must not undo what the next one wrote.
_KEEP = keys.script(
    "records.keep",
    """
if redis.call('HGET', KEYS[1], 'gateway') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'seat', ARGV[3], 'anchor', ARGV[4], 'seq', ARGV[5], 'segments', ARGV[6])
return redis.call('EXPIRE', KEYS[1], ARGV[2])
""",
)
_MARK = keys.script(
    "records.mark",
    """
if redis.call('HGET', KEYS[1], 'gateway') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'at', ARGV[2], 'memory', ARGV[3])
end
""",
)
_FORGET = keys.script(
    "records.forget",
    "if redis.call('HGET', KEYS[1], 'gateway') == ARGV[1] then return redis.call('DEL', KEYS[1]) end",
)


@dataclass(frozen=True, slots=True)
class Record:
    """A session as it stands. `seat` is JSON, opaque here; after the entry `anchor` of the journal the client
    has been sent frames up to number `seq`; `segments` were cut by then. From sample `at` on its audio is
    wanted by whoever takes over, who judges it by `memory`, opaque here too."""

    seat: bytes
    anchor: str
    seq: int
    segments: int = 0
    fence: int = 0
    at: int = 0
    memory: bytes = b""


def hashed(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Records:
    """Called from the event loop of `gateway`. Every method raises RedisUnavailable."""

    def __init__(self, url: str, gateway: str) -> None:
        self.url = url
        self._gateway = gateway
        self._client = keys.connect_async(url)

    async def create(self, session: str, record: Record, token: str, ttl: int) -> None:
        """Begins a record that is kept for `ttl` seconds."""
        values: Mapping[Any, Any] = {
            "seat": record.seat,
            "anchor": record.anchor,
            "seq": record.seq,
            "segments": record.segments,
            "fence": record.fence,
            "gateway": self._gateway,
            "token": hashed(token),
        }
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hset(keys.record(session), mapping=values)
                pipe.expire(keys.record(session), ttl)
                await pipe.execute()

    async def keep(self, records: Mapping[str, Record], ttl: int) -> None:
        """Brings records up to date and keeps them for `ttl` seconds more."""
        if not records:
            return
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                for session, it in records.items():
                    values = [it.seat, it.anchor, it.seq, it.segments]
                    pipe.eval(_KEEP, 1, keys.record(session), self._gateway, ttl, *values)  # type: ignore[arg-type]
                await pipe.execute()

    async def take(self, session: str, token: str, new: str, ttl: int, held: bool = False) -> Record:
        """Gives the session to this gateway, and its client the token `new`; `held`: it is here already.

        Raises NotKept, and WrongToken for a token that is none of it or was used.
        """
        with keys.reported(self.url):
            reply: Any = await self._client.eval(
                _TAKE,
                1,
                keys.record(session),
                hashed(token),
                hashed(new),
                self._gateway,
                str(ttl),
                str(int(held)),
            )
        if reply == [b"gone"]:
            raise NotKept(
                "The session is not kept any more, or never was.", "Start a new one, without resume."
            )
        if reply == [b"wrong"]:
            raise WrongToken(
                "The resume token does not belong to this session, or was used before.",
                "Use the token of the newest session.started; start a new session where it is lost.",
            )
        seat, fence, anchor, seq, segments, at, memory = reply
        return Record(seat, anchor.decode(), int(seq), int(segments), int(fence), int(at or 0), memory or b"")

    async def mark(self, session: str, at: int, memory: bytes) -> None:
        """Audio before sample `at` is not needed any more."""
        with keys.reported(self.url):
            await self._client.eval(_MARK, 1, keys.record(session), self._gateway, str(at), memory)

    async def confirm(self, session: str) -> None:
        """The client has the new token: the one before is used up."""
        with keys.reported(self.url):
            await self._client.hdel(keys.record(session), "before")

    async def forget(self, session: str) -> None:
        """The session is over."""
        with keys.reported(self.url):
            await self._client.eval(_FORGET, 1, keys.record(session), self._gateway)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

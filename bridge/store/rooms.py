"""The rooms: made with one secret for speaking and one for listening, numbered by who takes part, ended.

Of a secret only the SHA-256 is kept: it is 16 random bytes, which nobody finds by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from bridge.errors import RoomEnded, TooManyRooms, UnknownRoom, WrongSecret
from bridge.store import keys
from bridge.store.journal import encode
from bridge.types import Decision

ENDED_SECONDS = 3_600
"""Time for which those who come late are told that a room was ended."""
SPEAKING, LISTENING = range(1, 1_024), range(1_024, 4_096)
"""Numbers of those who may speak, which are found in their segments, and of all others."""

# KEYS: room, rooms. ARGV: id, name, speak, listen, seconds, rooms at most.
# 1: made, 0: the id is taken, -1: no place.
_CREATE = keys.script(
    "rooms.create",
    """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then return -1 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'name', ARGV[2], 'speak', ARGV[3], 'listen', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[5]), ARGV[1])
return 1
""",
)
# KEYS: room, rooms. ARGV: id, seconds.
_TOUCH = keys.script(
    "rooms.touch",
    """
if redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
if redis.call('EXPIRE', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], tonumber(redis.call('TIME')[1]) + tonumber(ARGV[2]), ARGV[1])
return 1
""",
)
# Not one that a speaker holds who is there: all numbers were given out since. KEYS: room, present.
# ARGV: field that counts, first number, how many there are. 0: no such room.
_SEAT = keys.script(
    "rooms.seat",
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local taken = {}
for _, record in ipairs(redis.call('HVALS', KEYS[2])) do
  local read, values = pcall(cjson.decode, record)
  for _, speaker in ipairs(read and values.speakers or {}) do taken[speaker.number] = true end
end
local number
for _ = 1, tonumber(ARGV[3]) do
  number = tonumber(ARGV[2]) + (redis.call('HINCRBY', KEYS[1], ARGV[1], 1) - 1) % tonumber(ARGV[3])
  if not taken[number] then break end
end
return number
""",
)
# KEYS: room, rooms, journal. ARGV: id, seconds, the entry. In one step: who asks again after a lost answer
# finds the room ended, and everybody was told.
_END = keys.script(
    "rooms.end",
    """
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HSETNX', KEYS[1], 'ended', '1') == 0 then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'NOMKSTREAM', '*', 'd', ARGV[3])
return 1
""",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A new room, and the only place where its secrets stand: who has `speak` may listen too."""

    room: str
    speak: str
    listen: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a secret opens."""

    room: str
    name: str
    may_speak: bool


class Rooms:
    """Called from an event loop. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def create(self, name: str, ttl: int, most: int) -> Made:
        """Makes a room for `ttl` seconds beyond its last use. Raises TooManyRooms where `most` go on."""
        speak, listen = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        while True:
            room = secrets.token_hex(6)
            values = [room, name, _digest(speak), _digest(listen), str(ttl), str(most)]
            with keys.reported(self.url):
                made: Any = await self._client.eval(_CREATE, 2, keys.room(room), keys.ROOMS, *values)
            if made == 1:
                return Made(room, speak, listen)
            if made < 0:
                raise TooManyRooms(
                    f"All {most} rooms of this server are taken.",
                    "Try again later, or end one that is not needed; the operator may raise ROOMS_MAX.",
                )

    async def open(self, room: str, secret: str) -> Access:
        """What `secret` allows in `room`. Raises UnknownRoom, WrongSecret or RoomEnded."""
        with keys.reported(self.url):
            found: Any = await self._client.hmget(keys.room(room), ["name", "speak", "listen", "ended"])
        name, speak, listen, ended = found
        if speak is None or listen is None:
            raise unknown()
        digest = _digest(secret).encode()
        speaks, listens = hmac.compare_digest(digest, speak), hmac.compare_digest(digest, listen)
        if not speaks and not listens:
            raise WrongSecret(
                "The secret is not one of this room.", "Open the whole link, with what stands behind its #."
            )
        if ended:
            raise RoomEnded("The room was ended.", "Ask for the link of a new one.")
        return Access(room, (name or b"").decode(), speaks)

    async def seat(self, room: str, *, speaks: bool) -> int:
        """The number of one more participant, from SPEAKING or LISTENING. Raises UnknownRoom.

        Numbers are given again when all of them were, those of speakers that are present not.
        """
        numbers, field = (SPEAKING, "spoke") if speaks else (LISTENING, "heard")
        values = [field, str(numbers.start), str(len(numbers))]
        with keys.reported(self.url):
            number: Any = await self._client.eval(_SEAT, 2, keys.room(room), keys.present(room), *values)
        if not number:
            raise unknown()
        return int(number)

    async def touch(self, room: str, ttl: int) -> bool:
        """Keeps a room for `ttl` seconds more; False where there is none that goes on."""
        with keys.reported(self.url):
            kept: Any = await self._client.eval(_TOUCH, 2, keys.room(room), keys.ROOMS, room, str(ttl))
        return bool(kept)

    async def count(self) -> int:
        """How many go on."""
        with keys.reported(self.url):
            seconds, _ = await self._client.time()
            return int(await self._client.zcount(keys.ROOMS, f"({seconds}", "+inf"))

    async def end(self, room: str) -> None:
        """Ends a room, and tells all who are there by `closed` in its journal."""
        named = [keys.room(room), keys.ROOMS, keys.journal(room)]
        entry = encode(Decision("closed", ""))["d"]
        with keys.reported(self.url):
            await self._client.eval(_END, 3, *named, room, str(ENDED_SECONDS), entry)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def unknown() -> UnknownRoom:
    """No such room is there."""
    return UnknownRoom(
        "There is no such room: it never was, or it expired unused.",
        "Check the link, or ask for a new one.",
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

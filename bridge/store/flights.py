"""The flight recorder's tape: what happened to the segments of each session, kept for a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from bridge.store import keys
from bridge.types import Ear, Flight, Leg

SESSIONS = 1_000
"""Sessions on the tape at most; those that were heard of longest ago go. With 200 segments each of 700 bytes
they would take 140 MB, a seventh of what a private Redis has by default."""

# KEYS: flights. ARGV: session, seconds to keep, prefix of the streams.
_NOTE = keys.script(
    "flights.note",
    """
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1] .. '.' .. string.format('%06d', now[2]), ARGV[1])
redis.call('EXPIRE', ARGV[3] .. ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now[1] - ARGV[2])
for _, old in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1 - tonumber(ARGV[4]))) do
  redis.call('UNLINK', ARGV[3] .. old)
  redis.call('ZREM', KEYS[1], old)
end
""",
)

Line = Flight | Ear
_DEFAULTS: dict[type[object], dict[str, Any]] = {
    kind: {field.name: field.default for field in fields(kind)} for kind in (Flight, Ear, Leg)
}


def encode(line: Line) -> bytes:
    """JSON of what is not the default."""
    values = _told(line, asdict(line))
    if isinstance(line, Flight):
        values["legs"] = [_told(leg, asdict(leg)) for leg in line.legs]
    return json.dumps(values, separators=(",", ":")).encode()


def _told(item: Line | Leg, values: Mapping[str, Any]) -> dict[str, Any]:
    defaults = _DEFAULTS[type(item)]
    return {name: value for name, value in values.items() if value != defaults[name]}


def decode(raw: bytes | str) -> Line | None:
    """What a line holds, None for one that this release cannot read."""
    try:
        values = json.loads(raw)
        if "kind" in values:
            return Ear(**_known(Ear, values))
        values["legs"] = tuple(Leg(**_known(Leg, leg)) for leg in values["legs"])
        values["again"] = tuple(values.get("again", ()))
        return Flight(**_known(Flight, values))
    except (ValueError, TypeError, KeyError):
        return None


def _known(kind: type[object], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in _DEFAULTS[kind]}


class Tape:
    """A gateway's way to it. Every method raises RedisUnavailable."""

    def __init__(self, url: str, seconds: int, segments: int) -> None:
        """Lines are kept for so many seconds after a session's last one, those of so many segments."""
        self.url = url
        self._client = keys.connect_async(url)
        self._seconds = seconds
        self._lines = segments * 3  # a record, its first sound, and when that was played

    async def append(self, lines: Iterable[Line]) -> None:
        """Writes lines of any sessions, in one round trip."""
        by_session: dict[str, list[Line]] = {}
        for line in lines:
            by_session.setdefault(line.session, []).append(line)
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                for session, its in by_session.items():
                    for line in its:
                        pipe.xadd(
                            keys.flight(session), {"f": encode(line)}, maxlen=self._lines, approximate=False
                        )
                    more = (session, str(self._seconds), keys.flight(""), str(SESSIONS))
                    pipe.eval(_NOTE, 1, keys.FLIGHTS, *more)
                await pipe.execute()

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


class Reader:
    """The command line's view of it. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: Any = keys.connect(url, patient=False)

    def sessions(self) -> list[tuple[str, float]]:
        """Sessions that are recorded, and when they were last heard of (clock of Redis): the latest first."""
        with keys.reported(self.url):
            found = self._client.zrevrange(keys.FLIGHTS, 0, -1, withscores=True)
        return [(name.decode(), score) for name, score in found]

    def lines(self, session: str, after: str = "0-0") -> tuple[list[Line], str]:
        """What is recorded of a session behind the line `after`, and the name of the last one."""
        with keys.reported(self.url):
            entries = self._client.xrange(keys.flight(session), f"({after}", "+")
        found = [line for _, entry in entries if (line := decode(entry[b"f"])) is not None]
        return found, entries[-1][0].decode() if entries else after

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

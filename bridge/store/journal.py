"""The journal of a room: one stream of what its workers made and its gateways decided, in order.

A gateway reads the journals of all its rooms by one blocking read, and appends its own decisions without
blocking; workers append by store/work.py. Folding a journal gives every reader the same frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, get_args

from redis.asyncio import Redis as AsyncRedis

from bridge.store import keys
from bridge.types import Attendant, Decision, DecisionKind, Entry, Event, EventKind, Presence, Target

BLOCK_MS = 2_000
"""Longest blocking read; redis-py 8 gives up after its socket timeout of 5 s and re-sends silently."""
COUNT = 256
"""Entries of one journal that one read returns at most."""
BEGIN = "0-0"
"""The id before the first entry of any journal."""

# Trimmed to nothing at once: a reader from the start would be woken by an entry without end. One script,
# since of two gateways that open a room at once the later one must not trim what the earlier one wrote.
_OPEN = keys.script(
    "journal.open",
    """
if redis.call('EXPIRE', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('XADD', KEYS[1], 'MAXLEN', '0', '*', 'o', '')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
""",
)

_EVENT = {field.name: field.default for field in fields(Event)}
_DECISION = {field.name: field.default for field in fields(Decision)}
_TARGET = {field.name: field.default for field in fields(Target)}
_PRESENCE = {field.name: field.default for field in fields(Presence)}
_ATTENDANT = {field.name: field.default for field in fields(Attendant)}
Item = Event | Decision | Presence
_NAMES = {Event: ("e", _EVENT), Decision: ("d", _DECISION), Presence: ("p", _PRESENCE)}
_KINDS = frozenset(get_args(EventKind)), frozenset(get_args(DecisionKind))


def encode(item: Item) -> dict[str, bytes]:
    """An entry's fields: JSON of what is not the default, under `e`, `d` or `p`; PCM stays raw."""
    name, defaults = _NAMES[type(item)]
    values = {key: value for key, value in asdict(item).items() if key != "pcm" and value != defaults[key]}
    entry = {name: _json(values)}
    if isinstance(item, Event) and item.pcm:
        entry["pcm"] = item.pcm
    return entry


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def decode(entry: Mapping[bytes, bytes]) -> Item | None:
    """What an entry holds, or None for one that this release cannot read: nobody may stall on it."""
    try:
        if b"p" in entry:
            return presence(json.loads(entry[b"p"]))
        if b"e" in entry:
            values = _known(json.loads(entry[b"e"]), _EVENT)
            values["marks"] = tuple(values.get("marks", ()))
            return Event(**values, pcm=entry.get(b"pcm", b"")) if values["kind"] in _KINDS[0] else None
        values = _known(json.loads(entry[b"d"]), _DECISION)
        values["targets"] = tuple(Target(**_known(each, _TARGET)) for each in values.get("targets", ()))
        return Decision(**values) if values["kind"] in _KINDS[1] else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def presence(values: Mapping[str, Any]) -> Presence:
    """Who is there, of its JSON. Raises KeyError, TypeError or ValueError where it is none."""
    speakers = tuple(Attendant(**_known(each, _ATTENDANT)) for each in values.get("speakers", ()))
    listeners = {str(language): int(count) for language, count in values["listeners"].items()}
    partials = tuple(map(str, values.get("partials", ())))
    return Presence(str(values["gateway"]), listeners, speakers, partials)


def _known(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of this release; those of a newer one are ignored."""
    return {name: value for name, value in values.items() if name in defaults}


class Journal:
    """A gateway's way to the journals of its rooms. Every method raises RedisUnavailable."""

    def __init__(self, url: str, gateway: str) -> None:
        self.url = url
        self._wake = keys.wake(gateway)
        self._woken = BEGIN
        self._reader = keys.connect_async(url, timeout=5)
        self._writer: AsyncRedis = keys.connect_async(url)

    async def open(self, rooms: Iterable[str], ttl: int) -> set[str]:
        """Makes journals, or keeps them for `ttl` seconds more. Returns those that were not there."""
        names = list(rooms)
        if not names:
            return set()
        with keys.reported(self.url):
            async with self._writer.pipeline(transaction=False) as pipe:
                for room in names:
                    pipe.eval(_OPEN, 1, keys.journal(room), str(ttl))
                made = await pipe.execute()
        return {room for room, new in zip(names, made, strict=True) if new}

    async def append(self, items: Sequence[tuple[str, Item]]) -> None:
        """Writes items of several rooms, in order, in one round trip; a room that is gone stays so."""
        with keys.reported(self.url):
            async with self._writer.pipeline(transaction=False) as pipe:
                for room, item in items:
                    pipe.xadd(keys.journal(room), encode(item), nomkstream=True)  # type: ignore[arg-type]
                await pipe.execute()

    async def read(self, after: Mapping[str, str]) -> list[tuple[str, Entry, int]]:
        """Waits up to BLOCK_MS for entries; `after` maps a room to the id read last (BEGIN: from the start).

        Returns (room, entry, bytes of its audio) in the order of each journal.
        """
        streams: dict[Any, Any] = {keys.journal(room): last for room, last in after.items()}
        streams[self._wake] = self._woken
        with keys.reported(self.url):
            reply: Any = await self._reader.xread(streams, block=BLOCK_MS, count=COUNT)
        found: list[tuple[str, Entry, int]] = []
        for key, entries in reply.items() if isinstance(reply, dict) else reply or ():
            name = key.decode()
            if name == self._wake:
                self._woken = entries[-1][0].decode()
                continue
            room = name.removeprefix("journal:")
            for entry_id, entry in entries:
                size = sum(map(len, (entry or {}).values()))
                found.append((room, Entry(entry_id.decode(), decode(entry or {})), size))
        return found

    async def history(self, room: str, after: str) -> list[tuple[Entry, int]]:
        """The next entries behind id `after`, COUNT at most, with the bytes of each; empty at the end."""
        with keys.reported(self.url):
            reply: Any = await self._writer.xrange(keys.journal(room), min=f"({after}", count=COUNT)
        return [
            (Entry(entry_id.decode(), decode(entry or {})), sum(map(len, (entry or {}).values())))
            for entry_id, entry in reply
        ]

    async def wake(self) -> None:
        """Makes a blocking `read` return, so that it can be called again with a new room."""
        with keys.reported(self.url):
            await self._writer.xadd(self._wake, {"w": b""}, maxlen=1, approximate=False)
            await self._writer.expire(self._wake, 60)

    async def trim(self, before: Mapping[str, str]) -> None:
        """Forgets the entries of each room before the id given."""
        if not before:
            return
        with keys.reported(self.url):
            async with self._writer.pipeline(transaction=False) as pipe:
                for room, least in before.items():
                    pipe.xtrim(keys.journal(room), minid=least, approximate=False)
                await pipe.execute()

    async def drop(self, room: str) -> None:
        """Forgets the journal of a room that is over."""
        with keys.reported(self.url):
            await self._writer.delete(keys.journal(room))

    async def close(self) -> None:
        """Closes both connections."""
        await self._reader.aclose()
        await self._writer.aclose()

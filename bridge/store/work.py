"""A worker takes a piece of work, reports what it made, and is done with it: the blocking side.

Taking is one script, so that it is decided in one place whether an attempt is still wanted, whether it
comes in time by the clock that all hosts share, and whether it was taken before (a broker may deliver twice).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.store import keys
from bridge.store.journal import encode
from bridge.types import Event, Stage, Work

CLAIM_SECONDS = 150
"""Shortest time for which a claim is kept: a task that is delivered again a minute later must find it."""

# KEYS: live, claim, journal, running, audio. ARGV: segment, attempt, field of the least attempt, deadline,
# least seconds to keep the claim, worker, what it runs, the entry's JSON up to queued_ms, when it was sent,
# a token of this call, so that a client that asks again after a lost answer still gets its work, the revision
# of a draft or nothing.
_TAKE = keys.script(
    "work.take",
    """
local first = redis.call('HGET', KEYS[1], 'from')
if not first or tonumber(ARGV[1]) < tonumber(first) then return {'gone', '0'} end
local dropped = ARGV[11] ~= '' and redis.call('HGET', KEYS[1], 'draft')
if dropped then
  local segment, revision = string.match(dropped, '(%d+)%.(%d+)')
  if segment == ARGV[1] and tonumber(ARGV[11]) <= tonumber(revision) then return {'gone', '0'} end
end
local least = redis.call('HGET', KEYS[1], ARGV[3])
if least and tonumber(ARGV[2]) < tonumber(least) then return {'superseded', '0'} end
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local stamp = string.format('%.6f', now)
local deadline = tonumber(ARGV[4])
local keep = math.max(tonumber(ARGV[5]), math.ceil(deadline - now))
if redis.call('SET', KEYS[2], ARGV[10], 'NX', 'EX', keep) then
  local sent = tonumber(ARGV[9])
  local queued = string.format('%.2f', sent > 0 and math.max(0, (now - sent) * 1000) or 0)
  redis.call('XADD', KEYS[3], 'NOMKSTREAM', '*', 'e', ARGV[8] .. ',"queued_ms":' .. queued .. '}')
elseif redis.call('GET', KEYS[2]) ~= ARGV[10] then return {'taken', '0'} end
redis.call('HSET', KEYS[4], ARGV[6], ARGV[7])
if deadline > 0 and now > deadline then return {'late', stamp} end
local audio = KEYS[5] ~= '' and redis.call('GET', KEYS[5]) or false
return {'wanted', stamp, audio}
""",
)

# KEYS: journal. ARGV: the entry's JSON up to queued_ms, when the command was given.
_OBEYED = keys.script(
    "work.obeyed",
    """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local ms = string.format('%.2f', math.max(0, (now - tonumber(ARGV[2])) * 1000))
redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'e', ARGV[1] .. ',"queued_ms":' .. ms .. '}')
return ms
""",
)

# A partial is not claimed, and nobody waits for it. KEYS: live, audio. ARGV: segment, deadline.
_LOOK = keys.script(
    "work.look",
    """
local first = redis.call('HGET', KEYS[1], 'from')
if not first or tonumber(ARGV[1]) < tonumber(first) then return {'gone', '0'} end
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local stamp = string.format('%.6f', now)
if now > tonumber(ARGV[2]) then return {'late', stamp} end
if KEYS[2] == '' then return {'wanted', stamp} end
local audio = redis.call('GET', KEYS[2])
if not audio then return {'gone', stamp} end
redis.call('DEL', KEYS[2])
return {'wanted', stamp, audio}
""",
)

Verdict = Literal["wanted", "late", "gone", "superseded", "taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether to do the work (`late` is told to the gateway), when that was by Redis' clock, its audio."""

    verdict: Verdict
    at: float = 0.0
    pcm: bytes | None = None


class Desk:
    """A worker's way to its work. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = keys.connect(url, patient=True)
        self._take: Any = self.client.register_script(_TAKE)
        self._obeyed: Any = self.client.register_script(_OBEYED)
        self._look: Any = self.client.register_script(_LOOK)

    def take(self, stage: Stage, work: Work, worker: str, running: Sequence[str]) -> Taken:
        """Takes the work for `worker`, which then runs the items named; reports the start. One round trip."""
        started = Event(
            "started",
            stage,
            work.session,
            work.segment,
            work.revision,
            work.attempt,
            target=work.target,
            part=work.part,
            worker=worker,
        )
        item = work.item(stage)
        entry = encode(started)["e"].decode().removesuffix("}")
        with keys.reported(self.url):
            reply = self._take(
                keys=[
                    keys.live(work.session),
                    keys.claim(item),
                    keys.journal(work.room),
                    keys.RUNNING,
                    work.audio,
                ],
                args=[
                    work.segment,
                    work.attempt,
                    keys.least(work.segment, work.revision, stage, work.target),
                    work.until(stage),
                    CLAIM_SECONDS,
                    worker,
                    json.dumps(list(running)),
                    entry,
                    work.sent,
                    secrets.token_hex(8),
                    work.revision if work.draft else "",
                ],
            )
        verdict, at = reply[0].decode(), float(reply[1])
        return Taken(verdict, at, reply[2] if len(reply) > 2 else None)

    def look(self, work: Work) -> Taken:
        """Whether a partial is still wanted, and the speech so far where stt needs it. Reports nothing."""
        with keys.reported(self.url):
            reply = self._look(keys=[keys.live(work.session), work.audio], args=[work.segment, work.deadline])
        return Taken(reply[0].decode(), float(reply[1]), reply[2] if len(reply) > 2 else None)

    def emit(self, room: str, event: Event) -> None:
        """Appends to the room's journal; a room that is over hears nothing, and no key comes back."""
        with keys.reported(self.url):
            self.client.xadd(keys.journal(room), encode(event), nomkstream=True)  # type: ignore[arg-type]

    def obeyed(self, room: str, session: str, number: int, at: float, worker: str) -> float:
        """Acknowledges decision `number` of a session, which was made `at`; returns for how long it was on
        its way, in milliseconds."""
        obeyed = Event("obeyed", "tts", session, 0, index=number, worker=worker)
        entry = encode(obeyed)["e"].decode().removesuffix("}")
        with keys.reported(self.url):
            return float(self._obeyed(keys=[keys.journal(room)], args=[entry, at]))

    def runs(self, worker: str, running: Sequence[str]) -> None:
        """Says what the worker runs now."""
        with keys.reported(self.url):
            self.client.hset(keys.RUNNING, worker, json.dumps(list(running)))

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

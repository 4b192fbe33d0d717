"""The circuit breaker of each provider, one for all workers: nobody asks a provider that is known to be down.

The hash `breakers` has a record of each provider with which something is wrong: `n` failures in a row, the
last one `at`, with its `code`; once it is open, `since` when, `till` when, and for how long it `wait`s. From
`till` on it is half-open: one call at a time is let through to find out, which holds the `lease` by its
`token`. All times are seconds on the clock of Redis.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from typing import Any, Literal, cast

import structlog

from bridge.errors import BridgeError, RedisUnavailable
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.circuits import remedy
from bridge.types import Stage

log = structlog.get_logger(__name__)

FORGET_SECONDS = 300
"""Failures are in a row only if no more time than this lies between two of them."""
LONGEST_SECONDS = 300
"""A breaker whose probes fail is tried again so often at least."""
LASTING_SECONDS = 300
"""For how long it opens where the error will not pass by itself."""
LASTING = frozenset({"quota", "auth"})
TOLD_SECONDS = 3_600
"""The longest pause that a provider may ask for."""
LEASE_SECONDS = 20
"""After which another call may probe: whoever had the probe died, or its deadline is longer than most."""
AWAY_SECONDS = 1.0
"""Where Redis does not answer, it is not asked again for so long: each call would wait for it."""
KEPT_SECONDS = 86_400

_READ = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local raw = redis.call('HGET', KEYS[1], ARGV[1])
local kept = raw and cjson.decode(raw)
local mine = kept and ARGV[2] ~= '' and kept.token == ARGV[2]
local function keep()
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(kept))
  redis.call('EXPIRE', KEYS[1], KEPT_SECONDS)
end
""".replace("KEPT_SECONDS", str(KEPT_SECONDS))
# ARGV: provider, a token that nobody else has, FORGET_SECONDS, LEASE_SECONDS.
_ADMIT = keys.script(
    "breakers.admit",
    _READ
    + """
if kept and not kept.till and now - kept.at > tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[1], ARGV[1])
  kept = nil
end
if not kept then return {'closed', 0} end
if not kept.till then return {'closed', 1} end
if now < math.max(kept.till, kept.lease or 0) then return {'open', 1} end
kept.lease, kept.token = now + tonumber(ARGV[4]), ARGV[2]
keep()
return {'probe', 1}
""",
)
# ARGV: provider, token or "". A call that was let through before it opened proves nothing.
_SUCCEEDED = keys.script(
    "breakers.succeeded",
    _READ
    + """
if not kept or (kept.till and ARGV[2] == '') then return {'', 0} end
redis.call('HDEL', KEYS[1], ARGV[1])
return kept.till and {'closed', math.floor(now - kept.since)} or {'', 0}
""",
)
# ARGV: provider, token or "", code, seconds it asks for or 0, threshold, cooldown, FORGET_SECONDS,
# LONGEST_SECONDS.
_FAILED = keys.script(
    "breakers.failed",
    _READ
    + """
local told, cooldown = tonumber(ARGV[4]), tonumber(ARGV[6])
local event = ''
kept = kept or {n = 0, at = now}
if not kept.till then
  if now - kept.at > tonumber(ARGV[7]) then kept.n = 0 end
  kept.n, kept.at, kept.code = kept.n + 1, now, ARGV[3]
  if told > 0 or kept.n >= tonumber(ARGV[5]) then
    event = 'opened'
    kept.since, kept.wait = now, cooldown
    kept.till = now + (told > 0 and told or cooldown)
  end
elseif mine then
  event = 'again'
  kept.n, kept.at, kept.code = kept.n + 1, now, ARGV[3]
  kept.wait = math.max(cooldown, math.min(kept.wait * 2, tonumber(ARGV[8])))
  kept.till = now + math.max(told, kept.wait)
  kept.lease, kept.token = nil, nil
elseif told > 0 and now + told > kept.till + 1 then
  event = 'again'
  kept.till, kept.code = now + told, ARGV[3]
end
keep()
return {event, kept.till and math.ceil(kept.till - now) or 0}
""",
)
# ARGV: provider, token.
_SPARED = keys.script(
    "breakers.spared",
    _READ
    + """
if mine then
  kept.lease, kept.token = nil, nil
  keep()
end
return {'', 0}
""",
)

Verdict = Literal["closed", "probe", "open"]


class Breakers:
    """A worker's way to the breakers of its stage; a bridge.providers.breaker.Breaker.

    A call is settled by the thread that it was admitted to. None of the methods raises: where Redis does not
    answer, every breaker is closed.
    """

    def __init__(self, url: str, stage: Stage, settings: Settings) -> None:
        self.url = url
        self.stage = stage
        self._threshold = settings.circuit_breaker_threshold
        self._cooldown = settings.circuit_breaker_seconds
        # Not patient: nobody waits for what only spares time.
        self._client = keys.connect(url, patient=False)
        self._admit, self._succeeded, self._failed, self._spared = (
            self._client.register_script(text) for text in (_ADMIT, _SUCCEEDED, _FAILED, _SPARED)
        )
        self._life = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._probes: dict[tuple[str, int], str] = {}
        self._ailing: set[str] = set()
        self._away_until = 0.0
        self._away = False

    def admit(self, provider: str) -> Verdict:
        """Whether it may be asked now; of `probe`, this thread is to tell what became of it."""
        token = f"{self._life}:{next(self._numbers)}"
        self._mine(provider)
        answer = self._ask(self._admit, provider, token, FORGET_SECONDS, LEASE_SECONDS)
        verdict, ailing = cast(tuple[Verdict, int], answer or ("closed", 0))
        (self._ailing.add if ailing else self._ailing.discard)(provider)
        if verdict == "probe":
            self._probes[provider, threading.get_ident()] = token
            log.debug("provider is tried again", stage=self.stage, provider=provider)
        return verdict

    def succeeded(self, provider: str) -> None:
        """It did what was asked. Costs nothing where it did so before."""
        token = self._mine(provider)
        if not token and provider not in self._ailing:
            return
        self._ailing.discard(provider)
        event, seconds = self._ask(self._succeeded, provider, token) or ("", 0)
        if event:
            log.info("provider is well again", stage=self.stage, provider=provider, after_seconds=seconds)

    def failed(self, provider: str, error: Exception) -> None:
        """It failed or was late: after some in a row, or at once where the error says so, nobody asks it."""
        code = error.code if isinstance(error, BridgeError) else "internal"
        limits = (self._threshold, self._cooldown, FORGET_SECONDS, LONGEST_SECONDS)
        self._ailing.add(provider)
        answer = self._ask(self._failed, provider, self._mine(provider), code, told(error), *limits)
        event, seconds = answer or ("", 0)
        if event:
            log.warning(
                "provider is not asked for now" if event == "opened" else "provider is still not asked",
                stage=self.stage,
                provider=provider,
                code=code,
                seconds=seconds,
                hint=remedy(code),
            )

    def spared(self, provider: str) -> None:
        """It was not asked to the end, or for no fault of it in vain: the next one may probe."""
        if token := self._mine(provider):
            self._ask(self._spared, provider, token)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _mine(self, provider: str) -> str:
        """The probe of this thread, which ends with it; "" for none."""
        return self._probes.pop((provider, threading.get_ident()), "")

    def _ask(self, script: Any, provider: str, *args: object) -> tuple[str, int] | None:
        """What Redis answers; None where it does not."""
        if time.monotonic() < self._away_until:
            return None
        try:
            with keys.reported(self.url):
                event, number = script(keys=[keys.BREAKERS], args=[f"{self.stage}/{provider}", *args])
        except RedisUnavailable as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            if not self._away:
                log.warning("breakers not known: all are asked", error=error.message, hint=error.hint)
            self._away = True
            return None
        self._away = False
        return event.decode(), number


def told(error: Exception) -> float:
    """For how many seconds not to ask again, by what the error says; 0 where it says nothing."""
    if getattr(error, "code", "") in LASTING:
        return LASTING_SECONDS
    after = getattr(error, "retry_after_ms", None) or 0
    return min(max(0.0, after / 1000), TOLD_SECONDS)

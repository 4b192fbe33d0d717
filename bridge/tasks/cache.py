"""Translations made before, kept in Redis for all workers, because people and attempts repeat themselves."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Protocol, runtime_checkable

import structlog

from bridge.errors import RedisUnavailable
from bridge.providers import Translator
from bridge.settings import Options, Settings
from bridge.streams import Store
from bridge.types import Phrase, Translation

log = structlog.get_logger(__name__)


@runtime_checkable
class Cacheable(Protocol):
    """A translator slow enough for a look-up of 0.1 ms to pay."""

    def fingerprint(self) -> str:
        """A text that is another one whenever the same phrase may get another translation."""


def cached(provider: Any, store: Store, settings: Settings) -> Any:
    """`provider` behind the cache; as it is where CACHE_ENABLED is off or caching does not pay."""
    if settings.cache_enabled and isinstance(provider, Cacheable):
        return CachedTranslator(provider, provider.fingerprint(), store, settings)
    return provider


class CachedTranslator:
    """A translator that is asked only for what none of its kind has translated lately.

    The cache is one for all workers on this Redis. Errors are not kept: the next attempt may succeed.
    """

    def __init__(self, engine: Any, fingerprint: str, store: Store, settings: Settings) -> None:
        self.Options: type[Options] = engine.Options
        self._engine: Translator = engine
        self._fingerprint = fingerprint
        self._store = store
        self._ttl = settings.cache_ttl_seconds
        self._size = settings.cache_size

    def translate(self, phrase: Phrase) -> Translation:
        """The kept translation, else a new one. Raises what the engine raises, RedisUnavailable."""
        key = (self._fingerprint, phrase.source, phrase.target, phrase.text)
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        if kept := self._store.recall(digest):
            return Translation(**json.loads(kept))
        made = self._engine.translate(phrase)
        value = json.dumps({"text": made.text, "confidence": made.confidence})
        self._store.remember(digest, value.encode(), self._ttl, self._size)
        return made

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those of the engine."""
        return self._engine.pairs()

    def resident(self) -> tuple[str, ...]:
        """Those of the engine."""
        return self._engine.resident()

    def close(self) -> None:
        """Closes the engine and logs how much the cache spared all workers so far."""
        self._engine.close()
        try:
            hits, misses = self._store.recalled()
        except RedisUnavailable as error:
            log.warning("translation cache not read", error=error.message)
            return
        rate = round(hits / (hits + misses), 3) if hits + misses else None
        log.info("translation cache", hits=hits, misses=misses, hit_rate=rate)

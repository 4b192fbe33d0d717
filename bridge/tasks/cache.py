"""Translations made before, kept in Redis for all workers, because people and attempts repeat themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import structlog

from bridge.errors import RedisUnavailable
from bridge.metrics.worker import CACHE
from bridge.options import Options
from bridge.providers import Advice, Translator, advice, share
from bridge.settings import Settings
from bridge.store.cache import Cache
from bridge.types import Phrase, Translation

log = structlog.get_logger(__name__)


@runtime_checkable
class Cacheable(Protocol):
    """A translator slow enough for a look-up of 0.1 ms to pay."""

    def fingerprint(self) -> str:
        """A text that is another one whenever the same phrase may get another translation."""


def cached(provider: Any, cache: Cache, settings: Settings) -> Any:
    """`provider` behind the cache; as it is where CACHE_ENABLED is off or caching does not pay."""
    if settings.cache_enabled and isinstance(provider, Cacheable):
        return CachedTranslator(provider, provider.fingerprint(), cache, settings)
    return provider


class CachedTranslator:
    """A translator that is asked only for what none of its kind has translated lately.

    The cache is one for all workers on this Redis. Errors are not kept: the next attempt may succeed.
    """

    def __init__(self, engine: Any, fingerprint: str, cache: Cache, settings: Settings) -> None:
        self.Options: type[Options] = engine.Options
        self.advice: frozenset[Advice] = advice(engine)
        self._engine: Translator = engine
        self._fingerprint = fingerprint
        self._cache = cache
        self._ttl = settings.cache_ttl_seconds
        self._size = settings.cache_size

    def translate(self, phrase: Phrase) -> Translation:
        """The kept translation, else a new one, also while Redis is away. Raises what the engine raises."""
        digest = hashlib.sha256(json.dumps(self._key(phrase)).encode()).hexdigest()
        with _spared():
            kept = self._cache.recall(digest)
            CACHE.labels("hit" if kept else "miss").inc()
            if kept:
                return Translation(**json.loads(kept))
        made = self._engine.translate(phrase)
        if phrase.quick:
            return made  # whoever has the time gets a better one
        value = json.dumps({"text": made.text, "confidence": made.confidence})
        with _spared():
            self._cache.remember(digest, value.encode(), self._ttl, self._size)
        return made

    def uncached(self, phrase: Phrase) -> Translation:
        """A new translation, of which nothing is kept: of words that will change. Raises as the engine."""
        return self._engine.translate(phrase)

    def _key(self, phrase: Phrase) -> tuple[Any, ...]:
        """All that the translation depends on: of terms and context what the engine takes."""
        advised = [getattr(phrase, name) for name in ("context", "terms") if name in self.advice]
        return (self._fingerprint, phrase.source, phrase.target, phrase.text, *advised)

    def share(self, lengths: Sequence[int]) -> float:
        """That of the engine."""
        return share(self._engine, lengths)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those of the engine."""
        return self._engine.pairs()

    def resident(self) -> tuple[str, ...]:
        """Those of the engine."""
        return self._engine.resident()

    def close(self) -> None:
        """Closes the engine and logs how much the cache spared all workers so far."""
        self._engine.close()
        with _spared():
            hits, misses = self._cache.recalled()
            rate = round(hits / (hits + misses), 3) if hits + misses else None
            log.info("translation cache", hits=hits, misses=misses, hit_rate=rate)


@contextmanager
def _spared() -> Iterator[None]:
    """Goes on without the cache where Redis does not serve it."""
    try:
        yield
    except RedisUnavailable as error:
        log.warning("translation cache not used", error=error.message)

"""The model pool: loads each model once, keeps it while it is wanted, and frees it when it is not."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from bridge.errors import BridgeError, ProviderError, ProviderMissing
from bridge.metrics.worker import LOAD
from bridge.settings import Settings
from bridge.types import Stage

log = structlog.get_logger(__name__)

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Limits:
    """Models at most; seconds unused until one is freed, it stays at least, between checks."""

    cap: int
    ttl: float
    min_residency: float
    interval: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            settings.model_resident_cap,
            settings.model_ttl_seconds,
            settings.model_min_residency_seconds,
            settings.model_evict_check_seconds,
        )


@dataclass(slots=True)
class _Entry:
    name: str
    close: Callable[[Any], None]
    model: Future[Any] = field(default_factory=Future)
    users: int = 0
    kept: bool = False
    loaded_at: float = 0.0
    used_at: float = 0.0


class Pool:
    """The models of a process that serves `stage`. Thread-safe; a slow load blocks only those who want it.

    A model in use is never freed. One that is younger than its minimum residency is not freed either,
    so that two languages in turn do not load and free each other's model; the cap gives way to both.
    """

    def __init__(self, stage: Stage, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._stage = stage
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._closed = threading.Event()
        self._evictor = threading.Thread(target=self._evict_for_ever, name="evictor", daemon=True)
        self._evictor.start()

    @contextlib.contextmanager
    def lease(
        self, name: str, load: Callable[[], Model], close: Callable[[Model], None] = lambda model: None
    ) -> Iterator[Model]:
        """The model `name`, loaded by `load` if nobody has it, and kept for as long as the block runs.

        Whoever asks while it loads waits for the same load. Raises what `load` raises; out of memory,
        the pool frees all it can and tries once more, then raises ProviderError.
        """
        with self._lock:
            entry = self._entries.get(name)
            mine = entry is None
            if entry is None:
                entry = self._entries[name] = _Entry(name, close)
            entry.users += 1
        try:
            if mine:
                self._load(entry, load)
            yield entry.model.result()
        finally:
            with self._lock:
                entry.users -= 1
                entry.used_at = self._clock()

    def resident(self) -> tuple[str, ...]:
        """The names of the models that are loaded, in the order of loading."""
        with self._lock:
            return tuple(name for name, entry in self._entries.items() if entry.model.done())

    def evict(self) -> list[str]:
        """Frees what nobody used for its time to live, then what is above the cap; returns the names."""
        now = self._clock()
        unused = self._free(lambda entry: now - entry.used_at >= self._limits.ttl, now)
        return unused + self._respect_cap(now)

    def keep(self, name: str) -> None:
        """Never frees a loaded model but by `close`: an idle worker's only one must stay warm."""
        with self._lock:
            self._entries[name].kept = True

    def close(self) -> None:
        """Frees every model that is not in use, kept or not, and stops looking after the rest."""
        self._closed.set()
        self._evictor.join(timeout=5)
        with self._lock:
            for entry in self._entries.values():
                entry.kept = False
        self._free(lambda entry: True, float("inf"))

    def _load(self, entry: _Entry, load: Callable[[], Any]) -> None:
        since = time.monotonic()
        try:
            model = self._with_retry(entry.name, load)
        except BaseException as error:
            with self._lock:
                del self._entries[entry.name]
            entry.model.set_exception(error)
            raise
        entry.loaded_at = entry.used_at = self._clock()
        entry.model.set_result(model)
        seconds = time.monotonic() - since
        LOAD.labels(self._stage).observe(seconds)
        log.info("Model loaded", model=entry.name, seconds=round(seconds, 2))
        self._respect_cap(self._clock())
        if len(resident := self.resident()) > self._limits.cap:
            log.info("more models than MODEL_RESIDENT_CAP: each is in use or new", resident=resident)

    def _with_retry(self, name: str, load: Callable[[], Any]) -> Any:
        try:
            return load()
        except Exception as error:
            if not out_of_memory(error):
                raise
            freed = self._free(lambda entry: True, float("inf"))
            log.warning("out of memory", model=name, freed=freed)
        try:
            return load()
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise ProviderError(
                f"There is not enough memory to load {name}.",
                "Use a smaller model or compute type, lower MODEL_RESIDENT_CAP, or give it another device.",
                code="out_of_memory",
            ) from error

    def _respect_cap(self, now: float) -> list[str]:
        with self._lock:
            excess = sum(entry.model.done() for entry in self._entries.values()) - self._limits.cap
            longest_unused = sorted(
                (entry for entry in self._entries.values() if self._idle(entry, now)),
                key=lambda entry: entry.used_at,
            )[: max(0, excess)]
            self._forget(longest_unused)
        return self._close(longest_unused)

    def _free(self, unwanted: Callable[[_Entry], bool], now: float) -> list[str]:
        with self._lock:
            found = [entry for entry in self._entries.values() if self._idle(entry, now) and unwanted(entry)]
            self._forget(found)
        return self._close(found)

    def _idle(self, entry: _Entry, now: float) -> bool:
        idle = entry.model.done() and not entry.users and not entry.kept
        return idle and now - entry.loaded_at >= self._limits.min_residency

    def _forget(self, entries: list[_Entry]) -> None:
        for entry in entries:
            del self._entries[entry.name]

    def _close(self, entries: list[_Entry]) -> list[str]:
        for entry in entries:
            try:
                entry.close(entry.model.result())
            except Exception as error:  # an engine that fails here must not end the thread that evicts
                log.warning("model not freed cleanly", model=entry.name, error=str(error))
            else:
                log.info("Model freed", model=entry.name)
        return [entry.name for entry in entries]

    def _evict_for_ever(self) -> None:
        while not self._closed.wait(self._limits.interval):
            self.evict()


@contextlib.contextmanager
def loading(what: str, hint: str) -> Iterator[None]:
    """Tells that `what` cannot be loaded, whatever an engine raises of its files in the block.

    Raises ProviderMissing; where memory is missing what the engine raised, so that the pool makes room.
    Errors of speechbridge pass, since they say what to do.
    """
    try:
        yield
    except Exception as error:  # those of the engines have no common type
        if isinstance(error, BridgeError) or out_of_memory(error):
            raise
        raise ProviderMissing(f"{what} cannot be loaded: {error}.", hint) from error


def out_of_memory(error: BaseException) -> bool:
    """Whether an engine says that memory ran out; each has its own words and no type of its own."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        said in words for said in ("out of memory", "failed to allocate", "cannot allocate", "bad_alloc")
    )

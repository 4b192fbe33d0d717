"""A worker that starts beside others: a name that none of them has, and work that each of them can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import structlog

from bridge.errors import RedisUnavailable, SettingsError
from bridge.placement import lacking
from bridge.store.registry import Registry, WorkerRecord

log = structlog.get_logger(__name__)

NAMED = 5
"""Languages that a message names; an engine may lack hundreds."""


def admitted(registry: Registry, record: WorkerRecord) -> WorkerRecord:
    """`record` under a name that no live worker has: `tts-cpu0-0.2@host` beside `tts-cpu0-0@host`.

    A Redis that is away is met later, and nobody is there then. Raises SettingsError where another worker
    of the same queue can what this one cannot: it might be handed such work, which would be lost.
    """
    try:
        others = registry.standing()
    except RedisUnavailable:
        return record
    names = {other.name for other in others}
    name = next(name for name in _names(record.name) if name not in names)
    beside = [other for other in others if other.queue == record.queue and not other.draining]
    if lacks := lacking(record, beside):
        shown = ", ".join(lacks[:NAMED]) + (f" and {len(lacks) - NAMED} more" if len(lacks) > NAMED else "")
        providers = ", ".join(sorted({other.provider for other in beside}))
        raise SettingsError(
            f"{record.provider} cannot share the queue {record.queue} with {providers}: it lacks {shown}.",
            "Give it a device of its own in the topology, such as cpu1, or end the other worker first.",
        )
    if beside:
        log.info("starts beside others", worker=name, others=", ".join(other.name for other in beside))
    return replace(record, name=name)


def _names(wanted: str) -> Iterator[str]:
    yield wanted
    of, at, host = wanted.partition("@")
    yield from (f"{of}.{number}{at}{host}" for number in count(2))

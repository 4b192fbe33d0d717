"""What is known of one call beside its input: until when it is wanted, and which engines were asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["ok", "failed", "late", "open"]
"""Of an engine that was asked: it did, failed, or had no result in time; `open`: not asked, since its breaker
is open."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One engine of several that was to be asked; `code` is that of its error."""

    provider: str
    outcome: Outcome
    code: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Call:
    """One piece of work at an engine. `until` is when its result comes too late, in seconds of
    time.monotonic(); `avoid` names an engine to be asked last. `provider` is the one that made what there is,
    and `attempts` tells of all that were asked, in order; `characters` is how much text it was given."""

    until: float = math.inf
    avoid: str = ""
    provider: str = ""
    characters: int = 0
    attempts: list[Attempt] = field(default_factory=list)


_CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


def current() -> Call:
    """The call that runs; one of no consequence where nobody began one."""
    return _CURRENT.get() or Call()


@contextmanager
def begun(call: Call) -> Iterator[Call]:
    """`call` is the current one until the block ends."""
    token = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(token)

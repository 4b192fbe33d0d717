"""How many connections one gateway takes at once, and for how many who speak the engines have time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ProtocolError
from bridge.protocol.wire import Close
from gateway.runtime.shedding import Shedding

RETRY_AFTER_MS = 2_000
BUSY_AFTER_MS = 10_000
"""Engines are busy for as long as people speak: it pays to ask less often."""


class Places:
    """The places of WS_MAX_CONNECTIONS."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = 0

    @property
    def taken(self) -> int:
        return self._taken

    @contextmanager
    def one(self) -> Iterator[None]:
        """Holds a place. Raises ProtocolError `overloaded` with retry_after_ms where none is free."""
        if self._taken >= self._total:
            raise ProtocolError(
                f"All {self._total} places of this server are taken.",
                f"Try again in {RETRY_AFTER_MS // 1000} s; the operator may raise WS_MAX_CONNECTIONS.",
                code="overloaded",
                close_code=Close.OVERLOADED,
                retry_after_ms=RETRY_AFTER_MS,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


@contextmanager
def speaking(shedding: Shedding) -> Iterator[None]:
    """Counts one more who may speak while it comes in.

    Raises ProtocolError `overloaded` with retry_after_ms where the engines have no time for it: those who
    speak already would be served late.
    """
    shedding.coming += 1
    try:
        if not shedding.has_room():
            raise ProtocolError(
                "The engines are busy with all who speak already.",
                f"Try again in {BUSY_AFTER_MS // 1000} s; the operator may add workers.",
                code="overloaded",
                close_code=Close.OVERLOADED,
                retry_after_ms=BUSY_AFTER_MS,
            )
        yield
    finally:
        shedding.coming -= 1

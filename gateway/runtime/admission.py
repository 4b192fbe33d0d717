"""How many connections one gateway takes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ProtocolError
from bridge.protocol.wire import Close

RETRY_AFTER_MS = 2_000


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

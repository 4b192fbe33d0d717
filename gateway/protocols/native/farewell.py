"""How one connection ends: once, by either side, and with all that is still to be said."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.metrics import gateway as series
from bridge.protocol.wire import Close
from gateway.runtime.outbox import Outbox
from gateway.runtime.tally import Reason

DRAIN_SECONDS = 10
"""How long a session that is over waits for its client to take the last frames."""
REFUSAL_SECONDS = 1
LOST = 1006
_CODES = frozenset({*map(int, Close), *range(1000, 1016)})


class Farewell:
    """Made on the event loop, with the connection."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._end: asyncio.Future[Close | None] = loop.create_future()
        self._left: asyncio.Future[int | None] = loop.create_future()

    @property
    def due(self) -> bool:
        """Whether either side has enough."""
        return self._end.done()

    @property
    def code(self) -> Close | None:
        """With which this side closes, None where the client left."""
        return self._end.result() if self._end.done() and not self._end.cancelled() else None

    @property
    def reason(self) -> Reason:
        """Why its session ends, where it does."""
        return "done" if self.code in (None, Close.DONE) else "refused"

    def settled(self) -> Close | None:
        """The same, once, at the end: it is counted, a code that nobody knows as `other`."""
        code = self.code
        left = self._left.result() if self._left.done() else None
        closed = int(code) if code is not None else LOST if left is None else left
        series.CLOSES.labels(str(closed) if closed in _CODES else "other").inc()
        return code

    async def wait(self) -> None:
        """Returns when either side has enough."""
        await self._end

    def end(self, code: Close | None) -> None:
        """Ends the connection, unless it has ended: by a close with `code`, None where the client left."""
        if not self._end.done():
            self._end.set_result(code)

    def left(self, code: int | None) -> None:
        """The client is gone; `code` is that of its close, None where it came without one."""
        if not self._left.done():
            self._left.set_result(code)

    async def close(self, websocket: WebSocket, outbox: Outbox, code: Close) -> bool:
        """Sends what is still to be said and closes; returns whether the client knows that all is over."""
        await outbox.drained(DRAIN_SECONDS if code is Close.DONE else REFUSAL_SECONDS)
        # The client may have closed in the same moment; both sides then have what they want.
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(REFUSAL_SECONDS):
                await websocket.close(int(code))
        return code is not Close.DONE or await self._answered()

    async def _answered(self) -> bool:
        """Whether the client answered our close, which stands behind the last frame."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFUSAL_SECONDS):
                return await asyncio.shield(self._left) is not None
        return False

"""A worker hears at once of what was cancelled; the connection it listens on shows that it lives.

The kernel closes the connection of a process that dies, however it dies, so a gateway that counts the
subscribers of `alive:{name}:{life}` knows of it within a moment, long before a heartbeat is missed.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from bridge.store import keys
from bridge.store.control import Command
from bridge.types import Work

log = structlog.get_logger(__name__)

T = TypeVar("T")

SESSIONS = 10_000
"""Sessions remembered at most; of others the hash `live` tells the truth at the start of work."""
AGAIN_SECONDS = 0.1
"""Pause before it connects again: until then a gateway cannot tell this worker from a dead one."""


class Cancellations:
    """A worker's memory of what was cancelled, fed by pub/sub: asking it costs no I/O.

    `listening` is set while the subscription stands. Messages missed while Redis was away are made good
    by `Desk.take`, which reads the hash.
    """

    def __init__(
        self, url: str, name: str, life: str, obey: Callable[[Command], None] = lambda command: None
    ) -> None:
        """`obey` is called, in a thread of its own, with each PAUSE, RESUME and STOP."""
        self._obey = obey
        self.listening = threading.Event()
        self._first: OrderedDict[str, int | None] = OrderedDict()
        self._drafts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._channels = (keys.CANCEL, keys.alive(name, life))
        # No retry of its own: it would connect again in silence, and `listening` would lie meanwhile.
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=5,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cancellations", daemon=True)
        self._thread.start()

    def cancelled(self, work: Work) -> bool:
        """Whether this work was cancelled while the worker listened."""
        first = self._first.get(work.session, 0)
        if first is None or work.segment < first:
            return True
        segment, revision = self._drafts.get(work.session, (-1, -1))
        return work.draft and work.segment == segment and work.revision <= revision

    def close(self) -> None:
        """Ends the listening."""
        self._stop.set()
        self._thread.join(timeout=2)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                log.debug("cancellations not heard", error=str(error))
            except Exception:
                log.exception("cancellations not heard")
            self.listening.clear()
            self._stop.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        with self._client.pubsub() as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(*self._channels)
            subscribed = 0
            while not self._stop.is_set():
                message = channel.get_message(timeout=0.2)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    subscribed += 1
                    if subscribed >= len(self._channels):
                        self.listening.set()
                elif message["type"] == "message":
                    self._note(message["data"])

    def _note(self, data: bytes) -> None:
        try:
            told = json.loads(data)
            if isinstance(told, dict):
                self._command(Command.read(told))
                return
            session, first, *dropped = told
            if not isinstance(session, str) or not isinstance(first, int | None):
                raise TypeError("no session and segment")
            revision = int(dropped[0]) if dropped else None
        except (ValueError, TypeError, KeyError):
            log.warning("a cancellation cannot be read")
            return
        if revision is None:
            _remember(self._first, session, first)
        else:
            _remember(self._drafts, session, (first or 0, revision))

    def _command(self, command: Command) -> None:
        if command.command == "STOP":
            _remember(self._first, command.session, command.segment)
        self._obey(command)


def _remember(known: OrderedDict[str, T], session: str, what: T) -> None:
    known[session] = what
    known.move_to_end(session)
    if len(known) > SESSIONS:
        known.popitem(last=False)

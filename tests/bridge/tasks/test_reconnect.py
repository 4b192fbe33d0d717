"""The one private name of kombu that is replaced."""

from __future__ import annotations

import inspect

from bridge.tasks import reconnect


def test_kombus_signature_is_still_the_one_that_is_replaced() -> None:
    names = list(inspect.signature(reconnect._kombu).parameters)

    assert names[:6] == ["self", "errback", "max_retries", "interval_start", "interval_step", "interval_max"]


def test_intervals_are_short_unless_the_caller_sets_them() -> None:
    reconnect.reconnect_fast()
    parameters = inspect.signature(reconnect._class._ensure_connection).parameters

    assert parameters["interval_start"].default == 0.2
    assert parameters["interval_max"].default == 1.0

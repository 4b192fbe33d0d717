"""Clients of Redis that measure how long it takes to answer: bridge_redis_command_seconds.

A command counts from when it is sent on a connection that stands until its answer is read; one that waits for
something to happen, and one that gets no answer, does not count. Where a command meets its connection, the
names of redis-py are private: a test fails when a release changes what is replaced here.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import redis
from redis import asyncio as aio
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

from bridge.metrics.process import COMMAND
from bridge.store import keys

WAITING = frozenset({"XREAD"})
"""Commands that we only send to wait."""

_observers: dict[str, Any] = {}


def begin(on: bool) -> None:
    """Whether the clients that are made from now on measure."""
    keys.clients = (_Client, _AsyncClient) if on else (redis.Redis, aio.Redis)


def _observe(name: str, since: float) -> None:
    seconds = perf_counter() - since
    observe = _observers.get(name)
    if observe is None:
        observe = _observers[name] = COMMAND.labels(name.lower()).observe
    observe(seconds)


def _answered(args: tuple[Any, ...], since: float) -> None:
    name: str = args[0]
    if name.startswith("EVAL"):
        name = keys.SCRIPTS.get(args[1], name)
    if name not in WAITING:
        _observe(name, since)


class _Client(redis.Redis):
    def _send_command_parse_response(self, conn: Any, command_name: str, *args: Any, **options: Any) -> Any:
        since = perf_counter()
        answer = super()._send_command_parse_response(conn, command_name, *args, **options)  # type: ignore[no-untyped-call]
        _answered(args, since)
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Pipeline(Pipeline):
    def _execute_pipeline(self, *args: Any) -> Any:
        since = perf_counter()
        answers = super()._execute_pipeline(*args)  # type: ignore[no-untyped-call]
        _observe("pipeline", since)
        return answers


class _AsyncClient(aio.Redis):
    async def _send_command_parse_response(
        self, conn: Any, command_name: str, *args: Any, **options: Any
    ) -> Any:
        since = perf_counter()
        answer = await super()._send_command_parse_response(conn, command_name, *args, **options)  # type: ignore[no-untyped-call]
        _answered(args, since)
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> AsyncPipeline:
        return _AsyncPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _AsyncPipeline(AsyncPipeline):
    async def _execute_pipeline(self, *args: Any) -> Any:
        since = perf_counter()
        answers = await super()._execute_pipeline(*args)
        _observe("pipeline", since)
        return answers

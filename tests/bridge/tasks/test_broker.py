"""What is changed in kombu, and that it is still what is changed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.transport.virtual.base import QoS

from bridge.settings import Settings
from bridge.tasks import broker, configure
from bridge.topology import load
from tests.stack import RedisProcess, wait_until

QUEUE = "translation.cpu0"


def test_kombus_signatures_are_still_the_ones_that_are_replaced() -> None:
    names = list(inspect.signature(broker._kombu).parameters)
    restore = list(inspect.signature(broker._restore_unacked_once).parameters)

    assert names[:6] == ["self", "errback", "max_retries", "interval_start", "interval_step", "interval_max"]
    assert restore == ["self", "stderr"]
    source = inspect.getsource(QoS)
    assert all(name in source for name in ("_on_collect", "_flush", "_delivered.restored"))


def test_intervals_are_short_unless_the_caller_sets_them() -> None:
    broker.mend()
    parameters = inspect.signature(broker._connection._ensure_connection).parameters

    assert parameters["interval_start"].default == 0.2
    assert parameters["interval_max"].default == 1.0


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    """The application as a worker has it, which took one message of its queue and did not end it."""
    app = configure(settings, load(), "worker")
    app.__dict__.pop("amqp", None)
    app._pool = None  # type: ignore[attr-defined]
    app.send_task("translation.translate", args=["a secret sentence"], queue=QUEUE)
    yield app
    broker.draining.clear()


@pytest.mark.redis
@pytest.mark.parametrize("draining", [True, False])
def test_what_a_worker_took_and_did_not_end_is_given_back_only_when_it_drains(
    app: Celery, redis_server: RedisProcess, draining: bool
) -> None:
    connection: Any = app.connection_for_read()
    channel = connection.channel()
    assert channel.basic_get(QUEUE) is not None
    assert channel.client.llen(QUEUE) == 0
    if draining:
        broker.draining.set()
    channel.close()
    connection.close()
    with app.connection_for_read() as other:
        assert other.channel().client.llen(QUEUE) == int(draining)  # type: ignore[attr-defined]


@pytest.mark.redis
def test_what_cannot_be_given_back_is_not_written_to_a_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisProcess(tmp_path)
    server.start()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = configure(settings.model_copy(update={"redis_url": server.url}), load(), "worker")
    app.__dict__.pop("amqp", None)
    app._pool = None  # type: ignore[attr-defined]
    app.send_task("translation.translate", args=["a secret sentence"], queue=QUEUE)
    connection: Any = app.connection_for_read()
    channel = connection.channel()
    channel.basic_get(QUEUE)
    server.kill()
    broker.draining.set()
    try:
        channel.qos.restore_unacked_once()
    finally:
        broker.draining.clear()
        connection.collect()
    wait_until(lambda: not server.answers(), 2, "it is gone")
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert not list(tmp_path.glob("tmp*"))

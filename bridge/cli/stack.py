"""The whole system as processes on this machine: Redis, every worker of the topology, the gateway, Flower."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge import topology
from bridge.address import masked
from bridge.cli import devices, redis_server
from bridge.cli.folder import locked, make_folder, new_folder
from bridge.cli.network import converse, free_port, reachable
from bridge.cli.supervisor import Child, Supervisor
from bridge.errors import BridgeError
from bridge.providers.table import chosen
from bridge.settings import Settings

REDIS_SECONDS = 15.0
READY_SECONDS = 120.0
"""Time for all workers to load their engines; pocketsphinx takes 2 s on two free cores."""

TRIES = 4
"""Connections to each of several gateways, on the average, in one look at them."""


class Stack:
    """Starts and stops the system; `folder` takes the logs and the data of a private Redis.

    `settings` decide; what the children must see differently (the private Redis, the free port that
    stands behind port 0) is handed to them in their environment.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        say: Callable[[str], None],
        *,
        flower: bool = False,
        gateways: int = 1,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Checks all that can be checked before anything runs; `variables` join the children's environment.

        Raises SettingsError for the topology and for providers that there are not, RedisUnavailable where
        there is no usable Redis, BridgeError for a port in use, or for several gateways where the kernel does
        not share a port.
        """
        if gateways > 1 and sys.platform != "linux":
            raise BridgeError("Only Linux shares one port among gateways.", "Leave --gateways out.")
        self.topology = devices.choose(settings)
        self.workers = topology.load(self.topology.path).workers
        for entry in self.workers:
            variable = f"{entry.stage}_provider"
            chosen(entry.stage, entry.env.get(variable.upper()) or getattr(settings, variable))
        self.logs = folder / "logs"
        self.host = settings.host
        self.port = free_port(settings.host, settings.port)
        self.url = f"http://{reachable(settings.host)}:{self.port}"
        names = [f"gateway-{number}" for number in range(gateways)]
        self._gateways = names if gateways > 1 else ["gateway"]
        self._ready: dict[int, str] = {}
        self._variables = dict(variables or {})
        self._say = say
        self._supervisor: Supervisor | None = None
        self._redis: redis_server.PrivateRedis | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.redis_url = settings.redis_url
        if self.redis_url:
            redis_server.inspect(self.redis_url)
        else:
            self._server = redis_server.executable()
            port = free_port("127.0.0.1", 0)
            self._redis = redis_server.PrivateRedis(folder / "redis", port, settings.redis_max_memory)
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
            self._keeping = asyncio.create_task(self._redis.keep_short())
        supervisor.start(*self._worker_children())
        supervisor.start(*self._served_children())
        await self._until(lambda: self._unready() is None, READY_SECONDS)
        supervisor.settled()

    async def stop(self) -> None:
        """Gateway and Flower first, then the workers, which finish what they do, then Redis and its data."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._supervisor is not None:
            await self._supervisor.stop()
            if self._redis is not None:
                self._redis.forget()

    def kill(self) -> None:
        """Ends all processes at once; `stop` is still due."""
        if self._supervisor is not None:
            self._supervisor.kill()

    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        return self._supervisor.pids() if self._supervisor is not None else {}

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
            return f"Redis at {masked(self.redis_url)} does not answer"
        pids = self.pids()
        for _ in range(TRIES * len(self._gateways)):
            self._ask_one()
            waiting = [name for name in self._gateways if self._ready.get(pids.get(name, 0)) != ""]
            if not waiting:
                return None
        reason = self._ready.get(pids.get(waiting[0], 0))
        return reason or f"{waiting[0]} does not answer on {self.url}"

    def _ask_one(self) -> None:
        """Notes what one of the gateways lacks; the kernel chooses which one it is, anew each time."""
        answers = converse(self.host, self.port, "/healthz", "/readyz")
        if answers is not None:
            (_, health), (status, body) = answers
            missing = ", ".join(json.loads(body).get("missing", []))
            self._ready[json.loads(health)["pid"]] = "" if status == 200 else f"no worker for {missing}"

    def _worker_children(self) -> Iterator[Child]:
        for entry in self.workers:
            for replica in range(entry.replicas):
                name = f"{entry.name}-{replica}"
                yield self._ours(name, ("worker", entry.name, "--replica", str(replica)), grace=15)

    def _served_children(self) -> Iterator[Child]:
        for name in self._gateways:
            yield self._ours(name, ("gateway",), grace=10)
        if self.flower_port is not None:
            yield self._ours("flower", ("flower",), grace=3)

    def _ours(self, name: str, arguments: tuple[str, ...], grace: float) -> Child:
        # -P: a folder called `bridge` in the user's current one must not stand for ours.
        command = (sys.executable, "-P", "-m", "bridge.cli", *arguments)
        return Child(name, command, self._log(name), self._environment(), grace)

    def _environment(self) -> dict[str, str]:
        env = self._variables | {
            "REDIS_URL": self.redis_url,
            "HOST": self.host,
            "PORT": str(self.port),
            "TOPOLOGY": str(self.topology.path),
        }
        if len(self._gateways) > 1:
            env["REUSE_PORT"] = "true"
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
def running(
    settings: Settings, gateways: int = 1, variables: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """A quiet stack on a free port of 127.0.0.1, for as long as the block runs; `variables` as in `Stack`.

    It stands beside any other on the same data folder, with logs and Redis in a folder of its own that
    goes with it, unless it does not start: then the error names the logs. Raises BridgeError as `Stack` does.
    """
    parent = settings.data_dir / "stacks"
    make_folder(parent)
    _sweep(parent)
    folder = new_folder(parent)
    quiet = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    with locked(folder):
        system = Stack(quiet, folder, lambda line: None, gateways=gateways, variables=variables)
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

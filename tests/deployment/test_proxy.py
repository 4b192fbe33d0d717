"""The proxy's configuration, run by a real nginx where one is installed, before two gateways."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from bridge.cli.network import fetch
from bridge.cli.probe import CLIP
from bridge.client import translate
from bridge.media import decode
from tests.stack import REPOSITORY, SIMULATED, WORKERS, Processes, RedisProcess, free_port, status, wait_until

TEMPLATE = REPOSITORY / "config/nginx/gateways.conf.template"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
METRICS = (
    "/metrics",
    "/metrics/",
    "/metrics/targets",
    "/metrics?a",
    "//metrics",
    "/%6detrics",
    "/a/../metrics",
)
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {server}
}}
"""


class Names:
    """A name server that knows one name, `gateway`, and the addresses behind it."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ADDRESSES
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            if not query:
                return
            end = query.index(b"\0", 12) + 5
            assert query[12:end].startswith(b"\7gateway\0")
            records = b"".join(
                struct.pack(">HHHIH4s", 0xC00C, 1, 1, 1, 4, socket.inet_aton(each)) for each in self.addresses
            )
            head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(self.addresses), 0, 0)
            self._socket.sendto(head + query[12:end] + records, sender)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


@contextmanager
def proxy(folder: Path, port: int, names: Names) -> Iterator[str]:
    """nginx with the file's own words, on loopback instead of the container's addresses."""
    program = shutil.which("nginx") or pytest.skip("nginx is not installed")
    server = TEMPLATE.read_text()
    for word, here in (
        ("listen ${PORT}", f"listen 127.0.0.1:{port}"),
        ("127.0.0.11", f"127.0.0.1:{names.port}"),
        ("valid=2s", "valid=1s"),
        ("${PORT}", str(port)),
    ):
        assert word in server
        server = server.replace(word, here)
    config = folder / "nginx.conf"
    config.write_text(AROUND.format(folder=folder, server=server))
    process = subprocess.Popen([program, "-e", "stderr", "-p", str(folder), "-c", str(config)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def served_by(port: int) -> set[int]:
    """The gateways behind twenty new connections."""
    answers = [fetch("127.0.0.1", port, "/healthz") for _ in range(20)]
    return {json.loads(answer[1])["pid"] for answer in answers if answer and answer[0] == 200}


@pytest.fixture
def names() -> Iterator[Names]:
    server = Names()
    yield server
    server.stop()


@pytest.mark.e2e
@pytest.mark.redis
def test_clients_reach_all_gateways_by_one_port_and_those_only_that_are_there(
    redis_server: RedisProcess, tmp_path: Path, names: Names
) -> None:
    port = free_port()
    processes = Processes({"REDIS_URL": redis_server.url, "PORT": str(port)} | SIMULATED, tmp_path)
    with proxy(tmp_path, port, names) as url:
        try:
            gateways = [processes.start("gateway", HOST=address) for address in ADDRESSES]
            for name in WORKERS:
                processes.start("worker", name)
            pids = {process.pid for process in gateways}
            wait_until(lambda: served_by(port) == pids, 60, "both gateways serve")
            wait_until(lambda: status(port, "/readyz") == 200, 60, "workers are there")
            assert (fetch(ADDRESSES[0], port, "/metrics") or (0, ""))[0] == 200
            assert {path: status(port, path) for path in METRICS} == dict.fromkeys(METRICS, 404)
            result = asyncio.run(translate(url, decode(CLIP), "en", ["es"]))
            assert any(segment.translations["es"].pcm for segment in result.segments.values())
            gateways[0].kill()
            assert served_by(port) == {gateways[1].pid}
            names.addresses = ADDRESSES[1:]
            assert served_by(port) == {gateways[1].pid}
        finally:
            processes.stop()


def test_page_of_the_proxy_is_the_one_that_compose_mounts() -> None:
    service = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["proxy"]
    (mounted,) = service["volumes"]
    assert mounted == f"./{TEMPLATE.relative_to(REPOSITORY)}:/etc/nginx/templates/default.conf.template:ro"
    # The image's start-up replaces the variables of its environment, and no others, by their values.
    assert json.dumps(service["environment"]) == '{"PORT": "${PORT:-8000}"}'

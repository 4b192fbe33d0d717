"""The whole system as its user starts and ends it: one command, real engines, a Redis of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from bridge.cli.folder import locked
from bridge.cli.network import fetch, free_port
from bridge.cli.redis_server import url_of
from bridge.cli.up import stop_signals
from bridge.settings import Settings
from bridge.store.registry import Registry
from tests.stack import REPOSITORY
from tests.terminal import speechbridge

pytestmark = pytest.mark.e2e

ENGINES = ("lt-proc", "lrx-proc", "apertium-")


def environment(folder: Path, **variables: str) -> dict[str, str]:
    ours = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"DATA_DIR": str(folder), "COLUMNS": "160"} | variables


class Up:
    """A running `speechbridge up`."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bridge.cli", "up", "--port", "0", *arguments],
                env=environment(folder, **variables),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.tree: list[psutil.Process] = []
        try:
            self.until(lambda: "serving http" in self.said, "it serves")
        except BaseException:
            self.end(signal.SIGTERM)
            raise
        self.tree = psutil.Process(self.process.pid).children(recursive=True)

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def port(self) -> int:
        found = re.search(r"serving http://localhost:(\d+)", self.said)
        assert found
        return int(found[1])

    def until(self, true: Callable[[], bool], what: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not true():
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"not within {seconds} s: {what}\n{self.said}")
            time.sleep(0.05)

    def named(self, *words: str) -> list[psutil.Process]:
        """The children whose command line holds all `words`."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if set(words) <= set(command(child))]

    def end(self, number: signal.Signals) -> int:
        if self.process.poll() is None:
            self.tree += psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def leftovers(self) -> list[psutil.Process]:
        _, alive = psutil.wait_procs(self.tree, timeout=5)
        return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One stack on the embedded engines, with Flower, for the tests that leave it running."""
    folder = tmp_path_factory.mktemp("up") / "data"
    folder.mkdir()
    variables = {"FLOWER_PORT": "0", "REDIS_MAX_MEMORY": "77000000"}
    running = Up(folder, "--preset", "embedded", "--flower", **variables)
    yield running
    running.end(signal.SIGTERM)


def test_self_check_prints_transcript_translation_and_every_latency(up: Up) -> None:
    assert "en  go forward ten meters" in up.said
    assert re.search(r"es  .*diez metros", up.said)
    for name in ("endpoint", "queue", "stt", "translation", "tts", "first_audio", "total"):
        assert re.search(rf"^  {name} +\d+ ", up.said, re.MULTILINE), name


def test_self_check_hears_the_translation_after_the_endpoint(up: Up) -> None:
    endpoint, first = (re.search(rf"{name} +(\d+) ", up.said) for name in ("endpoint", "first_audio"))
    assert endpoint and first
    assert 0 < int(endpoint[1]) < int(first[1]) < 10_000


def test_gateway_is_ready_and_offers_spanish(up: Up) -> None:
    ready, offered = fetch("127.0.0.1", up.port, "/readyz"), fetch("127.0.0.1", up.port, "/v1/languages")
    assert ready is not None and ready[0] == 200
    assert offered is not None
    assert {"source": "en", "target": "es"} in json.loads(offered[1])["pairs"]


def test_line_of_the_workers_ends_with_the_file_that_names_them(up: Up) -> None:
    assert re.search(r"workers  stt-cpu0 x2, translation-cpu0, tts-cpu0, by .*config/topology\.toml", up.said)


def test_console_stays_quiet_of_what_only_the_logs_need(up: Up) -> None:
    assert "[info" not in up.said
    assert "superuser" not in up.said
    assert "ready" in (up.folder / "logs" / "stt-cpu0-0.log").read_text()


def test_second_up_in_the_same_folder_is_told_who_runs_there(up: Up) -> None:
    said = refused(up.folder)
    assert f"error: Another speechbridge is running in {up.folder} (process {up.process.pid})" in said
    assert "DATA_DIR" in said
    assert up.process.poll() is None


def test_password_of_redis_is_nowhere_in_the_process_list(up: Up) -> None:
    config = up.folder / "redis" / "redis.conf"
    assert config.stat().st_mode & 0o077 == 0
    found = re.search(r"requirepass (\w{32})", config.read_text())
    assert found
    tree = psutil.Process(up.process.pid).children(recursive=True)
    assert not [process for process in tree if found[1] in " ".join(command(process))]


def flower_api(up: Up, path: str, password: str | None) -> tuple[int, Any]:
    address = re.search(r"flower +http://127.0.0.1:(\d+)", up.said)
    assert address
    connection = HTTPConnection("127.0.0.1", int(address[1]), timeout=10)
    credentials = b64encode(f"flower:{password}".encode()).decode()
    connection.request("GET", path, headers={"Authorization": f"Basic {credentials}"} if password else {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if response.status == 200 else None


def test_flower_shows_the_queues_of_all_stages_to_who_has_the_password(up: Up) -> None:
    password = re.search(r"password (\S+)", up.said)
    assert password
    assert flower_api(up, "/api/workers", None)[0] == 401
    assert flower_api(up, "/api/workers", "wrong")[0] == 401

    def queues() -> set[str]:
        status, _ = flower_api(up, "/api/workers?refresh=1", password[1])
        assert status == 200
        _, lengths = flower_api(up, "/api/queues/length", password[1])
        return {queue["name"] for queue in lengths["active_queues"]}

    up.until(lambda: queues() == {"stt.cpu0", "translation.cpu0", "tts.cpu0"}, "Flower knows all queues")
    _, tasks = flower_api(up, "/api/tasks", password[1])
    assert {task["name"] for task in tasks.values()} <= {
        "stt.transcribe",
        "translation.translate",
        "tts.synthesize",
    }


def test_killed_worker_is_replaced_and_nobody_else(up: Up) -> None:
    [victim] = up.named("worker", "tts-cpu0")
    others = {process.pid for process in up.named("-m", "bridge.cli")} - {victim.pid}
    victim.kill()
    up.until(lambda: any(child.pid != victim.pid for child in up.named("worker", "tts-cpu0")), "it is back")
    assert others <= {process.pid for process in up.named("-m", "bridge.cli")}
    assert "tts-cpu0-0 ended by SIGKILL; starting it again in 0.2 s" in up.said


def test_private_redis_is_bounded(up: Up) -> None:
    config = (up.folder / "redis" / "redis.conf").read_text()
    port, password = re.search(r"port (\d+)", config), re.search(r"requirepass (\w+)", config)
    assert port and password
    with redis.Redis(port=int(port[1]), password=password[1]) as client:
        assert client.config_get("maxmemory") == {"maxmemory": "77000000"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_sigterm_leaves_no_process_and_no_file_but_logs_and_configuration(up: Up) -> None:
    """The last that uses the shared stack: it ends it."""
    assert [process for process in up.tree if command(process)[:1] and ENGINES[0] in command(process)[0]]
    assert up.end(signal.SIGTERM) == 0
    assert up.leftovers() == []
    assert fetch("127.0.0.1", up.port, "/healthz") is None
    assert [path.name for path in up.folder.parent.iterdir()] == ["data"]
    assert [path.name for path in (up.folder / "redis").iterdir()] == ["redis.conf"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not end a child with its parent")
def test_kill_9_leaves_no_process_not_even_helpers_of_workers(tmp_path: Path) -> None:
    stack = Up(tmp_path, "--preset", "embedded")
    assert any(ENGINES[0] in " ".join(command(process)) for process in stack.tree)
    assert stack.end(signal.SIGKILL) == -signal.SIGKILL
    assert stack.leftovers() == []
    with locked(tmp_path):
        pass


@pytest.mark.slow
def test_ctrl_c_while_starting_ends_it_too(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", "--preset", "simulated", "up", "--port", "0"],
            env=environment(tmp_path),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    log = tmp_path / "logs" / "gateway.log"
    end = time.monotonic() + 30
    while not log.exists() and time.monotonic() < end:
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert children
    assert all(not child.is_running() or child.status() == psutil.STATUS_ZOMBIE for child in children)
    assert "serving" not in (tmp_path / "output").read_text()


def test_closed_terminal_ends_it_unless_nohup_has_that_ignored() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert signal.SIGHUP in stop_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert stop_signals() == [signal.SIGINT, signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before)


def refused(folder: Path, *arguments: str, **variables: str) -> str:
    ended = speechbridge("up", *arguments, **{"DATA_DIR": str(folder)} | variables)
    assert ended.returncode == 1
    return ended.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not share a port")
def test_gateways_share_one_port_and_all_of_them_answer_when_it_serves(tmp_path: Path) -> None:
    stack = Up(tmp_path, "--preset", "simulated", "--no-check", "--gateways", "3")

    def seen() -> set[int]:
        answers = [fetch("127.0.0.1", stack.port, "/healthz") for _ in range(30)]
        return {json.loads(answer[1])["pid"] for answer in answers if answer}

    pids = {child.pid for child in stack.named("gateway")}
    assert len(pids) == 3
    assert seen() == pids
    victim = min(pids)
    os.kill(victim, signal.SIGKILL)
    stack.until(lambda: len(seen() - pids) == 1, "a new one takes the place of the one that was killed")
    assert pids - {victim} < seen()
    assert "gateway-" in stack.said and "ended by SIGKILL; starting it again in 0.2 s" in stack.said
    assert stack.end(signal.SIGTERM) == 0
    assert stack.leftovers() == []


def test_port_in_use_is_named_with_a_remedy_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path, "--port", str(port))
    assert f"error: Port {port} on 127.0.0.1 is in use." in said
    assert f"--port {port + 1}" in said
    assert not (tmp_path / "logs").exists()


def test_redis_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    port = free_port("127.0.0.1", 0)
    said = refused(tmp_path, REDIS_URL=f"redis://:secret@127.0.0.1:{port}/0")
    assert f"error: Redis at redis://:***@127.0.0.1:{port}/0 does not answer" in said
    assert "REDIS_URL" in said
    assert "secret" not in said


def test_preset_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    said = refused(tmp_path, "--preset", "nonsense")
    assert "error: PRESET=nonsense" in said
    assert "embedded" in said and "simulated" in said


@pytest.mark.slow
def test_worker_that_is_ended_comes_back_with_the_provider_that_stands_in_env_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/operations.md has it: .env, a worker beside, the old one ended, the one beside ended."""
    file = tmp_path / ".env"
    engines = "STT_PROVIDER=simulated\nTRANSLATION_PROVIDER=simulated\nTTS_PROVIDER={}\n"
    file.write_text(engines.format("simulated"))
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    up = Up(folder, PYTHONPATH=str(REPOSITORY))
    file.write_text(engines.format("espeak"))
    beside = subprocess.Popen(
        [sys.executable, "-P", "-m", "bridge.cli", "worker", "tts-cpu0"],
        env=environment(folder, PYTHONPATH=str(REPOSITORY)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with closing(Registry(url_of(Settings(data_dir=folder)))) as registry:

            def speak() -> list[str]:
                return sorted(each.provider for each in registry.workers() if each.stage == "tts")

            up.until(lambda: speak() == ["espeak", "simulated"], "one beside the other")
            [old] = up.named("worker", "tts-cpu0")
            old.terminate()
            up.until(lambda: speak() == ["espeak", "espeak"], "it is back with the next engine")
            beside.terminate()
            assert beside.wait(timeout=20) == 0
            assert speak() == ["espeak"]
    finally:
        beside.kill()
        up.end(signal.SIGTERM)

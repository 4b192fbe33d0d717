"""The Compose files: valid by the schema, and every command in them run as a process on a real Redis."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from bridge import topology
from bridge.settings import Settings
from bridge.store.registry import Registry
from bridge.types import STAGES
from gateway.server import DRAIN_SECONDS
from tests.deployment.images import Image, images
from tests.stack import (
    REPOSITORY,
    SIMULATED,
    Processes,
    free_port,
    redis_binary,
    wait_until,
)
from tests.terminal import speechbridge

BASE, GPUS, WATCHED = "docker-compose.yml", "docker-compose.gpu.yml", "docker-compose.monitoring.yml"
HOST = "docker-compose.monitoring.host.yml"
FILES = (BASE, GPUS, WATCHED, HOST)
REFERENCE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")
WORKERS = tuple(f"worker-{stage}" for stage in STAGES)
OURS = ("gateway", *WORKERS, "flower")
OTHERS = {"CUDA_DEVICE_ORDER", "GRAFANA_PASSWORD", "REDIS_ADDR"}
"""Variables that are not ours: CUDA's own, that of the file itself, the exporter's."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """What Compose makes of a second file; it holds no list that the first one has too."""
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            value = merged(result[key], value)
        result[key] = value
    return result


def services(*files: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for file in files:
        result = merged(result, yaml.safe_load((REPOSITORY / file).read_text()))
    found: dict[str, Any] = result["services"]
    return found


TOPOLOGY = REPOSITORY / "config/topology.gpu.toml"
ALONE = services(BASE)
CPU = services(BASE, WATCHED)
GPU = services(BASE, GPUS, WATCHED)


def interpolated(text: str, values: Mapping[str, str]) -> str:
    return REFERENCE.sub(lambda found: values.get(found[1]) or found[2] or "", text)


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration.removesuffix("s"))


HOSTNAME = "import os, socket\nsocket.gethostname = lambda: os.environ['CONTAINER']\n"
"""Run by each process at its start: a container has a host name of its own."""


class Composed:
    """The services of the files as processes on this machine, where Compose would run containers."""

    def __init__(self, services: Mapping[str, Any], folder: Path, **dotenv: str) -> None:
        self.services = services
        self.folder = folder
        self.port = free_port()
        self.redis_port = free_port()
        self.dotenv = {
            "PORT": str(self.port),
            "FLOWER_PORT": str(free_port()),
            "FLOWER_PASSWORD": "secret",
        } | dotenv
        (folder / "sitecustomize.py").write_text(HOSTNAME)
        self.processes = Processes({"PYTHONPATH": str(folder)}, folder)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start_redis(self) -> None:
        written = self.services["redis"]["command"][1:]
        command = [redis_binary(), *(interpolated(word, self.dotenv) for word in written)]
        place = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.running["redis"] = subprocess.Popen([*command, *place], stdout=subprocess.DEVNULL)

    def redis_healthy(self) -> bool:
        kind, program, *rest = self.services["redis"]["healthcheck"]["test"]
        assert kind == "CMD"
        client = shutil.which(program) or pytest.skip(f"{program} is not installed")
        place = ["-p", str(self.redis_port)]
        said = subprocess.run([client, *place, *rest], capture_output=True, text=True)
        return said.returncode == 0 and said.stdout == "PONG\n"

    def environment(self, service: str, container: str) -> dict[str, str]:
        """What the container would see, with the addresses of this machine."""
        written = self.services[service]["environment"]
        given = {name: interpolated(value, self.dotenv) for name, value in written.items()}
        here = {"redis://redis:6379/0": f"redis://127.0.0.1:{self.redis_port}/0", "0.0.0.0": "127.0.0.1"}
        told = {name: here.get(value, value) for name, value in given.items()}
        if "METRICS_PORT" in told:
            told["METRICS_PORT"] = "0"  # all share one network here
        return self.dotenv | told | {"CONTAINER": container}

    def image(self, service: str) -> Image:
        return images()[self.services[service]["build"]["target"]]

    def command(self, service: str) -> list[str]:
        """The arguments of `speechbridge`."""
        written: list[str] = self.services[service].get("command") or self.image(service).last("CMD").words()
        return written

    def start(self, service: str, container: str = "") -> None:
        """Runs the service's command; `container` is its host name, by default the service's name."""
        name = container or service
        command, environment = self.command(service), self.environment(service, name)
        self.running[name] = self.processes.start(*command, **environment)

    def complaint(self, service: str, container: str = "") -> str:
        """What the check of the service's image says; empty where it passes."""
        program, *arguments = self.image(service).healthcheck
        assert program == "speechbridge"
        name = container or service
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "gethostname", lambda: name)
            said = speechbridge(*arguments, folder=REPOSITORY, **self.environment(service, name))
        assert said.returncode in (0, 1)
        assert bool(said.stderr) == bool(said.returncode)
        return said.stderr

    def wait_healthy(self, service: str, container: str = "") -> None:
        def passes() -> bool:
            return not self.complaint(service, container)

        wait_until(passes, 30, f"{container or service} is healthy")

    def stop(self, service: str) -> int:
        """The exit code after SIGTERM; fails where that takes longer than the service's grace period."""
        process = self.running[service]
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=seconds(self.services[service]["stop_grace_period"]))

    def down(self) -> None:
        self.processes.stop()
        if server := self.running.get("redis"):
            server.kill()
            server.wait()
        print(self.processes.output())


@pytest.fixture
def cpu(tmp_path: Path) -> Iterator[Composed]:
    composed = Composed(CPU, tmp_path)
    yield composed
    composed.down()


@pytest.fixture
def gpu(tmp_path: Path) -> Iterator[Composed]:
    composed = Composed(GPU, tmp_path, **SIMULATED)
    yield composed
    composed.down()


@pytest.mark.e2e
@pytest.mark.redis
def test_every_service_becomes_healthy_and_stops_within_its_grace_period(cpu: Composed) -> None:
    assert not cpu.redis_healthy()
    assert "does not answer" in cpu.complaint("worker-stt")
    cpu.start_redis()
    wait_until(cpu.redis_healthy, 10, "Redis is healthy")
    assert "No live worker is registered from worker-stt" in cpu.complaint("worker-stt")
    assert "Nobody answers" in cpu.complaint("gateway")
    assert "Nobody answers" in cpu.complaint("flower")

    for service in OURS:
        cpu.start(service)
    for service in OURS:
        cpu.wait_healthy(service)
    ready = httpx.get(f"http://127.0.0.1:{cpu.port}/readyz")
    slots = {"stt": 1, "translation": 2, "tts": 2}
    told = ready.json()
    assert [*told.pop("breakers")] == [*slots]
    assert told == {"ready": True, "redis": "ok", "missing": [], "slots": slots}

    assert {service: cpu.stop(service) for service in reversed(OURS)} == dict.fromkeys(OURS, 0)
    assert all(cpu.complaint(service) for service in OURS)


@pytest.mark.e2e
@pytest.mark.redis
def test_redis_keeps_what_it_accepted_and_refuses_rather_than_forgets(cpu: Composed) -> None:
    cpu.start_redis()
    wait_until(cpu.redis_healthy, 10, "Redis is healthy")
    with redis.Redis(port=cpu.redis_port, decode_responses=True) as client:
        # One pattern a call: Redis 6.2 takes no more.
        kept = client.config_get("append*") | client.config_get("maxmemory*")
        client.set("accepted", "yes")
    cpu.running["redis"].terminate()
    cpu.running["redis"].wait(timeout=10)
    cpu.start_redis()
    wait_until(cpu.redis_healthy, 10, "Redis is healthy again")

    with redis.Redis(port=cpu.redis_port, decode_responses=True) as client:
        assert client.get("accepted") == "yes"
    assert (kept["appendonly"], kept["appendfsync"], kept["maxmemory-policy"]) == (
        "yes",
        "everysec",
        "noeviction",
    )
    assert int(kept["maxmemory"]) == Settings.model_fields["redis_max_memory"].default
    assert CPU["redis"]["volumes"] == ["redis-data:/data"]


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.redis
def test_scaled_workers_do_not_clash_and_each_is_healthy_by_itself(cpu: Composed) -> None:
    cpu.dotenv |= SIMULATED
    cpu.start_redis()
    wait_until(cpu.redis_healthy, 10, "Redis is healthy")
    for container in ("a1", "b2", "c3"):
        cpu.start("worker-stt", container)
    for container in ("a1", "b2", "c3"):
        cpu.wait_healthy("worker-stt", container)

    registry = Registry(f"redis://127.0.0.1:{cpu.redis_port}/0")
    assert [worker.host for worker in registry.workers()] == ["a1", "b2", "c3"]
    assert len({worker.name for worker in registry.workers()}) == 3
    registry.close()
    cpu.running["b2"].send_signal(signal.SIGTERM)
    cpu.running["b2"].wait(timeout=20)
    assert cpu.complaint("worker-stt", "b2")
    assert not cpu.complaint("worker-stt", "c3")


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.redis
def test_gpu_workers_serve_the_queues_of_their_cards(gpu: Composed) -> None:
    gpu.start_redis()
    wait_until(gpu.redis_healthy, 10, "Redis is healthy")
    for service in ("gateway", *WORKERS):
        gpu.start(service)
    for service in ("gateway", *WORKERS):
        gpu.wait_healthy(service)

    registry = Registry(f"redis://127.0.0.1:{gpu.redis_port}/0")
    queues = {worker.queue for worker in registry.workers()}
    registry.close()
    assert queues == {"stt.gpu0", "translation.gpu0", "tts.gpu0"}
    assert httpx.get(f"http://127.0.0.1:{gpu.port}/readyz").status_code == 200


@pytest.mark.e2e
@pytest.mark.redis
def test_flower_without_a_password_does_not_start_and_says_what_to_set(cpu: Composed) -> None:
    cpu.dotenv["FLOWER_PASSWORD"] = ""
    said = speechbridge(*cpu.command("flower"), **cpu.environment("flower", "flower"))

    assert said.returncode == 1
    assert "FLOWER_PASSWORD is not set" in said.stderr


def test_the_files_are_valid_by_the_schema_of_compose() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *FILES]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)

    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("file", FILES)
def test_every_variable_in_a_file_is_one_that_the_system_reads(file: str) -> None:
    known = {name.upper() for name in Settings.model_fields}
    named = {name for name, _ in REFERENCE.findall((REPOSITORY / file).read_text())}
    set_in = {name for service in services(file).values() for name in service.get("environment", {})}
    ours = {name for name in named | set_in if not name.startswith("GF_")}

    assert named | set_in
    assert ours <= known | OTHERS


def test_what_can_be_set_in_dotenv_is_not_set_in_the_files() -> None:
    # Inside a container, loopback cannot be reached by anyone, and a port is its own.
    for service in OURS:
        fixed = {name for name, value in GPU[service]["environment"].items() if not REFERENCE.match(value)}
        assert fixed <= {"HOST", "FLOWER_HOST", "METRICS_HOST", "METRICS_PORT"} | OTHERS, service
        assert CPU[service]["env_file"] == [{"path": ".env", "required": False}]


def test_the_ports_of_dotenv_are_those_of_the_containers() -> None:
    values = {"PORT": "9000", "FLOWER_PORT": "9001"}

    assert [interpolated(port, values) for port in CPU["proxy"]["ports"]] == ["9000:9000"]
    assert [interpolated(port, values) for port in CPU["flower"]["ports"]] == ["127.0.0.1:9001:9001"]
    port, flower = (Settings.model_fields[name].default for name in ("port", "flower_port"))
    assert interpolated(CPU["proxy"]["ports"][0], {}) == f"{port}:{port}"
    assert interpolated(CPU["flower"]["ports"][0], {}) == f"127.0.0.1:{flower}:{flower}"


def test_only_the_proxy_is_published_and_on_loopback_what_shows_the_system() -> None:
    published = {name: service["ports"] for name, service in GPU.items() if "ports" in service}

    assert list(published) == ["proxy", "prometheus", "alertmanager", "grafana", "flower"]
    for name in list(published)[1:]:
        assert all(port.startswith("127.0.0.1:") for port in published[name]), name


@pytest.mark.parametrize("service", ["gateway", *WORKERS])
def test_gateway_and_workers_can_be_scaled(service: str) -> None:
    assert not {"container_name", "hostname", "ports", "network_mode"} & GPU[service].keys()


@pytest.mark.parametrize(
    ("composed", "file"),
    [(CPU, "config/topology.toml"), (GPU, "config/topology.gpu.toml")],
    ids=["cpu", "gpu"],
)
def test_the_services_start_every_worker_of_the_topology_as_often_as_it_says(
    composed: dict[str, Any], file: str
) -> None:
    entries = topology.load(REPOSITORY / file).workers
    commands = {
        composed[service]["command"][1]: composed[service].get("deploy", {}).get("replicas", 1)
        for service in WORKERS
    }

    assert commands == {entry.name: entry.replicas for entry in entries}
    for service in WORKERS:
        (entry,) = (entry for entry in entries if entry.name == composed[service]["command"][1])
        assert service == f"worker-{entry.stage}"


def test_a_start_without_the_second_file_asks_for_no_gpu() -> None:
    assert "devices" not in (REPOSITORY / FILES[0]).read_text()
    assert all(entry.device == "cpu0" for entry in topology.load(REPOSITORY / "config/topology.toml").workers)


def test_every_card_of_the_topology_is_reserved_for_every_worker() -> None:
    reserved = [GPU[service]["deploy"]["resources"]["reservations"]["devices"] for service in WORKERS]
    ((device,),) = reserved[:1]
    highest = max(int(entry.device.removeprefix("gpu")) for entry in topology.load(TOPOLOGY).workers)

    assert all(devices == [device] for devices in reserved)
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    # Inside, the cards are numbered from 0, whatever their numbers on the machine are.
    assert highest < len(device["device_ids"])


def test_a_stopped_worker_has_time_to_end_its_task_and_a_gateway_to_send_its_clients_away() -> None:
    longest = Settings.model_fields["segment_run_ms"].default / 1000
    for service in WORKERS:
        assert seconds(CPU[service]["stop_grace_period"]) > longest
    assert seconds(CPU["gateway"]["stop_grace_period"]) > 2 * DRAIN_SECONDS


def test_a_service_that_dies_is_started_again() -> None:
    assert {name: service["restart"] for name, service in CPU.items()} == {
        "redis": "unless-stopped",
        "gateway": "unless-stopped",
        "proxy": "unless-stopped",
        "worker-stt": "unless-stopped",
        "worker-translation": "unless-stopped",
        "worker-tts": "unless-stopped",
        "prometheus": "unless-stopped",
        "alertmanager": "unless-stopped",
        "grafana": "unless-stopped",
        "redis_exporter": "unless-stopped",
        "gpu_exporter": "unless-stopped",
        "flower": "on-failure:3",
    }


def test_what_shows_the_system_is_not_needed_to_run_it() -> None:
    assert list(ALONE) == ["redis", "gateway", "proxy", *WORKERS]
    assert not any("profiles" in service for service in ALONE.values())

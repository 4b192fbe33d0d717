"""Workers as processes: when they are online, and when they are gone."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from bridge.settings import Settings
from bridge.streams import Store
from bridge.tasks import boot
from bridge.topology import WorkerEntry
from tests.stack import Processes, wait_until

pytestmark = [pytest.mark.redis, pytest.mark.e2e]

FAST = {"HEARTBEAT_INTERVAL_MS": "200", "WORKER_TTL_MS": "800", "TTS_PROVIDER": "simulated"}


def test_task_events_are_sent_only_when_they_are_wanted() -> None:
    entry = WorkerEntry("voice", "tts", "cpu0", concurrency=3)

    assert "-E" in boot.arguments(entry, "voice-0", Settings.read(task_events=True))
    assert "-E" not in boot.arguments(entry, "voice-0", Settings.read(task_events=False))


def topology(folder: Path, device: str) -> str:
    path = folder / "topology.toml"
    path.write_text(f'[[worker]]\nname = "voice"\nstage = "tts"\ndevice = "{device}"\nconcurrency = 3\n')
    return str(path)


def environment_of(pid: int) -> dict[str, str]:
    raw = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in raw if "=" in line)


def test_a_worker_is_registered_once_it_is_ready_and_leaves_when_it_is_stopped(
    processes: Processes, settings: Settings, tmp_path: Path
) -> None:
    store = Store(settings.redis_url)
    process = processes.start("worker", "voice", TOPOLOGY=topology(tmp_path, "gpu3"), **FAST)
    wait_until(lambda: bool(store.workers()), 20, "the worker is registered")
    (worker,) = store.workers()

    assert (worker.stage, worker.device, worker.queue, worker.slots) == ("tts", "gpu3", "tts.gpu3", 3)
    assert worker.provider == "simulated"
    assert "es" in worker.languages
    assert worker.pid == process.pid

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert store.workers() == []
    assert store.client.hgetall("busy") == {}
    store.close()


def test_a_killed_worker_is_gone_after_its_time_to_live(
    processes: Processes, settings: Settings, tmp_path: Path
) -> None:
    store = Store(settings.redis_url)
    process = processes.start("worker", "voice", TOPOLOGY=topology(tmp_path, "cpu0"), **FAST)
    wait_until(lambda: bool(store.workers()), 20, "the worker is registered")
    process.kill()

    wait_until(lambda: store.workers() == [], 3, "the worker is gone")
    store.close()


def test_the_heartbeat_outlives_a_redis_that_forgot(
    processes: Processes, settings: Settings, tmp_path: Path
) -> None:
    store = Store(settings.redis_url)
    processes.start("worker", "voice", TOPOLOGY=topology(tmp_path, "cpu0"), **FAST)
    wait_until(lambda: bool(store.workers()), 20, "the worker is registered")
    store.client.delete("workers", *store.client.keys("worker:*"))

    wait_until(lambda: bool(store.workers()), 3, "the worker is registered again")
    store.close()


@pytest.mark.parametrize(("device", "visible"), [("gpu3", "3"), ("cpu0", "")])
def test_a_worker_sees_only_its_own_gpu(
    processes: Processes, settings: Settings, tmp_path: Path, device: str, visible: str
) -> None:
    probe = tmp_path / "sitecustomize.py"
    out = tmp_path / "seen.json"
    # The variable counts from the first import of an engine on: here, the provider's module.
    probe.write_text(
        "import sys, os, json\n"
        "class Probe:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'bridge.providers.simulated':\n"
        f"            open({str(out)!r}, 'w').write(json.dumps(os.environ.get('CUDA_VISIBLE_DEVICES')))\n"
        "sys.meta_path.insert(0, Probe())\n"
    )
    path = topology(tmp_path, device)
    processes.start("worker", "voice", TOPOLOGY=path, PYTHONPATH=str(tmp_path), **FAST)
    wait_until(out.exists, 20, "the provider is imported")

    assert json.loads(out.read_text()) == visible


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("worker", "nobody"), {}, "stt-cpu0, translation-cpu0, tts-cpu0"),
        (("worker", "tts-cpu0"), {"TTS_PROVIDER": "siren"}, "Use one of: espeak, "),
        (("worker", "tts-cpu0"), {"REDIS_URL": ""}, "REDIS_URL is empty"),
        (("worker", "tts-cpu0"), {"TOPOLOGY": "missing.toml"}, "There is no topology file missing.toml"),
    ],
)
def test_a_worker_that_cannot_start_says_what_may_be_used(
    processes: Processes, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    process = processes.start(*arguments, **environment)

    assert process.wait(timeout=20) == 1
    assert said in processes.output()
    assert "Traceback" not in processes.output()

"""A worker of each stage as a process, on simulated engines and a Redis of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from celery import chain
from celery.canvas import Signature

from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks.stt import transcribe
from bridge.tasks.translation import translate
from bridge.tasks.tts import synthesize
from bridge.topology import load
from bridge.types import Event, Work
from tests.bridge.rooms import Room
from tests.stack import SIMULATED, Processes, RedisProcess, as_gateway, wait_until

TOPOLOGY = """
[[worker]]
name = "ear"
stage = "stt"
device = "cpu0"
[[worker]]
name = "brain"
stage = "translation"
device = "gpu3"
concurrency = 3
[[worker]]
name = "mouth"
stage = "tts"
device = "cpu0"
"""

FAST = {
    "HEARTBEAT_INTERVAL_MS": "200",
    "WORKER_TTL_MS": "800",
    "SIMULATED_STT_MS": "5",
    "SIMULATED_TRANSLATION_MS": "5",
    "SIMULATED_TTS_MS": "5",
    "SIMULATED_TTS_AUDIO_MS": "300",
}
AHEAD_SECONDS = 120

# Sets the clock of a worker's host ahead, and tells which GPUs its engine will see: the variable counts from
# the first import of an engine on, and none is built before `boot` is there.
SITE = """
import json, os, sys, time
real = time.time
time.time = lambda: real() + float(os.environ.get("AHEAD_SECONDS", "0"))
class Probe:
    def find_spec(self, name, path=None, target=None):
        if name == "bridge.tasks.boot":
            with open(os.path.join(os.environ["SEEN"], sys.argv[2] + ".json"), "w") as file:
                json.dump(os.environ.get("CUDA_VISIBLE_DEVICES"), file)
sys.meta_path.insert(0, Probe())
"""


class Crew(Processes):
    """The workers `ear`, `brain` (two minutes ahead) and `mouth`, or those named."""

    def __init__(self, folder: Path, *names: str, **environment: str) -> None:
        self.redis = RedisProcess(folder)
        self.redis.start()
        path = folder / "topology.toml"
        path.write_text(TOPOLOGY)
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(SITE)
        super().__init__(
            {"REDIS_URL": self.redis.url, "DATA_DIR": str(folder), "TOPOLOGY": str(path), "SEEN": str(folder)}
            | {"PYTHONPATH": str(site)} | SIMULATED | FAST | environment,
            folder,
        )  # fmt: skip
        self.registry = Registry(self.redis.url)
        self.room = Room(self.redis.url)
        for name in names:
            self.start("worker", name, AHEAD_SECONDS=str(AHEAD_SECONDS if name == "brain" else 0))
        wait_until(lambda: len(self.registry.workers()) == len(names), 60, "the workers are registered")
        self.become_gateway()

    def become_gateway(self) -> None:
        """Makes this process send to these workers."""
        settings = Settings.read(redis_url=self.redis.url, data_dir=self.folder)
        as_gateway(settings, load(self.folder / "topology.toml"))

    def worker(self, name: str) -> WorkerRecord:
        (found,) = (worker for worker in self.registry.workers() if worker.name.startswith(f"{name}-0@"))
        return found

    def saw(self, name: str) -> Any:
        """CUDA_VISIBLE_DEVICES as the engine of that worker found it."""
        return json.loads((self.folder / f"{name}.json").read_text())

    def texts(self) -> list[Event]:
        return [event for event in self.room.events() if event.kind == "text"]

    def end(self) -> None:
        self.stop()
        self.room.close()
        self.registry.close()
        self.redis.kill()


def placed(signature: Signature[Any], queue: str, priority: int = 0) -> Signature[Any]:
    return signature.set(queue=queue, priority=priority)


def translation(work: Work, priority: int = 0) -> Signature[Any]:
    """The translation of `work` into Spanish, and nothing after it."""
    return placed(translate.s(work.message(), "es", None), "translation.gpu3", priority)


def whole(work: Work) -> Signature[Any]:
    """All three stages."""
    return chain(
        placed(transcribe.s(work.message()), "stt.cpu0"),
        placed(translate.s("es", None), "translation.gpu3"),
        placed(synthesize.s(), "tts.cpu0"),
    )

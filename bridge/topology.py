"""Which worker serves which stage on which device, as config/topology.toml says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bridge.errors import SettingsError
from bridge.options import config_dir
from bridge.types import STAGES, Stage

DEVICE = re.compile(r"(cpu|gpu)(\d+)")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class WorkerEntry:
    """One kind of worker: `concurrency` threads in each of `replicas` processes.

    `env` holds variables for this worker alone; they win over its environment, so that two workers of
    one stage may run different engines. Such workers need devices, and so queues, of their own for good.
    """

    name: str
    stage: Stage
    device: str
    concurrency: int = 1
    replicas: int = 1
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def queue(self) -> str:
        return queue(self.stage, self.device)


@dataclass(frozen=True, slots=True)
class Topology:
    workers: tuple[WorkerEntry, ...]
    path: Path

    def worker(self, name: str) -> WorkerEntry:
        """The entry called `name`. Raises SettingsError listing the names there are."""
        for entry in self.workers:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.workers)
        raise SettingsError(f"{self.path} names no worker {name!r}.", f"Use one of: {known}.")

    @property
    def queues(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.queue for entry in self.workers))


def queue(stage: Stage, device: str) -> str:
    """The Celery queue of a stage on a device, such as `stt.gpu0`."""
    return f"{stage}.{device}"


def cuda_visible_devices(device: str) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a worker on `device`: "1" for gpu1, nothing for cpu0."""
    kind, number = DEVICE.fullmatch(device).groups()  # type: ignore[union-attr]  # checked on load
    return str(number) if kind == "gpu" else ""


def load(path: Path | None = None) -> Topology:
    """Reads `path`, or topology.toml in the config folder.

    Raises SettingsError for a missing or malformed file and for every field that makes no sense.
    """
    path = path or config_dir() / "topology.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no topology file {path}.", "Set TOPOLOGY or CONFIG_DIR.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None
    entries = data.get("worker")
    if not isinstance(entries, list) or not entries:
        raise SettingsError(f"{path} names no worker.", "Add a [[worker]] table with name, stage and device.")
    workers = tuple(_entry(entry, number, path) for number, entry in enumerate(entries, 1))
    _check_unique(workers, path)
    return Topology(workers, path)


def _entry(entry: dict[str, Any], number: int, path: Path) -> WorkerEntry:
    where = f"{path}, worker {entry.get('name', number)!r}"
    known = [field.name for field in fields(WorkerEntry)]
    for key in entry:
        if key not in known:
            raise SettingsError(f"{where}: unknown key {key!r}.", f"Use {', '.join(known)}.")
    for key in ("name", "stage", "device"):
        if not isinstance(entry.get(key), str):
            raise SettingsError(f"{where}: {key} is missing.", f'Add {key} = "...".')
    if not NAME.fullmatch(entry["name"]):
        raise SettingsError(f"{where}: a name has lower-case letters, digits, '.', '_' and '-' only.")
    if entry["stage"] not in STAGES:
        raise SettingsError(f"{where}: stage {entry['stage']!r} is unknown.", f"Use {', '.join(STAGES)}.")
    if not DEVICE.fullmatch(entry["device"]):
        raise SettingsError(f"{where}: device {entry['device']!r} is unknown.", "Use cpu0, gpu0, gpu1 ...")
    _check_values(entry, where)
    return WorkerEntry(**entry)


def _check_values(entry: dict[str, Any], where: str) -> None:
    for key in ("concurrency", "replicas"):
        value = entry.get(key, 1)
        if type(value) is not int or not 1 <= value <= 64:
            raise SettingsError(f"{where}: {key} = {value!r}.", "Use a whole number from 1 to 64.")
    env = entry.get("env", {})
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise SettingsError(f"{where}: env is no table of texts.", 'Write env = {STT_PROVIDER = "..."}.')


def _check_unique(workers: tuple[WorkerEntry, ...], path: Path) -> None:
    names = [entry.name for entry in workers]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path} names the worker {name!r} twice.", "Give each its own name.")

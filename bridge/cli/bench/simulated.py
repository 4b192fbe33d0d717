"""A stack with simulated engines: what a benchmark measures when not the engines themselves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.cli.stack import Stack, running
from bridge.settings import Settings
from bridge.types import STAGES

ENGINES_MS = {"stt": 120, "translation": 60, "tts": 80}
SPOKEN_MS = 1_000
"""Length of what the simulated tts says of any text."""


@contextmanager
def simulated(
    engines_ms: Mapping[str, int],
    topology: str | Path,
    connections: int = 100,
    gateways: int = 1,
    **variables: str,
) -> Iterator[Stack]:
    """A stack whose engines take set times; `topology` is the text of a topology file, or its path.

    `variables` are added to the environment while it runs. Raises BridgeError as `Stack` does.
    """
    with (
        simulation(engines_ms, topology, connections) as chosen,
        environment(chosen | variables),
        running(Settings.read(redis_url=""), gateways) as stack,
    ):
        yield stack


@contextmanager
def simulation(
    engines_ms: Mapping[str, int], topology: str | Path, connections: int = 100
) -> Iterator[dict[str, str]]:
    """The variables of engines that take set times, with a fixed endpoint of 500 ms; `topology` as above."""
    chosen = {f"{stage.upper()}_PROVIDER": "simulated" for stage in STAGES}
    chosen |= {f"SIMULATED_{stage.upper()}_MS": str(ms) for stage, ms in engines_ms.items()}
    chosen |= {"SIMULATED_TTS_AUDIO_MS": str(SPOKEN_MS), "VAD_MIN_SILENCE_MS": "500"}
    chosen |= {"ENDPOINT": "fixed"}
    chosen |= {"WS_MAX_CONNECTIONS": str(connections)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.toml" if isinstance(topology, str) else topology
        if isinstance(topology, str):
            path.write_text(topology, encoding="utf-8")
        yield chosen | {"TOPOLOGY": str(path)}


@contextmanager
def apart(variables: Mapping[str, str], *, private: bool = True) -> Iterator[Stack]:
    """A stack with `variables`, which stay out of the environment of any other.

    `private`: with its own Redis, whatever REDIS_URL says. Raises BridgeError as `Stack` does.
    """
    with ExitStack() as stacks:
        with environment(variables):
            settings = Settings.read(redis_url="" if private else None)
            stack = stacks.enter_context(running(settings, variables=variables))
        yield stack


def topology_text(concurrency: int, devices: Sequence[str] = ("cpu0",), replicas: int = 1) -> str:
    """A worker of each stage on each device, with so many threads (64 at most) in each of its processes."""
    return "\n".join(
        f'[[worker]]\nname = "{stage}-{device}"\nstage = "{stage}"\ndevice = "{device}"\n'
        f"concurrency = {min(concurrency, 64)}\nreplicas = {replicas}\n"
        for stage in STAGES
        for device in devices
    )


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Adds `variables` to the environment while the block runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

"""A stack with simulated engines: what a benchmark measures when not the engines themselves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    chosen = {f"{stage.upper()}_PROVIDER": "simulated" for stage in STAGES}
    chosen |= {f"SIMULATED_{stage.upper()}_MS": str(ms) for stage, ms in engines_ms.items()}
    chosen |= {"SIMULATED_TTS_AUDIO_MS": str(SPOKEN_MS), "VAD_MIN_SILENCE_MS": "500"}
    chosen |= {"WS_MAX_CONNECTIONS": str(connections)} | variables
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.toml" if isinstance(topology, str) else topology
        if isinstance(topology, str):
            path.write_text(topology, encoding="utf-8")
        variables = chosen | {"TOPOLOGY": str(path)}
        with _environment(variables), running(Settings.read(redis_url=""), gateways) as stack:
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
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

"""Which topology file fits: what the engines make of a GPU, and what this machine has."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bridge.options import config_dir
from bridge.settings import Settings

CPU_FILE, GPU_FILE = "topology.toml", "topology.gpu.toml"


@dataclass(frozen=True, slots=True)
class Choice:
    """The file, the reason where there is one to tell, and whether the engines lack the GPU they need."""

    path: Path
    why: str = ""
    lacking: bool = False


def choose(settings: Settings) -> Choice:
    """TOPOLOGY where it is set, else the file in the config folder that fits GPU_NEED and the machine."""
    if settings.topology is not None:
        return Choice(settings.topology)
    folder = config_dir()
    if settings.gpu_need == "none":
        return Choice(folder / CPU_FILE)
    who = f"The preset {settings.preset}" if settings.preset else f"This setup (GPU_NEED={settings.gpu_need})"
    needs = "needs" if settings.gpu_need == "required" else "is made for"
    cards = gpus()
    if cards and (folder / GPU_FILE).is_file():
        return Choice(folder / GPU_FILE, f"{who} {needs} a GPU, and here is {cards[0]}.")
    lacks = f"there is no {folder / GPU_FILE}" if cards else "`nvidia-smi -L` lists none"
    result = {
        "useful": "its engines run on the CPU, slowly",
        "required": "on the CPU its engines start only with another precision (STT_COMPUTE_TYPE=int8)",
    }[settings.gpu_need]
    return Choice(folder / CPU_FILE, f"{who} {needs} a GPU, and {lacks}: {result}.", lacking=True)


def gpus() -> list[str]:
    """The names of the machine's NVIDIA cards, in the order of their numbers."""
    try:
        said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = said.stdout.splitlines() if said.returncode == 0 else []
    return [found[1] for line in lines if (found := re.match(r"GPU \d+: (.*?)( \(UUID.*)?$", line))]

"""Where an engine runs: what the variable of its stage asks for, and what this process sees."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from bridge.errors import SettingsError
from bridge.types import Stage


def device(stage: Stage, description: str) -> Any:
    """The option `<stage>_device`, which DEVICE sets too."""
    return Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        validation_alias=AliasChoices(f"{stage}_device", "device"),
        description=description,
    )


def split(asked: str) -> tuple[str, int]:
    """Kind and number of what a device option holds: cuda and 1 for cuda:1."""
    kind, _, number = asked.partition(":")
    return kind, int(number or 0)


def place(stage: Stage, asked: str, gpus: int) -> tuple[str, int]:
    """The kind, cpu or cuda, and the number to run on. Raises SettingsError for a GPU beyond `gpus`."""
    kind, number = split(asked)
    if kind == "auto":
        kind = "cuda" if gpus else "cpu"
    if kind == "cuda" and number >= gpus:
        seen = f"{gpus} GPU{'' if gpus == 1 else 's'}" if gpus else "no GPU"
        raise SettingsError(
            f"{stage.upper()}_DEVICE={asked} is not there: this process sees {seen}.",
            "Use cpu or auto. nvidia-smi shows the GPUs, CUDA_VISIBLE_DEVICES hides some from a process.",
        )
    return kind, number

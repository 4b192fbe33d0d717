"""What every engine on ONNX Runtime needs: which of its execution providers compute."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import SettingsError
from bridge.providers.device import split
from bridge.types import Stage

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"


def execution(stage: Stage, asked: str, available: Sequence[str]) -> list[str]:
    """The execution providers for a device option, in the order to try.

    Raises SettingsError for a GPU where this ONNX Runtime has no provider for one.
    """
    kind, _ = split(asked)
    if kind == "cuda" and CUDA not in available:
        raise no_gpu(stage, asked, available)
    return [CPU] if kind == "cpu" or CUDA not in available else [CUDA, CPU]


def no_gpu(stage: Stage, asked: str, available: Sequence[str]) -> SettingsError:
    """What to say where only `available` computes, and a GPU was asked for."""
    variable = f"{stage.upper()}_DEVICE"
    return SettingsError(
        f"{variable}={asked} cannot be used: ONNX Runtime offers {', '.join(available)} only.",
        "Install onnxruntime-gpu in place of onnxruntime and check the driver with nvidia-smi, "
        f"or set {variable}=cpu.",
    )

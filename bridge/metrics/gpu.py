"""The GPU of a worker, by NVML. What cannot be read is absent, never zero."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol, cast

import structlog
from prometheus_client import Gauge

from bridge.extras import install
from bridge.metrics.worker import GPU_BUSY, GPU_MEMORY

log = structlog.get_logger(__name__)


class Nvml(Protocol):
    """What is used of the module pynvml; each raises where the driver or the card cannot answer."""

    def nvmlInit(self) -> None: ...
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...
    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any: ...
    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any: ...


class Gpu:
    """Card `index` in the order of nvidia-smi, which the topology calls `device`. Raises what NVML raises."""

    def __init__(self, device: str, index: int, nvml: Nvml) -> None:
        nvml.nvmlInit()
        self._device, self._nvml = device, nvml
        self._handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def refresh(self) -> None:
        """Reads both series."""
        _read(GPU_MEMORY, self._memory)
        _read(GPU_BUSY, self._busy)

    def _memory(self) -> None:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(self._handle)
        GPU_MEMORY.labels(self._device, "used").set(memory.used)
        GPU_MEMORY.labels(self._device, "total").set(memory.total)

    def _busy(self) -> None:
        percent = self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu
        GPU_BUSY.labels(self._device).set(percent / 100)


def _read(gauge: Gauge, reading: Callable[[], None]) -> None:
    try:
        reading()
    except Exception as error:  # pynvml's own has no type here; a part of a card (MIG) has no utilisation
        gauge.clear()
        log.debug("GPU not read", error=str(error))


def found(device: str, index: int, nvml: Nvml | None = None) -> Gpu | None:
    """The card, where pynvml (the extra `gpu`), the driver and the card are there; else says what is not."""
    try:
        return Gpu(device, index, nvml or cast(Nvml, importlib.import_module("pynvml")))
    except ImportError as error:
        log.info("no metrics of the GPU", device=device, error=str(error), hint=install("gpu"))
    except Exception as error:
        log.info("no metrics of the GPU", device=device, error=str(error))
    return None

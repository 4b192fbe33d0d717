"""The series of a GPU: read from NVML where it answers, and absent where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bridge.metrics.gpu import Gpu, found
from bridge.metrics.worker import GPU_BUSY, GPU_MEMORY


class Driver:
    """The four functions of pynvml that are used, of a machine with two cards."""

    def __init__(self) -> None:
        self.used = 3 * 2**30
        self.refuses: set[str] = set()

    def nvmlInit(self) -> None:
        self._answers("init")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        if index > 1:
            raise ValueError("Invalid Argument")
        return f"card {index}"

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:
        self._answers("memory")
        return SimpleNamespace(used=self.used, total=80 * 2**30 if handle == "card 1" else 1)

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any:
        self._answers("utilization")
        return SimpleNamespace(gpu=37, memory=1)

    def _answers(self, what: str) -> None:
        if what in self.refuses:
            raise RuntimeError("Not Supported")


@pytest.fixture
def driver() -> Iterator[Driver]:
    yield Driver()
    GPU_MEMORY.clear()
    GPU_BUSY.clear()


def memory(kind: str) -> float | None:
    return REGISTRY.get_sample_value("bridge_gpu_memory_bytes", {"device": "gpu1", "kind": kind})


def busy() -> float | None:
    return REGISTRY.get_sample_value("bridge_gpu_utilization_ratio", {"device": "gpu1"})


def test_memory_and_load_are_those_of_the_workers_own_card_at_the_time(driver: Driver) -> None:
    gpu = Gpu("gpu1", 1, driver)
    gpu.refresh()
    assert (memory("used"), memory("total"), busy()) == (3 * 2**30, 80 * 2**30, 0.37)

    driver.used = 4 * 2**30
    gpu.refresh()
    assert memory("used") == 4 * 2**30


def test_what_a_card_does_not_tell_is_absent_and_the_rest_is_told(driver: Driver) -> None:
    driver.refuses.add("utilization")
    Gpu("gpu1", 1, driver).refresh()
    assert (memory("total"), busy()) == (80 * 2**30, None)


def test_a_card_that_is_lost_keeps_no_last_value_and_comes_back_with_its_next_answer(driver: Driver) -> None:
    gpu = Gpu("gpu1", 1, driver)
    gpu.refresh()
    driver.refuses |= {"memory", "utilization"}
    gpu.refresh()
    assert (memory("used"), memory("total"), busy()) == (None, None, None)

    driver.refuses.clear()
    gpu.refresh()
    assert busy() == 0.37


@pytest.mark.parametrize(("index", "refuses"), [(7, set[str]()), (0, {"init"})])
def test_where_card_or_driver_is_missing_nothing_is_exported(
    driver: Driver, index: int, refuses: set[str]
) -> None:
    driver.refuses |= refuses
    with capture_logs() as lines:
        assert found("gpu1", index, driver) is None
    assert [(line["event"], line["device"]) for line in lines] == [("no metrics of the GPU", "gpu1")]
    assert memory("used") is None


def test_the_module_of_the_extra_has_these_functions() -> None:
    pynvml = pytest.importorskip("pynvml")
    assert all(hasattr(pynvml, name) for name in dir(Driver) if name.startswith("nvml"))

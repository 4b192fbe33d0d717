"""The topology that fits the preset and the machine, which a fake `nvidia-smi` describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.devices import choose, gpus
from bridge.settings import Settings

CONFIG = Path(__file__).parents[3] / "config"
ONE = "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-5f2c)\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any card, whose programs are those in the folder."""
    for name in ("TOPOLOGY", "GPU_NEED", "PRESET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONFIG_DIR", str(CONFIG))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def lists(folder: Path, cards: str, code: int = 0) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] || exit 9\nprintf '%s' '{cards}'\nexit {code}\n")
    program.chmod(0o755)


def test_cards_are_named_in_the_order_of_their_numbers(machine: Path) -> None:
    assert gpus() == []
    lists(machine, ONE + "GPU 1: Tesla T4 (UUID: GPU-77aa)\n  MIG 1g.10gb Device 0: (UUID: MIG-1)\n")
    assert gpus() == ["NVIDIA GeForce RTX 4090", "Tesla T4"]
    lists(machine, "Failed to initialize NVML: Driver/library version mismatch\n", code=18)
    assert gpus() == []


@pytest.mark.parametrize("preset", ["standard", "vram-4gb", "max-quality"])
def test_preset_made_for_a_gpu_gets_the_workers_of_the_card_that_is_there(
    machine: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    lists(machine, ONE)
    monkeypatch.setenv("PRESET", preset)
    choice = choose(Settings.read())
    assert choice.path == CONFIG / "topology.gpu.toml"
    assert preset in choice.why and "RTX 4090" in choice.why
    assert not choice.lacking


@pytest.mark.parametrize(
    ("preset", "said", "result"),
    [
        ("standard", "is made for", "its engines run on the CPU, slowly"),
        ("vram-4gb", "is made for", "its engines run on the CPU, slowly"),
        ("max-quality", "needs", "on the CPU its engines start only with another precision"),
    ],
)
def test_without_a_card_the_preset_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, preset: str, said: str, result: str
) -> None:
    monkeypatch.setenv("PRESET", preset)
    choice = choose(Settings.read())
    assert choice.path == CONFIG / "topology.toml"
    assert choice.why.startswith(
        f"The preset {preset} {said} a GPU, and `nvidia-smi -L` lists none: {result}"
    )
    assert choice.lacking


@pytest.mark.parametrize("preset", ["embedded", "simulated", "cpu-only", "low-latency", ""])
def test_engines_that_need_no_gpu_leave_it_alone_without_a_word(
    machine: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    lists(machine, ONE)
    monkeypatch.setenv("PRESET", preset)
    choice = choose(Settings.read())
    assert (choice.path, choice.why, choice.lacking) == (CONFIG / "topology.toml", "", False)


def test_file_that_the_operator_names_is_taken_whatever_the_machine_has(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(machine, ONE)
    monkeypatch.setenv("PRESET", "max-quality")
    monkeypatch.setenv("TOPOLOGY", "mine.toml")
    assert choose(Settings.read()).path == Path("mine.toml")


def test_need_may_be_set_without_a_preset(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_NEED", "useful")
    assert choose(Settings.read()).why.startswith("This setup (GPU_NEED=useful) is made for a GPU")
    lists(machine, ONE)
    assert choose(Settings.read()).path.name == "topology.gpu.toml"


def test_config_folder_without_a_file_for_gpus_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(machine, ONE)
    monkeypatch.setenv("CONFIG_DIR", str(machine))
    monkeypatch.setenv("GPU_NEED", "useful")
    choice = choose(Settings.read())
    assert choice.path == machine / "topology.toml"
    assert f"there is no {machine / 'topology.gpu.toml'}" in choice.why

"""config/topology.toml and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import topology
from bridge.errors import SettingsError
from bridge.types import STAGES

GOOD = '[[worker]]\nname = "a"\nstage = "stt"\ndevice = "gpu0"\n'


def load(folder: Path, text: str) -> topology.Topology:
    path = folder / "topology.toml"
    path.write_text(text)
    return topology.load(path)


def test_the_file_in_the_repository_serves_every_stage() -> None:
    assert {entry.stage for entry in topology.load().workers} == set(STAGES)


def test_a_worker_consumes_the_queue_of_its_stage_and_device(tmp_path: Path) -> None:
    entry = load(tmp_path, GOOD).worker("a")

    assert (entry.queue, entry.concurrency, entry.replicas) == ("stt.gpu0", 1, 1)


def test_a_worker_may_have_variables_of_its_own(tmp_path: Path) -> None:
    entry = load(tmp_path, GOOD + 'env = {STT_PROVIDER = "simulated"}\n').worker("a")

    assert entry.env == {"STT_PROVIDER": "simulated"}


@pytest.mark.parametrize(("device", "visible"), [("gpu0", "0"), ("gpu12", "12"), ("cpu0", "")])
def test_a_device_names_what_cuda_may_see(device: str, visible: str) -> None:
    assert topology.cuda_visible_devices(device) == visible


def test_an_unknown_worker_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'b'.*Use one of: a"):
        load(tmp_path, GOOD).worker("b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no worker"),
        ("worker = 3", "names no worker"),
        ("[[worker", "cannot be read"),
        (GOOD + GOOD, "'a' twice"),
        (GOOD.replace("stt", "asr"), "stage 'asr' is unknown"),
        (GOOD.replace("gpu0", "cuda:0"), "device 'cuda:0' is unknown"),
        (GOOD.replace("gpu0", "gpu0\\n"), "device"),
        (GOOD.replace('"a"', '"a:b"'), "'a:b': a name has"),
        (GOOD.replace('"a"', "1"), "name is missing"),
        (GOOD + "concurrency = 0\n", "concurrency = 0"),
        (GOOD + "env = 3\n", "env is no table"),
        (GOOD + "env = {STT_PROVIDER = 3}\n", "env is no table"),
        (GOOD + "replicas = true\n", "replicas = True"),
        (GOOD + "replica = 2\n", "unknown key 'replica'"),
        ('[[worker]]\nname = "a"\nstage = "stt"\n', "device is missing"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)

    assert said in str(caught.value)

"""The doctor, on a machine that works and on machines that lack one thing each."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.doctor import breakers, clocks, data_folder
from bridge.cli.engines import languages, provider
from bridge.cli.probe import Probe
from bridge.errors import VendorError
from bridge.settings import Settings
from bridge.store.breakers import Breakers
from bridge.store.registry import Registry, WorkerRecord
from bridge.types import Stage
from tests.stack import RedisProcess
from tests.terminal import Ended, speechbridge, started

pytestmark = pytest.mark.provider

FIELDS = {"name", "ok", "found", "required", "error", "fix"}
Checks = dict[str, dict[str, Any]]


def read(ended: Ended) -> tuple[int, Checks]:
    report = json.loads(ended.stdout)
    assert report["ok"] == (ended.returncode == 0)
    assert all(set(check) == FIELDS for check in report["checks"])
    return ended.returncode, {check["name"]: check for check in report["checks"]}


def surroundings(folder: Path, **variables: str) -> dict[str, str]:
    return {"DATA_DIR": str(folder), "PORT": "0", "PRESET": "embedded"} | variables


def examined(folder: Path, **variables: str) -> tuple[int, Checks]:
    return read(speechbridge("doctor", "--json", **surroundings(folder, **variables)))


def test_machine_that_works_passes_with_live_answers_of_every_engine(tmp_path: Path) -> None:
    command = ("-m", "bridge.cli", "doctor", "--json")
    code, checks = read(started(*command, **surroundings(tmp_path, VAD_TRESHOLD="0.4")))
    assert code == 0, checks
    assert checks["stt"]["found"] == "pocketsphinx: 'go forward ten meters'"
    assert checks["translation"]["found"].startswith("apertium: en 'radio' →")
    assert checks["tts"]["found"].endswith("ms of speech")
    assert "en → es" in checks["languages"]["found"]
    assert checks["vad"]["found"].startswith("silero, 0.0")
    assert "private" in checks["redis"]["found"]
    assert not any(name.startswith("gpu") for name in checks)
    # A variable without effect is pointed out and fails nothing.
    assert not checks["variables"]["ok"]
    assert "VAD_THRESHOLD" in checks["variables"]["error"]


def test_missing_engine_fails_with_the_command_that_installs_it(tmp_path: Path) -> None:
    variables = {"STT_PROVIDER": "simulated", "TTS_PROVIDER": "simulated"}
    code, checks = examined(tmp_path, APERTIUM_MODES=str(tmp_path), **variables)
    assert code == 1
    assert not checks["translation"]["ok"]
    assert "apt-get install apertium" in checks["translation"]["fix"]
    assert not checks["languages"]["ok"]
    assert checks["stt"]["ok"] and checks["tts"]["ok"]


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    """The required checks that failed, of a machine that lacks several things at once."""
    folder = tmp_path_factory.mktemp("lacking")
    topology = folder / "mine.toml"
    topology.write_text('[[worker]]\nname = "a"\nstage = "stt"\ndevice = "gpu63"\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, checks = examined(
            folder,
            REDIS_URL="redis://127.0.0.1:1/0",
            PORT=str(taken.getsockname()[1]),
            TOPOLOGY=str(topology),
            STT_PROVIDER="whispr",
            PRESET="simulated",
        )
    assert code == 1
    assert all(
        checks[name]["ok"] for name in ("python", "topology", "data folder", "vad", "translation", "tts")
    )
    return {name: check for name, check in checks.items() if check["required"] and not check["ok"]}


def test_each_thing_that_is_lacking_is_told_apart(lacking: Checks) -> None:
    assert set(lacking) == {"redis", "port", "gpu63", "stt", "languages"}


def test_redis_that_does_not_answer_fails(lacking: Checks) -> None:
    assert "does not answer" in lacking["redis"]["error"]
    assert lacking["redis"]["fix"]


def test_port_in_use_by_another_program_fails(lacking: Checks) -> None:
    assert "in use" in lacking["port"]["error"]


def test_gpu_that_the_topology_names_and_the_driver_does_not_list_fails(lacking: Checks) -> None:
    assert "nvidia-smi" in lacking["gpu63"]["fix"]


def test_unknown_provider_fails_with_those_there_are(lacking: Checks) -> None:
    assert "whispr" in lacking["stt"]["error"]
    assert "pocketsphinx" in lacking["stt"]["fix"]


def test_topology_that_cannot_be_read_fails_with_its_place(tmp_path: Path) -> None:
    topology = tmp_path / "mine.toml"
    topology.write_text('[[worker]]\nname = "a"\nstage = "asr"\ndevice = "cpu0"\n')
    code, checks = examined(tmp_path, TOPOLOGY=str(topology), PRESET="simulated")
    assert code == 1
    assert str(topology) in checks["topology"]["error"]
    assert "'asr'" in checks["topology"]["error"]


def test_value_that_cannot_be_used_is_the_one_thing_reported(tmp_path: Path) -> None:
    code, checks = examined(tmp_path, VAD_AGGRESSIVENESS="9")
    assert code == 1
    assert set(checks) == {"python", "settings"}
    assert "VAD_AGGRESSIVENESS=9" in checks["settings"]["error"]


@pytest.mark.redis
def test_hosts_whose_clocks_disagree_are_named_and_fail_nothing(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)
    settings = Settings.read(redis_url=redis_server.url)

    def register(host: str, ahead_ms: float) -> None:
        record = WorkerRecord(host, "stt", "cpu0", "stt.cpu0", 1, "simulated", host=host, ahead_ms=ahead_ms)
        registry.register(record, 60_000)

    register("good", -900)
    [check] = clocks(settings)
    assert check.ok and "good" in check.found
    register("early", 120_000)
    register("late", -1_500)
    registry.close()
    checks = list(clocks(settings))
    assert [check.error for check in checks] == [
        "The clock of early is 120.0 s ahead of Redis': log lines mislead.",
        "The clock of late is 1.5 s behind Redis': log lines mislead.",
    ]
    assert not any(check.ok or check.required for check in checks)
    assert "# on early" in checks[0].fix


def test_clocks_are_compared_only_with_a_redis_that_is_there() -> None:
    assert list(clocks(Settings.read(redis_url=""))) == []
    assert list(clocks(Settings.read(redis_url="redis://127.0.0.1:1/0"))) == []


@pytest.mark.redis
def test_a_provider_that_is_not_asked_for_now_is_named_and_fails_nothing(redis_server: RedisProcess) -> None:
    settings = Settings.read(redis_url=redis_server.url)
    with closing(Registry(redis_server.url)) as registry:
        record = WorkerRecord("w", "translation", "cpu0", "translation.cpu0", 1, "deepl,apertium")
        registry.register(record, 60_000)
        assert list(breakers(settings)) == []
    with closing(Breakers(redis_server.url, "translation", settings)) as fleet:
        fleet.failed("deepl", VendorError("No.", code="quota"))
        fleet.failed("openai", VendorError("No.", code="quota"))  # no live worker has it

    [check] = breakers(settings)
    assert check.error == "The breaker of deepl (translation) is open for 300 s more: quota."
    assert check.fix.startswith("Raise the quota")
    assert not check.ok and not check.required


def test_full_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["bridge.cli.doctor"], "LEAST_FREE", 10**18)
    with pytest.raises(Exception, match="MB free"):
        data_folder(Settings.read(data_dir=tmp_path))


def test_providers_that_share_no_language_fail() -> None:
    probes: list[tuple[Stage, str, Probe]] = [
        ("stt", "a", Probe(languages=("en",))),
        ("translation", "b", Probe(pairs=(("en", "ja"), ("fr", "es")))),
        ("tts", "c", Probe(languages=("es",))),
    ]
    assert not languages(probes).ok
    probes.append(("tts", "d", Probe(languages=("ja",))))
    assert languages(probes).found == "en → ja"


def test_of_a_list_of_providers_one_must_work() -> None:
    works: tuple[Stage, str, Probe] = ("tts", "a", Probe(answer="1 s"))
    fails: tuple[Stage, str, Probe] = ("tts", "b", Probe(error="No key.", hint="Set it."))
    assert not provider(*fails, others=[works, fails]).required
    assert provider(*fails, others=[fails]).required
    assert provider(*fails, others=[fails]).fix == "Set it."


def test_engine_that_crashes_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.cli import probe

    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'segfault in engine' >&2\nexit 139\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert probe.probe("tts", "espeak").error == "espeak crashed: segfault in engine"


def test_engine_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.cli import probe

    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(probe, "SECONDS", 0.3)
    assert probe.probe("tts", "espeak").error == "espeak gave no answer within 0.3 s."

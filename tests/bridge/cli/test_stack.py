"""The stack that `translate` starts for itself, and what `up` checks before it starts anything."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from bridge.cli.folder import locked
from bridge.cli.network import fetch, free_port, reachable
from bridge.cli.stack import stack
from bridge.errors import BridgeError, SettingsError
from bridge.settings import Settings

pytestmark = pytest.mark.e2e


def children() -> set[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return {child for child in found if child.status() != psutil.STATUS_ZOMBIE}


def test_stack_serves_for_as_long_as_its_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESET", "simulated")
    before = children()
    with stack(Settings.read(data_dir=tmp_path, redis_url="")) as url:
        host, port = url.removeprefix("http://").split(":")
        answer = fetch(host, int(port), "/readyz")
        assert answer is not None and answer[0] == 200
        assert len(children() - before) >= 5
    assert children() <= before
    assert list((tmp_path / "stacks").iterdir()) == []


@pytest.mark.slow
def test_stack_that_cannot_start_says_why_and_leaves_its_logs_until_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESET", "simulated")
    monkeypatch.setenv("APERTIUM_MODES", str(tmp_path))
    before = children()
    monkeypatch.setenv("TRANSLATION_PROVIDER", "apertium")
    settings = Settings.read(data_dir=tmp_path, redis_url="")
    with pytest.raises(BridgeError, match="translation-cpu0-0 ended with code 1") as caught, stack(settings):
        pytest.fail("it started")
    [folder] = (tmp_path / "stacks").iterdir()
    assert str(folder / "logs" / "translation-cpu0-0.log") in caught.value.hint
    assert "apt-get install apertium" in caught.value.hint
    assert children() <= before
    monkeypatch.setenv("TRANSLATION_PROVIDER", "simulated")
    with stack(settings):
        assert folder not in (tmp_path / "stacks").iterdir()


def test_a_provider_that_there_is_not_is_told_before_anything_starts(tmp_path: Path) -> None:
    before = children()
    settings = Settings.read(data_dir=tmp_path, redis_url="", tts_provider="espeak,nobody")
    with pytest.raises(SettingsError, match="TTS_PROVIDER=nobody is unknown"), stack(settings):
        pytest.fail("it started")
    assert children() <= before


def test_folder_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    again = pytest.raises(BridgeError, match=f"process {os.getpid()}")
    with locked(tmp_path), again, locked(tmp_path):
        pytest.fail("held twice")
    with locked(tmp_path):
        pass


def test_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BridgeError, match="cannot be made"), locked(tmp_path / "file" / "data"):
        pytest.fail("made")


def test_host_that_is_not_here_is_a_clear_error() -> None:
    with pytest.raises(BridgeError, match=r"HOST=192\.0\.2\.1"):
        free_port("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("listens_on", "name"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("localhost", "localhost")]
)
def test_server_on_all_addresses_is_reached_by_loopback(listens_on: str, name: str) -> None:
    assert reachable(listens_on) == name

"""`speechbridge models` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.stack import clean_environment
from tests.terminal import Ended, speechbridge

Run = Callable[..., Ended]

TINY = "Systran/faster-whisper-tiny"


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {"model.bin": bytes(3_000_000), "config.json": b"{}", "tokenizer.json": b"{}"}
    made = Hub({TINY: files}, {TINY: "mit"})
    made.start()
    yield made
    made.stop()


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    return {"MODELS_DIR": str(tmp_path / "models"), "HF_ENDPOINT": hub.url}


@pytest.fixture
def models(environment: dict[str, str], tmp_path: Path) -> Run:
    def run(*arguments: str, **variables: str) -> Ended:
        return speechbridge("models", *arguments, folder=tmp_path, **environment | variables)

    return run


def test_a_model_is_pulled_listed_and_removed(models: Run, tmp_path: Path) -> None:
    ended = models("pull", "whisper", "tiny")
    assert ended.returncode == 0, ended.stderr
    place = tmp_path / "models" / "whisper" / "tiny"
    assert f"whisper tiny: 3.0 MB in {place}, licence mit" in ended.stdout
    assert "model.bin" in ended.stderr  # a line for each file, where there is no terminal

    [entry] = json.loads(models("list", "--json").stdout)
    assert entry["bytes"] == sum(path.stat().st_size for path in place.iterdir())
    assert (entry["kind"], entry["name"], entry["licence"]) == ("whisper", "tiny", "mit")
    assert (entry["source"], entry["path"]) == (TINY, str(place))
    table = models("list").stdout
    assert all(word in table for word in ("whisper", "tiny", "3.0 MB", "mit", TINY))

    removed = models("remove", "whisper", "tiny")
    assert removed.returncode == 0
    assert "3.0 MB are free again" in removed.stdout
    assert json.loads(models("list", "--json").stdout) == []


def test_on_a_terminal_a_bar_shows_the_bytes(environment: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bridge.cli", "models", "pull", "whisper", "tiny"],
        env=clean_environment() | environment | {"TERM": "xterm", "COLUMNS": "200"},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait(60) == 0
    assert b"3.0/3.0 MB" in shown


def test_an_empty_list_says_how_to_fill_it(models: Run, tmp_path: Path) -> None:
    assert models("list").stdout == (
        f"No models in {tmp_path / 'models'}. Try: speechbridge models pull whisper base\n"
    )


@pytest.mark.parametrize(
    ("arguments", "variables", "said", "remedy"),
    [
        (("pull", "whisper", "huge"), {}, "whisper has no size huge", "large-v3"),
        (("pull", "whisper", "no/thing"), {}, "shows no model no/thing", "HF_TOKEN"),
        (
            ("pull", "whisper", "tiny"),
            {"HF_ENDPOINT": "http://127.0.0.1:9"},
            "cannot be reached",
            "HTTPS_PROXY",
        ),
        (("remove", "piper", "es_ES-sol-low"), {}, "no piper model es_ES-sol-low", "models list"),
    ],
)
def test_what_cannot_be_done_is_two_lines_and_exit_code_1(
    models: Run, arguments: tuple[str, ...], variables: dict[str, str], said: str, remedy: str
) -> None:
    ended = models(*arguments, **variables)
    assert ended.returncode == 1
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: ") and said in error
    assert hint.startswith("→ ") and remedy in hint


def test_a_kind_that_there_is_not_is_wrong_usage(models: Run) -> None:
    ended = models("pull", "wisper", "tiny")
    assert ended.returncode == 2
    assert "nllb-transformers" in ended.stderr

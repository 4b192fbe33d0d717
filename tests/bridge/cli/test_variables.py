"""Variables that are set and do nothing, as every verb that reads them tells."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bridge import options
from bridge.cli.variables import complaints
from bridge.settings import Settings
from tests.terminal import speechbridge, started

WORKER = '[[worker]]\nname = "{name}"\nstage = "{stage}"\ndevice = "cpu0"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the embedded engines chosen and nothing else set."""
    ours = {name.upper() for name in Settings.model_fields} | {"CONFIG_DIR"}
    for name in [*ours, "MODEL_SIZE", "DEVICE", "BEAM_SIZE", "PRECISION"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(options, "DOTENV", tmp_path / ".env")
    return tmp_path


def said() -> list[str]:
    return complaints(Settings.read())


def topology(folder: Path, *workers: str) -> str:
    path = folder / "mine.toml"
    path.write_text("".join(workers))
    return str(path)


def test_variable_of_an_engine_that_is_not_chosen_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SIZE", "tiny")
    [sentence] = said()
    assert sentence == (
        "MODEL_SIZE in environment has no effect: faster_whisper would read it, "
        "but STT_PROVIDER=pocketsphinx is chosen."
    )
    monkeypatch.setenv("STT_PROVIDER", "faster_whisper")
    assert said() == []


def test_variable_of_several_stages_acts_where_one_of_its_engines_is_chosen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("DEVICE=cpu\n")
    [sentence] = said()
    assert sentence == (
        "DEVICE in .env has no effect: faster_whisper or nllb or nllb-transformers or piper or kokoro or "
        "coqui would read it, but STT_PROVIDER=pocketsphinx and TRANSLATION_PROVIDER=apertium and "
        "TTS_PROVIDER=espeak are chosen."
    )
    monkeypatch.setenv("TTS_PROVIDER", "piper")
    assert said() == []


def test_empty_variable_and_one_of_the_core_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SIZE", "")
    monkeypatch.setenv("VAD_THRESHOLD", "0.4")
    assert said() == []


def test_preset_is_not_reproached_with_an_engine_that_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESET", "cpu-only")
    monkeypatch.setenv("STT_PROVIDER", "pocketsphinx")
    assert said() == []


def test_engine_of_one_worker_counts_as_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SIZE", "tiny")
    worker = WORKER.format(name="ear", stage="stt")
    monkeypatch.setenv("TOPOLOGY", topology(folder, worker, 'env = {STT_PROVIDER = "faster_whisper"}\n'))
    assert said() == []


def test_variable_of_a_worker_that_its_engine_does_not_read_is_pointed_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = WORKER.format(name="mouth", stage="tts")
    monkeypatch.setenv("TOPOLOGY", topology(folder, worker, 'env = {TTS_QUALITY = "low", TTS_SPED = "2"}\n'))
    misspelt, unread = said()
    assert misspelt.startswith("TTS_SPED in worker mouth") and "Did you mean TTS_SPEED?" in misspelt
    assert unread == (
        "TTS_QUALITY in worker mouth has no effect: piper would read it, but TTS_PROVIDER=espeak is chosen."
    )


def test_engine_that_does_not_exist_and_topology_that_cannot_be_read_hide_no_complaint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STT_PROVIDER", "whispr")
    monkeypatch.setenv("TOPOLOGY", topology(folder, "nonsense"))
    monkeypatch.setenv("BEAM_SIZE", "5")
    [sentence] = said()
    assert sentence.startswith("BEAM_SIZE in environment") and "STT_PROVIDER=whispr" in sentence


@pytest.mark.parametrize(
    "arguments", [("config", "show"), ("doctor",), ("gateway",), ("worker", "nobody"), ("up", "--no-check")]
)
def test_every_verb_tells_of_them_alike(folder: Path, arguments: tuple[str, ...]) -> None:
    # Each ends at once: there is no such worker and no Redis. The gateway would leave its log behind.
    command = partial(started, "-m", "bridge.cli") if arguments == ("gateway",) else speechbridge
    ended = command(
        *arguments,
        folder=folder,
        REDIS_URL="redis://127.0.0.1:1/0" if arguments[0] in ("doctor", "up") else "",
        PRESET="simulated",
        MODEL_SIZE="tiny",
        GRPC_KEEPALIVE_TIME="10",
        COLUMNS="400",
    )
    for sentence in (
        "MODEL_SIZE in environment has no effect: faster_whisper would read it, "
        "but STT_PROVIDER=simulated is chosen.",
        "GRPC_KEEPALIVE_TIME in environment has no effect here: stages talk over Redis",
    ):
        assert sentence in ended.stdout + ended.stderr

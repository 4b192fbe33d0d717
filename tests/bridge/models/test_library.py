"""The models on this disk: where they are, the list of them, and their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import BridgeError, ProviderMissing
from bridge.models.catalogue import KINDS, Kind
from bridge.models.library import locate, pull, pulled, remove
from tests.bridge.models.repositories import (
    VOICE,
    Told,
)
from tests.hub import Hub


def test_an_existing_path_is_the_model_itself(tmp_path: Path) -> None:
    own = tmp_path / "my model"
    own.mkdir()
    for kind in KINDS:
        assert locate(kind, str(own)) == own


def test_a_path_in_the_home_folder_may_begin_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own").mkdir()
    assert locate("nllb", "~/own") == tmp_path / "own"
    with pytest.raises(ProviderMissing, match="~nobodyhere/own"):
        locate("nllb", "~nobodyhere/own")


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("whisper", "small", "whisper/small"),
        ("whisper", "someone/whisper-ct2", "whisper/someone--whisper-ct2"),
        ("nllb", "facebook/nllb-200-distilled-600M", "nllb/nllb-200-distilled-600M"),
        ("nllb-transformers", "nllb-200-3.3B", "nllb-transformers/nllb-200-3.3B"),
    ],
)
def test_a_name_is_looked_up_in_the_models_folder(models: Path, kind: Kind, name: str, place: str) -> None:
    (models / place).mkdir(parents=True)
    assert locate(kind, name) == models / place


def test_without_models_dir_models_are_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODELS_DIR")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "here"))
    (tmp_path / "here" / "models" / "whisper" / "base").mkdir(parents=True)
    assert locate("whisper", "base") == tmp_path / "here" / "models" / "whisper" / "base"


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_not_there_names_the_command_that_fetches_it(kind: Kind, hub: Hub) -> None:
    with pytest.raises(ProviderMissing, match=f"no {kind} model small") as caught:
        locate(kind, "small")
    assert caught.value.hint == f"speechbridge models pull {kind} small"
    assert hub.asked == []


@pytest.mark.parametrize("name", ["", "../whisper/tiny", "a/b/c", "-/..", "a b"])
def test_a_name_that_leads_elsewhere_is_no_model(models: Path, name: str) -> None:
    (models / "whisper" / "tiny").mkdir(parents=True)
    with pytest.raises(ProviderMissing, match="no whisper model") as caught:
        locate("whisper", name)
    assert caught.value.hint == "Give a model's name or a path."


def test_nothing_outside_the_models_folder_can_be_removed(models: Path) -> None:
    (models / "whisper").mkdir(parents=True)
    for name in ("..", "../whisper", "."):
        with pytest.raises(BridgeError, match="is no name of a model"):
            remove("whisper", name)
    assert models.is_dir()


def test_the_list_holds_finished_models_with_size_and_licence(hub: Hub, models: Path) -> None:
    pull("piper", VOICE, Told())
    pull("whisper", "tiny", Told())
    copied = models / "nllb" / "nllb-200-distilled-600M"
    copied.mkdir(parents=True)
    (copied / "model.bin").write_bytes(bytes(1234))
    (models / "whisper" / ".base.part").mkdir()

    assert [(entry.kind, entry.name, entry.licence) for entry in pulled()] == [
        ("whisper", "tiny", "mit"),
        ("nllb", "nllb-200-distilled-600M", "CC-BY-NC-4.0"),
        ("piper", VOICE, "CC0"),
    ]
    assert pulled()[1].bytes == 1234


def test_a_removed_model_is_gone_with_what_an_interrupted_pull_left(hub: Hub, models: Path) -> None:
    entry = pull("whisper", "tiny", Told())
    left = models / "whisper" / ".tiny.part"
    left.mkdir()
    (left / "model.bin.abc.part").write_bytes(bytes(100))

    assert remove("whisper", "tiny") == entry.bytes + 100
    assert pulled() == []
    assert not left.exists()
    with pytest.raises(BridgeError, match="no whisper model tiny"):
        remove("whisper", "tiny")

"""Models pulled from a hub that breaks off, changes, damages or refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import BridgeError, ProviderMissing
from bridge.models import catalogue
from bridge.models.catalogue import Kind, repository_of
from bridge.models.library import locate, pull, pulled, remove
from tests.bridge.models.repositories import (
    CHUNK,
    TINY,
    VOICE,
    Told,
    downloads,
    large,
    whisper,
)
from tests.hub import REVISION, Hub


def test_a_pulled_whisper_has_what_the_engine_reads_and_nothing_else(hub: Hub, models: Path) -> None:
    entry = pull("whisper", "tiny", Told())

    place = locate("whisper", "tiny")
    assert place == models / "whisper" / "tiny" == Path(entry.path)
    files = {path.name: path.read_bytes() for path in place.iterdir() if path.name != "source.json"}
    assert files == {
        name: content
        for name, content in whisper().items()
        if name not in ("README.md", ".gitattributes", "demo.wav")
    }
    assert json.loads((place / "source.json").read_text()) == {
        "repository": TINY,
        "revision": REVISION,
        "licence": "mit",
    }


def test_progress_counts_up_to_all_bytes(hub: Hub) -> None:
    told = Told()
    pull("whisper", "tiny", told)
    done = [step[1] for step in told.steps]
    [total] = {step[2] for step in told.steps}
    assert done == sorted(done)
    assert done[-1] == total == sum(len(whisper()[name]) for name in {step[0] for step in told.steps})


def test_a_model_that_is_here_is_not_asked_for_again(hub: Hub) -> None:
    first = pull("whisper", "tiny", Told())
    hub.asked.clear()
    assert pull("whisper", "tiny", Told()) == first
    assert hub.asked == []


def test_a_voice_is_fetched_from_its_folder_with_the_licence_of_its_card(hub: Hub, models: Path) -> None:
    entry = pull("piper", VOICE, Told())

    assert locate("piper", VOICE) == models / "piper" / VOICE / f"{VOICE}.onnx"
    assert sorted(path.name for path in (models / "piper" / VOICE).iterdir()) == [
        "MODEL_CARD",
        f"{VOICE}.onnx",
        f"{VOICE}.onnx.json",
        "source.json",
    ]
    assert entry.licence == "CC0"


def test_of_weights_in_two_formats_one_is_fetched(hub: Hub) -> None:
    hub.repositories["facebook/nllb-200-tiny"] = {
        "config.json": b"{}",
        "tokenizer.json": b"{}",
        "sentencepiece.bpe.model": b"pieces",
        "pytorch_model.bin": b"old",
        "model.safetensors": b"new",
        "rust_model.ot": b"other",
    }
    pull("nllb-transformers", "nllb-200-tiny", Told())
    got = {name for name, _ in downloads(hub)}
    assert got == {"config.json", "tokenizer.json", "sentencepiece.bpe.model", "model.safetensors"}


@pytest.mark.provider
def test_each_whisper_size_is_the_repository_that_faster_whisper_means() -> None:
    utils = pytest.importorskip("faster_whisper.utils")
    assert {name: repository_of("whisper", name) for name in catalogue.SIZES} == utils._MODELS


def test_a_pull_that_was_killed_goes_on_where_it_ended(hub: Hub, models: Path) -> None:
    content = large()
    hub.repositories[TINY]["model.bin"] = content
    hub.breaks["model.bin"] = CHUNK + 5
    killed = threading.Event()
    hub.hold = lambda: _wait(killed)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bridge.cli", "models", "pull", "whisper", "tiny"]
    )
    part = models / "whisper" / ".tiny.part"
    _until(lambda: sum(file.stat().st_size for file in part.glob("model.bin.*.part")) >= CHUNK)
    process.kill()
    process.wait()
    killed.set()

    assert pulled() == []
    with pytest.raises(ProviderMissing):
        locate("whisper", "tiny")
    hub.asked.clear()
    told = Told()
    entry = pull("whisper", "tiny", told)

    assert [part for name, part in downloads(hub) if name == "model.bin"] == [f"bytes={CHUNK}-"]
    assert told.steps[0][1] >= CHUNK or told.steps[0][0] != "model.bin"
    assert (Path(entry.path) / "model.bin").read_bytes() == content
    assert not part.exists()


@pytest.mark.usefixtures("no_pause")
def test_a_connection_that_breaks_is_made_again_within_the_pull(hub: Hub) -> None:
    hub.repositories[TINY]["model.bin"] = large()
    hub.breaks["model.bin"] = CHUNK + 5
    entry = pull("whisper", "tiny", Told())
    assert [part for name, part in downloads(hub) if name == "model.bin"] == ["", f"bytes={CHUNK}-"]
    assert (Path(entry.path) / "model.bin").read_bytes() == large()


def test_files_of_an_older_revision_are_neither_continued_nor_kept(hub: Hub, models: Path) -> None:
    part = models / "whisper" / ".tiny.part"
    part.mkdir(parents=True)
    (part / f"model.bin.{hashlib.sha256(b'older').hexdigest()[:12]}.part").write_bytes(b"older")
    (part / "config.json").write_bytes(b"[]")  # as long as the new one
    (part / "tokenizer.json").write_bytes(whisper()["tokenizer.json"])
    entry = pull("whisper", "tiny", Told())

    assert (Path(entry.path) / "model.bin").read_bytes() == whisper()["model.bin"]
    assert (Path(entry.path) / "config.json").read_bytes() == b"{}"
    assert not list(Path(entry.path).glob("*.part"))
    assert "tokenizer.json" not in dict(downloads(hub))  # was the same


@pytest.mark.parametrize("file", ["model.bin", "config.json"])
def test_a_file_that_was_changed_on_the_way_is_refused_and_fetched_anew(hub: Hub, file: str) -> None:
    hub.damaged.add(file)
    with pytest.raises(BridgeError, match=rf"{file} of .* is damaged"):
        pull("whisper", "tiny", Told())
    assert pulled() == []
    hub.damaged.clear()
    hub.asked.clear()
    pull("whisper", "tiny", Told())
    assert (file, "") in downloads(hub)


@pytest.mark.usefixtures("no_pause")
def test_a_model_that_is_being_pulled_is_left_alone_by_others(hub: Hub) -> None:
    hub.repositories[TINY]["model.bin"] = large()
    hub.breaks["model.bin"] = CHUNK
    reached, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        _wait(go_on)

    hub.hold = hold
    first = threading.Thread(target=pull, args=("whisper", "tiny", Told()))
    first.start()
    assert reached.wait(30)
    for interfere in (lambda: pull("whisper", "tiny", Told()), lambda: remove("whisper", "tiny")):
        with pytest.raises(BridgeError, match="being pulled by another process"):
            interfere()
    go_on.set()
    first.join(30)
    assert [entry.name for entry in pulled()] == ["tiny"]


@pytest.mark.parametrize(
    ("kind", "name", "message", "hint"),
    [
        ("whisper", "huge", "no size huge", "large-v3-turbo"),
        ("whisper", "nobody/nothing", "shows no model nobody/nothing", "HF_TOKEN"),
        ("whisper", "a/b/c", "a/b/c is no name", "OWNER/REPOSITORY"),
        ("nllb", "nllb-201", "shows no model facebook/nllb-201", "Check the name"),
        ("kokoro", "v0.19", "kokoro has no model v0.19", "v1.0"),
        ("piper", "es-sol", "es-sol is no name of a Piper voice", "es_ES-davefx-medium"),
        ("piper", "es_ES-luna-medium", "has no piper model es_ES-luna-medium", "rhasspy/piper-voices"),
    ],
)
def test_a_model_that_there_is_not_is_refused_with_what_to_write(
    hub: Hub, models: Path, kind: Kind, name: str, message: str, hint: str
) -> None:
    with pytest.raises(BridgeError, match=message) as caught:
        pull(kind, name, Told())
    assert hint in caught.value.hint
    assert not [path for path in models.rglob("*.part")]


def test_a_repository_without_weights_is_refused(hub: Hub) -> None:
    hub.repositories["someone/words"] = {"README.md": b"words", "config.json": b"{}"}
    with pytest.raises(BridgeError, match="someone/words has no whisper model"):
        pull("whisper", "someone/words", Told())


def test_a_hub_that_answers_with_an_error_is_told_with_its_number(hub: Hub) -> None:
    hub.statuses[TINY] = 503
    with pytest.raises(BridgeError, match="answers 503") as caught:
        pull("whisper", "tiny", Told())
    assert "later" in caught.value.hint


def test_without_the_hub_it_says_how_to_reach_it_or_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BridgeError, match=r"http://127\.0\.0\.1:9 cannot be reached") as caught:
        pull("whisper", "tiny", Told())
    assert caught.value.code == "hub_unreachable"
    for remedy in ("HTTPS_PROXY", "HF_ENDPOINT", "give its path"):
        assert remedy in caught.value.hint


def test_a_model_larger_than_the_disk_is_not_begun(hub: Hub) -> None:
    hub.sizes["model.bin"] = 10**17
    with pytest.raises(BridgeError, match=r"100000000\.0 GB are needed") as caught:
        pull("whisper", "tiny", Told())
    assert caught.value.code == "no_space"
    assert "MODELS_DIR" in caught.value.hint
    assert downloads(hub) == []


@pytest.mark.provider
def test_a_conversion_needs_room_for_both_forms_of_the_model(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("ctranslate2")
    pieces = [f"pytorch_model-{number:05}-of-00100.bin" for number in range(100)]
    hub.repositories["facebook/big"] = {"config.json": b"{}", **dict.fromkeys(pieces, b"weights")}
    hub.sizes = dict.fromkeys(pieces, round(0.007 * shutil.disk_usage(tmp_path).free))
    with pytest.raises(BridgeError, match="are needed"):
        pull("nllb", "big", Told())
    assert downloads(hub) == []
    with pytest.raises(BridgeError, match="broke off"):  # after less than it said
        pull("nllb-transformers", "big", Told())
    assert (pieces[0], "") in downloads(hub)


def test_what_is_here_needs_no_room_again(hub: Hub, models: Path, tmp_path: Path) -> None:
    half = round(0.7 * shutil.disk_usage(tmp_path).free)
    hub.sizes["model.bin"] = 2 * half
    part = models / "whisper" / ".tiny.part"
    part.mkdir(parents=True)
    digest = hashlib.sha256(whisper()["model.bin"]).hexdigest()
    with (part / f"model.bin.{digest[:12]}.part").open("wb") as begun:
        begun.truncate(half)  # sparse
    with pytest.raises(BridgeError, match="broke off"):
        pull("whisper", "tiny", Told())
    assert ("model.bin", f"bytes={half}-") in downloads(hub)


def test_a_models_folder_that_cannot_be_made_is_named(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "file"))
    with pytest.raises(BridgeError, match="file/whisper cannot be written: Not a directory") as caught:
        pull("whisper", "tiny", Told())
    assert "MODELS_DIR" in caught.value.hint
    assert hub.asked == []


def test_without_the_hubs_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ProviderMissing, match="huggingface_hub package is not installed") as caught:
        pull("whisper", "tiny", Told())
    assert "[hub]" in caught.value.hint


def _wait(event: threading.Event) -> None:
    assert event.wait(30)


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)

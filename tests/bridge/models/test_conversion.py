"""Models of transformers, converted while they are pulled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, ProviderMissing
from bridge.models.library import locate, pull, pulled
from tests.bridge.models.repositories import (
    Told,
    downloads,
)
from tests.hub import Hub


@pytest.fixture(scope="module")
def random_nllb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A repository as NLLB's: the true architecture and language tokens, random weights of 8 dimensions."""
    pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    pytest.importorskip("ctranslate2")
    tokenizers: Any = pytest.importorskip("tokenizers")

    vocabulary = {word: number for number, word in enumerate(("<s>", "<pad>", "</s>", "<unk>", "\u2581a"))}
    tokenizer = transformers.NllbTokenizer(vocab=vocabulary, merges=[])
    assert tokenizers.__version__
    config = transformers.M2M100Config(
        vocab_size=len(tokenizer),
        d_model=8,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=32,
    )
    folder = tmp_path_factory.mktemp("nllb")
    transformers.M2M100ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.provider
def test_a_model_of_transformers_is_converted_for_ctranslate2(
    hub: Hub, models: Path, random_nllb: dict[str, bytes]
) -> None:
    import ctranslate2

    hub.repositories["facebook/nllb-200-random"] = random_nllb
    told = Told()
    entry = pull("nllb", "nllb-200-random", told)

    files = {path.name for path in Path(entry.path).iterdir()}
    assert {"model.bin", "config.json", "tokenizer.json"} <= files
    assert "model.safetensors" not in files
    assert "converting" in [step[0] for step in told.steps]
    assert not list((models / "nllb").glob("*.part"))
    translator = ctranslate2.Translator(str(locate("nllb", "nllb-200-random")), device="cpu")
    [result] = translator.translate_batch(
        [["eng_Latn", "\u2581a", "</s>"]], target_prefix=[["spa_Latn"]], max_decoding_length=4
    )
    assert result.hypotheses[0][0] == "spa_Latn"
    assert entry.licence == "CC-BY-NC-4.0"


@pytest.mark.provider
def test_a_model_of_another_architecture_cannot_be_converted(hub: Hub, random_nllb: dict[str, bytes]) -> None:
    hub.repositories["facebook/odd"] = random_nllb | {"config.json": b'{"model_type": "vit"}'}
    with pytest.raises(BridgeError, match="facebook/odd cannot be converted"):
        pull("nllb", "odd", Told())
    assert pulled() == []


def test_a_conversion_without_its_packages_is_refused_before_the_download(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["facebook/nllb-200-random"] = {"config.json": b"{}", "pytorch_model.bin": b"weights"}
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ProviderMissing, match="package torch is not installed") as caught:
        pull("nllb", "nllb-200-random", Told())
    assert "[nllb-transformers]" in caught.value.hint
    assert downloads(hub) == []


def test_a_model_that_is_converted_already_is_taken_as_it_is(hub: Hub) -> None:
    hub.repositories["someone/nllb-ct2"] = {"config.json": b"{}", "model.bin": b"w", "tokenizer.json": b"{}"}
    hub.licences["someone/nllb-ct2"] = "cc-by-nc-4.0"
    entry = pull("nllb", "someone/nllb-ct2", Told())
    assert (entry.name, entry.source, entry.licence) == (
        "someone/nllb-ct2",
        "someone/nllb-ct2",
        "cc-by-nc-4.0",
    )

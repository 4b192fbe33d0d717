"""NLLB on transformers with the same small model: it says what CTranslate2 says, and obeys its variables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ProviderError, ProviderMissing, SettingsError
from bridge.providers.translation.decoding import Search
from bridge.providers.translation.nllb_transformers import (
    NllbTransformers,
    NllbTransformersOptions,
    Transformers,
)
from bridge.types import Phrase
from tests.bridge.providers.translation.recorded import Make, say
from tests.models.phrases import ENGLISH, TRANSLATIONS

pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.provider

Build = Callable[..., NllbTransformers]


@pytest.fixture
def build(tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Builds the provider from environment variables, on the small model of 128 positions."""
    made: list[NllbTransformers] = []
    defaults = {"TRANSLATION_MODEL": str(tiny_nllb / "hf"), "TRANSLATION_THREADS": "1", "MAX_LENGTH": "60"}

    def builder(**variables: str) -> NllbTransformers:
        for name, value in (defaults | variables).items():
            monkeypatch.setenv(name, value)
        made.append(NllbTransformers(NllbTransformersOptions.read()))
        return made[-1]

    yield builder
    for provider in made:
        provider.close()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What transformers' `generate` is given in this test, with the model itself."""
    from transformers import M2M100ForConditionalGeneration

    seen: list[dict[str, Any]] = []
    real = M2M100ForConditionalGeneration.generate

    def generate(model: Any, **arguments: Any) -> Any:
        seen.append({"model": model} | arguments)
        return real(model, **arguments)

    monkeypatch.setattr(M2M100ForConditionalGeneration, "generate", generate)
    return seen


@pytest.mark.parametrize("target", TRANSLATIONS)
def test_every_phrase_is_translated_exactly(build: Build, target: str) -> None:
    text = " ".join(ENGLISH)
    assert say(build(), text, "en", target) == " ".join(TRANSLATIONS[target][phrase] for phrase in ENGLISH)


@pytest.mark.parametrize("beams", ["1", "4"])
def test_both_engines_are_equally_sure(build: Build, make: Make, beams: str) -> None:
    exact = build(NUM_BEAMS=beams)
    quantised = make(NUM_BEAMS=beams)
    for text in ("Good night.", "The bus is hungry.", "Call my sister. Close the door."):
        ours, theirs = (each.translate(Phrase(text, "en", "fr")) for each in (exact, quantised))
        assert ours.text == theirs.text
        assert ours.confidence == pytest.approx(theirs.confidence, abs=0.03)


def test_confidence_is_the_same_whatever_the_batch_and_the_length_penalty(build: Build) -> None:
    text = "The bus is hungry. Close the door. I lost my brother."
    first = build(NUM_BEAMS="3", MAX_BATCH_SIZE="1").translate(Phrase(text, "en", "es"))
    second = build(NUM_BEAMS="3", MAX_BATCH_SIZE="8", LENGTH_PENALTY="1.1").translate(
        Phrase(text, "en", "es")
    )
    assert first.text == second.text
    assert first.confidence == pytest.approx(second.confidence, abs=1e-4)


@pytest.mark.parametrize(
    ("variable", "value", "argument", "told"),
    [
        ("NUM_BEAMS", "3", "num_beams", 3),
        ("MAX_LENGTH", "48", "max_new_tokens", 48),
        ("LENGTH_PENALTY", "1.5", "length_penalty", 1.5),
    ],
)
def test_variables_reach_the_engine(
    build: Build, calls: list[dict[str, Any]], variable: str, value: str, argument: str, told: object
) -> None:
    say(build(**{variable: value}), "Good night.")
    assert calls[0][argument] == told


def test_neither_loading_nor_translating_writes_to_the_terminal(
    build: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    import logging

    logging.getLogger("transformers").setLevel(logging.WARNING)
    say(build(), "Good night. Good morning.")
    said = capfd.readouterr()
    assert "Loading weights" not in said.err
    assert "max_length" not in said.err and "generation flags" not in said.err


def test_sentences_are_decoded_in_batches(build: Build, calls: list[dict[str, Any]]) -> None:
    say(build(MAX_BATCH_SIZE="2"), "Good night. Good morning. Close the door.")
    assert [len(call["input_ids"]) for call in calls] == [2, 1]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precision_is_that_of_the_weights(build: Build, calls: list[dict[str, Any]], precision: str) -> None:
    assert say(build(PRECISION=precision), "Good night.") == "Buenas noches."
    assert str(calls[0]["model"].dtype) == f"torch.{precision}"


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_the_one_asked_for(build: Build, calls: list[dict[str, Any]], attention: str) -> None:
    assert say(build(TRANSLATION_ATTENTION=attention), "Good night.") == "Buenas noches."
    assert calls[0]["model"].config._attn_implementation == attention


def test_threads_are_those_of_torch(build: Build) -> None:
    import torch

    build(TRANSLATION_THREADS="2")
    assert torch.get_num_threads() == 2
    build(TRANSLATION_THREADS="1")
    assert torch.get_num_threads() == 1


def test_a_careful_search_says_no_three_tokens_twice(tiny_nllb: Path, calls: list[dict[str, Any]]) -> None:
    decoder = Transformers(tiny_nllb / "hf", NllbTransformersOptions(translation_threads=1))
    search = Search(beams=1, limit=50, length_penalty=1.0)
    (answer,) = decoder.decode(
        [decoder.vocabulary.encode("bus " * 20)], "eng_Latn", "spa_Latn", search.careful
    )
    decoder.close()
    triples = list(zip(answer.tokens, answer.tokens[1:], answer.tokens[2:], strict=False))
    assert len(triples) == len(set(triples))
    given = {name: calls[0][name] for name in ("num_beams", "no_repeat_ngram_size", "repetition_penalty")}
    assert given == {"num_beams": 4, "no_repeat_ngram_size": 3, "repetition_penalty": 1.2}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What transformers is told to load on a GPU that is pretended; it ends there."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    told: list[dict[str, Any]] = []

    def from_pretrained(folder: Path, **how: Any) -> None:
        told.append(how)
        raise MemoryError("out of memory")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(AutoModelForSeq2SeqLM, "from_pretrained", from_pretrained)
    return told


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Packages that can be found, with nothing in them."""
    for package in packages:
        (folder / f"{package}.py").touch()
    monkeypatch.syspath_prepend(folder)


def test_four_bits_are_asked_of_bitsandbytes_on_the_gpu_that_is_named(
    build: Build, loaded: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    installed(tmp_path, monkeypatch, "bitsandbytes", "accelerate")
    with pytest.raises(ProviderError, match="not enough memory"):
        build(PRECISION="int4", DEVICE="cuda:1")
    quantized = loaded[0]["quantization_config"]
    assert quantized.load_in_4bit and quantized.bnb_4bit_quant_type == "nf4"
    assert quantized.bnb_4bit_compute_dtype == loaded[0]["dtype"] == torch.float16
    assert loaded[0]["device_map"] == {"": "cuda:1"}


def test_flash_attention_is_asked_of_the_package_of_that_name(
    build: Build, loaded: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "flash_attn")
    with pytest.raises(ProviderError, match="not enough memory"):
        build(FLASH_ATTENTION="true")
    assert loaded[0]["attn_implementation"] == "flash_attention_2"
    assert "device_map" not in loaded[0]
    with pytest.raises(SettingsError, match="does not go with TRANSLATION_PRECISION=float32"):
        build(FLASH_ATTENTION="true", PRECISION="float32")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("variables", "package", "command"),
    [
        ({"PRECISION": "int4"}, "bitsandbytes", r"\[nllb-int4\]"),
        ({"FLASH_ATTENTION": "true"}, "flash_attn", "pip install flash-attn"),
    ],
)
def test_package_for_a_gpu_that_lacks_is_named_with_its_command(
    build: Build, variables: dict[str, str], package: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ProviderMissing, match=f"{package} package is not installed.*{command}"):
        build(**variables)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PRECISION": "int8"}, "PRECISION=int8 is not valid"),
        (
            {"PRECISION": "int4", "DEVICE": "cpu"},
            "TRANSLATION_PRECISION=int4 needs a GPU.* cpu.*TRANSLATION_PROVIDER=nllb",
        ),
        ({"FLASH_ATTENTION": "true", "DEVICE": "cpu"}, "TRANSLATION_FLASH_ATTENTION=true needs a GPU.* cpu"),
        ({"DEVICE": "cuda:97"}, r"TRANSLATION_DEVICE=cuda:97 is not there"),
        ({"TRANSLATION_ATTENTION": "flash"}, "TRANSLATION_ATTENTION=flash is not valid"),
    ],
)
def test_wrong_values_are_refused_at_the_start(build: Build, variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        build(**variables)


def test_a_model_for_ctranslate2_is_refused_by_what_it_lacks(build: Build, tiny_nllb: Path) -> None:
    with pytest.raises(ProviderMissing, match=r"lacks model\.safetensors.*TRANSLATION_PROVIDER=nllb"):
        build(TRANSLATION_MODEL=str(tiny_nllb / "ct2"))


def test_a_broken_model_is_missing_with_a_remedy(build: Build, tiny_nllb: Path, tmp_path: Path) -> None:
    for file in (tiny_nllb / "hf").iterdir():
        (tmp_path / file.name).write_bytes(
            file.read_bytes()[: 100 if file.suffix == ".safetensors" else None]
        )
    with pytest.raises(ProviderMissing, match=r"cannot be loaded.*Pull"):
        build(TRANSLATION_MODEL=str(tmp_path))


def test_a_missing_package_is_named_with_the_command(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        ProviderMissing, match=r"transformers package is not installed.*\[nllb-transformers\]"
    ):
        build()

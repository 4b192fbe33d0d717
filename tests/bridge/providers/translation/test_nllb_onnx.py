"""NLLB on ONNX Runtime with a small model of our own: what it answers, and what it obeys."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from structlog.testing import capture_logs

from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.providers.onnx import CPU, CUDA, TENSORRT
from bridge.providers.translation.decoding import Decoder, Search
from bridge.providers.translation.nllb import Nllb
from bridge.providers.translation.nllb_ctranslate2 import CTranslate2
from bridge.providers.translation.nllb_onnx import (
    ENCODER,
    FIRST,
    LATER,
    Beam,
    Hypotheses,
    Onnx,
    chosen,
    penalized,
)
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.types import Phrase
from tests.bridge.providers.translation.recorded import Make, say
from tests.models.archive import unpack
from tests.models.fixtures import engine
from tests.models.phrases import CODES, ENGLISH, TRANSLATIONS

pytestmark = pytest.mark.provider

SEARCHES = [
    Search(1, 60, 1.0),
    Search(4, 60, 1.0),
    Search(1, 60, 1.0).careful,
    Search(3, 60, 0.2, no_repeat_ngram=2),
    Search(1, 6, 1.0),
]

UNSEEN = [
    "The bus is hungry.",
    "water water water water water water",
    "Call my sister a doctor and open the cold window, please, at nine.",
    "Where is the bus",
    "see see see you you you",
]


@pytest.fixture(scope="session")
def tiny_onnx(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as optimum exports it, of the same weights as `tiny_nllb`."""
    folder = unpack("nllb-onnx-tiny-test", tmp_path_factory.mktemp("models"))
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        shutil.copy(tiny_nllb / "hf" / name, folder)
    return folder


@pytest.fixture
def make_onnx(make: Make, tiny_onnx: Path) -> Make:
    """Builds the provider `nllb` with USE_ONNX=true from environment variables."""

    def build(**variables: str) -> Nllb:
        return make(**{"TRANSLATION_MODEL": str(tiny_onnx), "USE_ONNX": "true"} | variables)

    return build


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """The options and the keywords of each session of ONNX Runtime that this test has built."""
    built: list[tuple[Any, dict[str, Any]]] = []
    real = onnxruntime.InferenceSession

    def build(path: str, options: Any, **keywords: Any) -> Any:
        built.append((options, keywords))
        return real(path, options, **keywords)

    monkeypatch.setattr(onnxruntime, "InferenceSession", build)
    return built


@pytest.fixture
def network(tiny_onnx: Path) -> Iterator[Onnx]:
    model = Onnx(tiny_onnx, NllbOptions(translation_threads=1))
    yield model
    model.close()


def answers(decoder: Decoder, search: Search, texts: list[str]) -> list[tuple[list[str], bool, int]]:
    sources = [decoder.vocabulary.encode(text) for text in texts]
    found = decoder.decode(sources, CODES["en"], CODES["es"], search)
    return [(answer.tokens, answer.finished, answer.scored) for answer in found]


def scores(decoder: Decoder, search: Search, texts: list[str]) -> list[float]:
    sources = [decoder.vocabulary.encode(text) for text in texts]
    return [answer.score for answer in decoder.decode(sources, CODES["en"], CODES["es"], search)]


@pytest.mark.parametrize("beams", ["1", "4"])
def test_every_phrase_is_translated_exactly_in_both_directions(make_onnx: Make, beams: str) -> None:
    provider = make_onnx(NUM_BEAMS=beams)
    wrong = [
        (tag, english)
        for tag, table in TRANSLATIONS.items()
        for english in ENGLISH
        if say(provider, english, "en", tag) != table[english]
        or say(provider, table[english], tag, "en") != english
    ]
    assert wrong == []


@pytest.mark.parametrize("search", SEARCHES)
def test_answers_and_scores_are_those_of_ctranslate2(network: Onnx, tiny_nllb: Path, search: Search) -> None:
    other = CTranslate2(
        tiny_nllb / "ct2", NllbOptions(translation_precision="float32", translation_threads=1)
    )
    assert answers(network, search, ENGLISH) == answers(other, search, ENGLISH)
    # Its weights were rounded to 8 bits when they were converted.
    assert scores(network, search, ENGLISH) == pytest.approx(scores(other, search, ENGLISH), abs=0.1)


@pytest.mark.parametrize("search", [search for search in SEARCHES if search.repetition_penalty == 1])
def test_answers_to_what_it_never_saw_are_those_of_transformers(
    network: Onnx, tiny_nllb: Path, search: Search
) -> None:
    engine("torch")
    from bridge.providers.translation.nllb_transformers import NllbTransformersOptions, Transformers

    other = Transformers(tiny_nllb / "hf", NllbTransformersOptions(translation_threads=1))
    assert answers(network, search, UNSEEN) == answers(other, search, UNSEEN)
    assert scores(network, search, UNSEEN) == pytest.approx(scores(other, search, UNSEEN), abs=1e-3)


@pytest.mark.parametrize("search", SEARCHES[1:3])
def test_a_folder_without_the_cached_decoder_gives_the_same_answers(
    network: Onnx, tiny_onnx: Path, tmp_path: Path, search: Search
) -> None:
    shutil.copytree(tiny_onnx, tmp_path, dirs_exist_ok=True)
    (tmp_path / LATER).unlink()
    slow = Onnx(tmp_path, NllbOptions(translation_threads=1))
    assert answers(slow, search, UNSEEN) == answers(network, search, UNSEEN)
    assert scores(slow, search, UNSEEN) == pytest.approx(scores(network, search, UNSEEN), abs=1e-3)


def test_no_sentence_depends_on_those_decoded_with_it(network: Onnx) -> None:
    texts = [*UNSEEN, *ENGLISH[::4]]
    for search in SEARCHES:
        assert answers(network, search, texts) == [answers(network, search, [text])[0] for text in texts]


def test_no_run_of_tokens_comes_twice_when_that_is_forbidden(network: Onnx) -> None:
    for tokens, _, _ in answers(network, Search(2, 60, 1.0, no_repeat_ngram=2), UNSEEN):
        runs = list(pairwise(tokens))
        assert len(runs) == len(set(runs))


def test_a_repetition_penalty_makes_repeated_tokens_rarer(network: Onnx) -> None:
    free, punished = (
        answers(network, Search(1, 60, 1.0, repetition_penalty=penalty), UNSEEN) for penalty in (1.0, 3.0)
    )
    assert free != punished
    assert sum(len(set(tokens)) / len(tokens) for tokens, _, _ in punished) > (
        sum(len(set(tokens)) / len(tokens) for tokens, _, _ in free)
    )


def test_what_was_said_is_less_likely_whatever_the_sign_of_its_logit() -> None:
    active = [Hypotheses(live=[Beam([0, 1], -1.0), Beam([2, 2], -2.0)])]
    made = penalized(np.array([[3.0, -3.0, 1.0]] * 2), active, Search(2, 9, 1.0, repetition_penalty=2.0))
    assert made.tolist() == [[1.5, -6.0, 1.0], [3.0, -3.0, 0.5]]


@pytest.mark.parametrize(("beams", "best"), [(1, [1, 1]), (2, [2])])
def test_two_beams_find_a_likelier_sentence_than_one(beams: int, best: list[int]) -> None:
    end, search, sentence = 0, Search(beams, 9, 1.0), Hypotheses()
    after = np.log([[0.3, 0.4, 0.3], [0.98, 0.01, 0.01]])
    assert sentence.grow(np.log([[0.01, 0.55, 0.44]]), end, search) == [0] * beams
    sentence.grow(after[:beams], end, search)
    assert sentence.grow(np.log([[0.8, 0.1, 0.1]] * len(sentence.live)), end, search) == []
    found = sentence.best(1.0)
    assert (found.tokens, found.finished) == (best, True)


def test_a_sentence_that_ended_is_preferred_to_one_that_was_cut() -> None:
    cut, ended = Beam([5, 6], -0.1), Beam([5], -1.0, finished=True)
    assert Hypotheses(live=[cut], done=[ended]).best(1.0) == ended
    assert Hypotheses(live=[cut]).best(1.0) == cut


@pytest.mark.parametrize(("penalty", "best"), [(0.0, [5]), (3.0, [5, 6, 7])])
def test_a_length_penalty_above_one_prefers_the_longer_sentence(penalty: float, best: list[int]) -> None:
    done = [Beam([5], -1.0, finished=True), Beam([5, 6, 7], -2.0, finished=True)]
    assert Hypotheses(done=done).best(penalty).tokens == best


def test_a_network_that_gives_no_numbers_ends_the_sentence_unfinished() -> None:
    sentence = Hypotheses()
    assert sentence.grow(np.full((1, 5), np.nan), 0, Search(2, 9, 1.0)) == []
    assert sentence.best(1.0) == Beam([], 0.0)


def test_sentences_keep_their_order_and_a_long_text_loses_none(make_onnx: Make) -> None:
    spoken = [TRANSLATIONS["es"][phrase] for phrase in ENGLISH]
    assert say(make_onnx(MAX_BATCH_SIZE="4"), " ".join(ENGLISH * 3)) == " ".join(spoken * 3)


def test_confidence_is_near_that_of_ctranslate2(make: Make, make_onnx: Make) -> None:
    texts = ("Good night.", "The bus is hungry.")
    there = [make().translate(Phrase(text, "en", "es")).confidence for text in texts]
    here = [make_onnx().translate(Phrase(text, "en", "es")).confidence for text in texts]
    assert here == pytest.approx(there, abs=0.02)


def test_languages_are_those_that_are_offered(make_onnx: Make) -> None:
    provider = make_onnx(TRANSLATION_LANGUAGES="en,ca")
    assert provider.pairs() == {("en", "ca"), ("ca", "en")}
    with pytest.raises(LanguageError, match="does not offer es"):
        say(provider, "Good night.", "en", "es")


def test_the_providers_named_reach_each_session_in_their_order(
    make_onnx: Make, sessions: list[tuple[Any, dict[str, Any]]]
) -> None:
    named = onnxruntime.get_available_providers()
    make_onnx(ONNX_PROVIDERS=" , ".join(["CPUExecutionProvider", *named]), TRANSLATION_THREADS="3")
    order = ["CPUExecutionProvider", *(name for name in named if name != "CPUExecutionProvider")]
    assert [[name for name, _ in keywords["providers"]] for _, keywords in sessions] == [order] * 3
    assert [options.intra_op_num_threads for options, _ in sessions] == [3, 3, 3]


def test_a_provider_that_is_not_there_is_reported_and_the_rest_is_used(
    make_onnx: Make, sessions: list[tuple[Any, dict[str, Any]]]
) -> None:
    with capture_logs() as logs:
        provider = make_onnx(ONNX_PROVIDERS="NoSuchExecutionProvider,CPUExecutionProvider")
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert warning["missing"] == ["NoSuchExecutionProvider"]
    assert "CPUExecutionProvider" in warning["available"]
    assert sessions[0][1]["providers"] == [("CPUExecutionProvider", {})]
    assert say(provider, "Good night.") == "Buenas noches."


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ONNX_PROVIDERS": "NoSuchExecutionProvider"}, r"ONNX_PROVIDERS=NoSuch.*CPUExecutionProvider"),
        ({"DEVICE": "cpu", "PRECISION": "float32"}, "TRANSLATION_PRECISION=float32.*Leave it at auto"),
        ({"FLASH_ATTENTION": "true"}, "TRANSLATION_FLASH_ATTENTION=true.*that of its files"),
        ({"USE_ONNX": "perhaps"}, "USE_ONNX=perhaps is not valid"),
    ],
)
def test_wrong_values_are_refused_at_the_start(make_onnx: Make, variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        make_onnx(**variables)
    assert re.search(said, f"{raised.value.message} {raised.value.hint}")


def test_without_a_list_the_device_chooses_the_providers() -> None:
    def providers(device: str, *available: str, named: str = "") -> list[tuple[str, dict[str, int]]]:
        return chosen(NllbOptions(translation_device=device, onnx_providers=named), available)

    assert providers("auto", CPU) == [(CPU, {})]
    assert providers("auto", CUDA, CPU) == [(CUDA, {"device_id": 0}), (CPU, {})]
    assert providers("cuda:1", CUDA, CPU) == [(CUDA, {"device_id": 1}), (CPU, {})]
    assert providers("cpu", CUDA, CPU) == [(CPU, {})]
    assert providers("cuda:1", TENSORRT, CUDA, CPU, named=f"{TENSORRT},{CUDA}") == [
        (TENSORRT, {"device_id": 1}),
        (CUDA, {"device_id": 1}),
    ]
    with pytest.raises(SettingsError, match="TRANSLATION_DEVICE=cuda cannot be used"):
        providers("cuda", CPU)


@pytest.mark.parametrize("lacking", [ENCODER, FIRST, "tokenizer.json"])
def test_a_file_that_lacks_is_named_with_the_export(
    make_onnx: Make, tiny_onnx: Path, tmp_path: Path, lacking: str
) -> None:
    shutil.copytree(tiny_onnx, tmp_path, dirs_exist_ok=True)
    (tmp_path / lacking).unlink()
    with pytest.raises(ProviderMissing, match=f"lacks {lacking}") as raised:
        make_onnx(TRANSLATION_MODEL=str(tmp_path))
    assert "optimum-cli export onnx" in raised.value.hint


def test_a_model_for_ctranslate2_is_refused(make_onnx: Make, tiny_nllb: Path) -> None:
    with pytest.raises(ProviderMissing, match=f"lacks {ENCODER}, {FIRST}, which USE_ONNX"):
        make_onnx(TRANSLATION_MODEL=str(tiny_nllb / "ct2"))


@pytest.mark.parametrize("broken", [ENCODER, LATER, "model.safetensors", "tokenizer.json"])
def test_a_broken_file_is_an_error_with_a_remedy(
    make_onnx: Make, tiny_onnx: Path, tmp_path: Path, broken: str
) -> None:
    shutil.copytree(tiny_onnx, tmp_path, dirs_exist_ok=True)
    (tmp_path / broken).write_bytes((tmp_path / broken).read_bytes()[:100])
    with pytest.raises(ProviderError) as raised:
        make_onnx(TRANSLATION_MODEL=str(tmp_path))
    assert raised.value.hint


def test_a_network_that_fails_on_a_text_is_an_error_that_says_why(make_onnx: Make) -> None:
    provider = make_onnx(MAX_LENGTH="400")
    with pytest.raises(ProviderError, match="The translation model failed"):
        say(provider, "water " * 200)


def test_ctranslate2_need_not_be_installed(make_onnx: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    assert say(make_onnx(), "Good night.") == "Buenas noches."


def test_a_missing_package_is_named_with_the_command(
    make_onnx: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ProviderMissing, match=r"onnxruntime package is not installed.*\[nllb-onnx\]"):
        make_onnx()


def test_answers_of_another_engine_are_not_taken_from_the_cache(make: Make, make_onnx: Make) -> None:
    assert make().fingerprint() != make_onnx().fingerprint()
    assert "onnxruntime" in make_onnx().fingerprint()


def test_transformers_do_not_run_on_onnx(tiny_nllb: Path) -> None:
    engine("torch")
    from bridge.providers.translation.nllb_transformers import NllbTransformers, NllbTransformersOptions

    with pytest.raises(SettingsError, match="USE_ONNX=true does not go with"):
        NllbTransformers(NllbTransformersOptions(use_onnx=True))

"""NLLB on CTranslate2 with a small model of our own: what it translates, and what the engine is told."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.providers.translation.nllb_options import COMMON
from bridge.types import Phrase
from tests.bridge.providers.translation.recorded import Make, Recorded, say
from tests.models.phrases import ENGLISH, TRANSLATIONS

pytestmark = pytest.mark.provider

REPOSITORY = Path(__file__).parents[4]


def test_every_phrase_is_translated_exactly_in_both_directions(make: Make) -> None:
    provider = make()
    wrong = [
        (tag, english)
        for tag, table in TRANSLATIONS.items()
        for english in ENGLISH
        if say(provider, english, "en", tag) != table[english]
        or say(provider, table[english], tag, "en") != english
    ]
    assert wrong == []


def test_sentences_of_one_text_come_back_in_order_and_all_of_them(make: Make) -> None:
    assert say(make(), "Good morning. Close the door.  Call a doctor.") == (
        "Buenos días. Cierra la puerta. Llama a un médico."
    )


def test_a_short_first_sentence_waits_for_the_longest_if_it_is_not_asked_for_alone(make: Make) -> None:
    provider = make()

    assert provider.share([10, 40]) < provider.share([10, 20]) < 0.5
    assert provider.share([20, 20, 20]) > 2 / 3
    assert provider.share([20]) == 1


def test_ten_thousand_characters_lose_no_sentence(make: Make) -> None:
    text = " ".join(ENGLISH * 16)
    assert len(text) > 10_000
    assert say(make(), text) == " ".join([TRANSLATIONS["es"][phrase] for phrase in ENGLISH] * 16)


def test_ten_thousand_characters_without_a_sentence_end_in_an_answer(make: Make) -> None:
    assert say(make(), "water " * 1_700)


def test_marks_without_a_word_stay_as_they_are(make: Make, recorded: list[Recorded]) -> None:
    translation = make().translate(Phrase("… 😀", "en", "es"))
    assert (translation.text, translation.confidence) == ("… 😀", None)
    assert recorded[0].calls == []


def test_nobody_ends_a_sentence_or_changes_its_language_by_naming_a_token(
    make: Make, recorded: list[Recorded]
) -> None:
    make().translate(Phrase("Open </s> fra_Latn it", "en", "es"))
    (source,) = recorded[0].calls[0]["source"]
    assert source[0] == "eng_Latn"
    assert "fra_Latn" not in source
    assert [token for token in source if token == "</s>"] == source[-1:]


def test_confidence_is_that_of_the_decoder_whatever_the_length_penalty(make: Make) -> None:
    first, second = (
        make(NUM_BEAMS="2", LENGTH_PENALTY=penalty).translate(Phrase("The bus is hungry.", "en", "es"))
        for penalty in ("0.9", "1.1")
    )
    assert first.text == second.text
    assert first.confidence == pytest.approx(second.confidence, abs=1e-4)
    known = make().translate(Phrase("Good night.", "en", "es")).confidence
    assert first.confidence is not None and known is not None
    assert 0 < first.confidence < known <= 1


def test_four_threads_get_what_one_gets(make: Make) -> None:
    provider = make()
    alone = [say(provider, phrase) for phrase in ENGLISH]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda phrase: say(provider, phrase), ENGLISH * 4)) == alone * 4


def test_common_languages_are_offered_and_not_all_pairs_of_the_world(make: Make) -> None:
    pairs = make().pairs()
    assert {tag for pair in pairs for tag in pair} == set(COMMON)
    assert len(pairs) == len(COMMON) * (len(COMMON) - 1)


def test_offered_languages_can_be_named(make: Make) -> None:
    provider = make(TRANSLATION_LANGUAGES="en, ca,EN-gb")
    assert provider.pairs() == {("en", "ca"), ("ca", "en"), ("en-GB", "ca"), ("ca", "en-GB")}
    with pytest.raises(LanguageError, match=r"does not offer es, only en, ca, en-GB"):
        say(provider, "Good night.", "en", "es")
    with pytest.raises(LanguageError, match="does not tell en from en-GB"):
        say(provider, "Good night.", "en", "en-GB")


def test_all_languages_of_the_model_can_be_offered(make: Make) -> None:
    assert ("bo", "zu") in make(TRANSLATION_LANGUAGES="all").pairs()


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        ("en,tlh", "TRANSLATION_LANGUAGES: Language 'tlh'"),
        ("en,es,la", "has no token for la"),
        ("en", "has tokens for 1 of the languages"),
    ],
)
def test_languages_that_cannot_be_offered_are_refused_at_the_start(
    make: Make, languages: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        make(TRANSLATION_LANGUAGES=languages)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("variable", "value", "argument", "told"),
    [
        ("PRECISION", "float32", "compute_type", "float32"),
        ("PRECISION", "auto", "compute_type", "int8"),
        ("DEVICE", "cpu", "device", "cpu"),
        ("TRANSLATION_THREADS", "3", "intra_threads", 3),
    ],
)
def test_variables_reach_the_engine_as_it_is_built(
    make: Make, recorded: list[Recorded], variable: str, value: str, argument: str, told: object
) -> None:
    make(**{variable: value})
    assert recorded[0].made[argument] == told


@pytest.mark.parametrize(
    ("variable", "value", "argument", "told"),
    [
        ("NUM_BEAMS", "3", "beam_size", 3),
        ("MAX_LENGTH", "48", "max_decoding_length", 48),
        ("MAX_BATCH_SIZE", "2", "max_batch_size", 2),
        ("LENGTH_PENALTY", "1.5", "length_penalty", 1.5),
    ],
)
def test_variables_reach_the_engine_with_each_text(
    make: Make, recorded: list[Recorded], variable: str, value: str, argument: str, told: object
) -> None:
    provider = make(**{variable: value})
    say(provider, "Good night. Good morning.")
    assert recorded[0].calls[0][argument] == told
    assert len(recorded[0].calls[0]["source"]) == 2
    provider = make(**{f"TRANSLATION_{variable}": value, variable: "1"})
    say(provider, "Good night.")
    assert recorded[1].calls[0][argument] == told


def test_least_effort_follows_one_hypothesis(make: Make, recorded: list[Recorded]) -> None:
    provider = make(NUM_BEAMS="3")
    for quick in (True, False):
        provider.translate(Phrase("Good night.", "en", "es", quick))
    assert [call["beam_size"] for call in recorded[0].calls] == [1, 3]


def test_a_length_penalty_without_beams_is_pointed_out_once(make: Make) -> None:
    with capture_logs() as logs:
        provider = make(LENGTH_PENALTY="1.5")
        say(provider, "Good night.")
        make(LENGTH_PENALTY="1.5", NUM_BEAMS="2")
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == [
        "TRANSLATION_LENGTH_PENALTY has no effect with TRANSLATION_NUM_BEAMS=1"
    ]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DEVICE": "cuda:97"}, r"TRANSLATION_DEVICE=cuda:97 is not there: this process sees .*GPU"),
        ({"DEVICE": "gpu"}, "DEVICE=gpu is not valid"),
        (
            {"DEVICE": "cpu", "PRECISION": "float16"},
            r"TRANSLATION_PRECISION=float16 .* cpu.*auto, float32, int8\.",
        ),
        ({"PRECISION": "int4"}, "PRECISION=int4 is not valid"),
        ({"MAX_LENGTH": "5"}, "MAX_LENGTH=5 is not valid"),
        ({"NUM_BEAMS": "0"}, "NUM_BEAMS=0 is not valid"),
    ],
)
def test_wrong_values_are_refused_at_the_start(make: Make, variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make(**variables)


def test_a_model_that_was_not_pulled_is_missing_with_the_command(make: Make) -> None:
    with pytest.raises(ProviderMissing, match=r"speechbridge models pull nllb facebook/nllb-200-3\.3B"):
        make(TRANSLATION_MODEL="facebook/nllb-200-3.3B")


@pytest.mark.parametrize("lacking", ["model.bin", "config.json", "tokenizer.json", "shared_vocabulary.json"])
def test_a_file_that_lacks_is_named(make: Make, tiny_nllb: Path, tmp_path: Path, lacking: str) -> None:
    for file in (tiny_nllb / "ct2").iterdir():
        if file.name != lacking:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ProviderMissing, match=f"lacks {lacking}"):
        make(TRANSLATION_MODEL=str(tmp_path))


def test_a_model_for_transformers_is_refused_with_the_conversion(make: Make, tiny_nllb: Path) -> None:
    with pytest.raises(ProviderMissing, match="ct2-transformers-converter --model"):
        make(TRANSLATION_MODEL=str(tiny_nllb / "hf"))


@pytest.mark.parametrize("broken", ["model.bin", "tokenizer.json"])
def test_a_broken_file_is_an_error_with_a_remedy(
    make: Make, tiny_nllb: Path, tmp_path: Path, broken: str
) -> None:
    for file in (tiny_nllb / "ct2").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 100 if file.name == broken else None])
    with pytest.raises(ProviderError) as raised:
        make(TRANSLATION_MODEL=str(tmp_path))
    assert raised.value.hint


def test_a_missing_package_is_named_with_the_command(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ProviderMissing, match=r"tokenizers package is not installed.*\[nllb\]"):
        make()


def test_the_model_is_resident_until_the_provider_is_closed(make: Make, tiny_nllb: Path) -> None:
    provider = make()
    assert provider.resident() == (str(tiny_nllb / "ct2"),)
    provider.close()
    assert provider.resident() == ()


def test_neither_torch_nor_transformers_is_imported(tiny_nllb: Path) -> None:
    code = (
        "import sys; from bridge.providers import load; from bridge.types import Phrase;"
        "print(load('translation', 'nllb').translate(Phrase('Good night.', 'en', 'es')).text);"
        "print(*({'torch', 'transformers'} & set(sys.modules)))"
    )
    environment = os.environ | {"TRANSLATION_MODEL": str(tiny_nllb / "ct2"), "MAX_LENGTH": "60"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-2:] == ["Buenas noches.", ""]

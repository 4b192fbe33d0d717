"""The operator's terms are told to recognisers that make use of them: the small Whisper, and OpenAI's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faster_whisper
import numpy as np
import pytest

from bridge.glossary import Glossary
from bridge.providers import Hinted
from bridge.providers.stt.hinted import CHARACTERS, hint, hinted
from bridge.providers.stt.pocketsphinx import Pocketsphinx
from bridge.types import Speech
from tests.bridge.providers.stt.recorded import SPANISH_VOICE, Build, recorded, spoken
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.fixtures import build as vendor_build
from tests.models.phrases import ENGLISH, SPANISH

__all__ = ["vendor_build"]

TERMS = '[en]\nkeep = ["Ada Lovelace", "Redis"]\n[es.en]\ncumbre = "summit"\n'


@pytest.fixture
def glossary(tmp_path: Path) -> Glossary:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS)
    return Glossary(path)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAi]:
    made = openai.OpenAi()
    monkeypatch.setenv("OPENAI_API_KEY", openai.KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", made.url)
    with made.running():
        yield made


@pytest.mark.provider
def test_whisper_hears_with_terms_what_its_own_hotwords_let_it_hear(
    build: Build, tiny_whisper: Path, glossary: Glossary
) -> None:
    whisper = hinted(build(), glossary)
    reference = faster_whisper.WhisperModel(str(tiny_whisper), local_files_only=True, compute_type="auto")
    changed = 0
    for text in ENGLISH[:4]:
        sound = spoken(text)
        samples = np.frombuffer(sound.pcm, "<i2").astype(np.float32) / 32768
        settings: dict[str, Any] = {"language": "en", "beam_size": 1, "temperature": 0}
        settings |= {"without_timestamps": True, "condition_on_previous_text": False}
        (segment,) = reference.transcribe(samples, hotwords="Ada Lovelace, Redis", **settings)[0]
        (plain,) = reference.transcribe(samples, **settings)[0]
        made = whisper.transcribe(Speech(sound, "en"))
        assert made.text == segment.text.strip()
        assert made.confidence == pytest.approx(np.exp(segment.avg_logprob), abs=1e-4)
        changed += segment.avg_logprob != plain.avg_logprob
    assert changed


@pytest.mark.provider
def test_whisper_is_told_the_terms_of_the_language_that_is_spoken(build: Build, glossary: Glossary) -> None:
    whisper = hinted(build(), glossary)
    engine = recorded(whisper)
    whisper.transcribe(Speech(spoken(ENGLISH[0]), "en"))
    whisper.transcribe(Speech(spoken(SPANISH[0], SPANISH_VOICE), "es"))
    whisper.hear(Speech(spoken(ENGLISH[0]), "en"))
    whisper.transcribe(Speech(spoken(SPANISH[0], SPANISH_VOICE)))
    with whisper._lease() as loaded:
        told = [loaded._tokenizer.decode(call["prompts"][0]).strip() for call in engine.generated]
    assert told == ["Ada Lovelace, Redis", "cumbre", "Ada Lovelace, Redis", "cumbre"]


@pytest.mark.provider
def test_a_batch_in_two_languages_is_told_the_terms_of_both(build: Build, glossary: Glossary) -> None:
    whisper = hinted(build(), glossary)
    with whisper._lease() as loaded:
        encoded = loaded.encode([loaded.features(np.zeros(16_000, np.float32))] * 2)
        heard = whisper._decode(loaded, encoded, ["en", "es"], {"beam_size": 1})
    assert [one.code for one in heard] == ["en", "es"]


def test_openai_is_told_the_terms_of_the_language_or_of_the_one_before(
    vendor: openai.OpenAi, vendor_build: Any, glossary: Glossary
) -> None:
    engine = hinted(vendor_build("stt", "openai"), glossary)
    sound = spoken(ENGLISH[0])
    for speech in (Speech(sound, "en"), Speech(sound, "es"), Speech(sound, prior="es"), Speech(sound)):
        engine.transcribe(speech)
    vendor.language = "welsh"
    engine.transcribe(Speech(sound, among=("en", "es")))
    told = [openai.form(asked).get("prompt") for asked in vendor.asked]
    english, spanish = b"Ada Lovelace, Redis", b"cumbre"
    assert told == [english, spanish, spanish, None, None, english]


def test_no_more_is_told_than_there_is_room_for() -> None:
    terms = [f"term {number}" for number in range(1_000)]
    told = hint(terms)
    assert CHARACTERS - 10 <= len(told) <= CHARACTERS
    assert told.split(", ") == terms[: len(told.split(", "))]
    assert hint([]) == ""


def test_an_engine_that_takes_no_terms_and_one_without_a_glossary_stay_as_they_are(
    glossary: Glossary,
) -> None:
    assert not issubclass(Pocketsphinx, Hinted)
    engine = object()
    assert hinted(engine, glossary) is engine
    assert hinted(engine, None) is engine

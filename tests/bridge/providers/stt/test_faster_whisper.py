"""Whisper on CTranslate2, with the small model of tests/models: what is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import faster_whisper
import numpy as np
import pytest

from bridge.errors import LanguageError, ProviderError
from bridge.providers.stt.faster_whisper import FasterWhisper
from bridge.providers.stt.whisper import WINDOW, windows
from bridge.types import SPEECH_RATE, Audio, Speech
from tests.bridge.providers.stt.recorded import (
    ENGLISH_VOICE,
    PHRASE,
    SPANISH_VOICE,
    Build,
    audio,
    doubting,
    recorded,
    silence,
    spoken,
)
from tests.models.phrases import ENGLISH, SPANISH
from tests.models.speech import say

pytestmark = pytest.mark.provider


def test_phrases_are_recognised_exactly(whisper: FasterWhisper) -> None:
    english = [whisper.transcribe(Speech(spoken(text), "en")).text == text for text in ENGLISH[::3]]
    spanish = [whisper.transcribe(Speech(spoken(text, SPANISH_VOICE), "es")).text == text for text in SPANISH]
    assert sum(english) >= 0.85 * len(english)
    assert sum(spanish) >= 0.85 * len(spanish)


def test_text_and_probability_are_those_of_the_engines_own_transcribe(
    whisper: FasterWhisper, tiny_whisper: Path
) -> None:
    reference = faster_whisper.WhisperModel(str(tiny_whisper), local_files_only=True, compute_type="auto")
    for text in ENGLISH[:8]:
        sound = spoken(text)
        segments, _ = reference.transcribe(
            np.frombuffer(sound.pcm, "<i2").astype(np.float32) / 32768,
            language="en",
            beam_size=1,
            temperature=0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        (segment,) = segments
        transcript = whisper.transcribe(Speech(sound, "en"))
        assert transcript.text == segment.text.strip()
        assert transcript.confidence == pytest.approx(np.exp(segment.avg_logprob), abs=1e-4)


def test_language_is_found_where_none_is_named(whisper: FasterWhisper) -> None:
    assert whisper.detects
    for text, voice, language in ((PHRASE, ENGLISH_VOICE, "en"), (SPANISH[1], SPANISH_VOICE, "es")):
        transcript = whisper.transcribe(Speech(spoken(text, voice)))
        assert (transcript.text, transcript.language) == (text, language)


def test_detection_encodes_once(build: Build) -> None:
    provider = build()
    engine = recorded(provider)
    provider.transcribe(Speech(spoken(PHRASE)))
    assert engine.encoded == [(1, 80, 3000)]


def test_detection_chooses_among_the_named_languages_only(build: Build) -> None:
    provider = build(stt_languages="es, de")
    assert provider.transcribe(Speech(spoken(PHRASE))).language in ("es", "de")
    assert provider.transcribe(Speech(spoken(PHRASE), "en")).language == "en"


def test_one_of_two_languages_is_found_for_each_segment_and_named_as_it_was_asked_for(build: Build) -> None:
    provider = build()
    engine = recorded(provider)
    english, spanish = spoken(PHRASE), spoken(SPANISH[1], SPANISH_VOICE)
    found = [
        provider.transcribe(Speech(sound, among=("en-GB", "es"), prior=prior)).language
        for sound, prior in ((english, None), (spanish, "en-GB"), (english, "es"))
    ]
    foreign = provider.transcribe(Speech(english, among=("es", "de"))).language

    assert found == ["en-GB", "es", "en-GB"]
    assert foreign in ("es", "de")
    assert len(engine.encoded) == 4


def test_operators_languages_do_not_hinder_two_that_are_named(build: Build) -> None:
    provider = build(stt_languages="es, de")
    assert provider.transcribe(Speech(spoken(PHRASE), among=("en", "fr"))).language == "en"


def test_doubtful_speech_is_taken_for_the_language_that_was_spoken_before(build: Build) -> None:
    provider = build()
    engine = doubting(provider, {"en": 0.3, "es": 0.2, "fr": 0.5})
    speech = Speech(spoken(PHRASE), among=("en", "es"))
    found = [provider.transcribe(replace(speech, prior=prior)).language for prior in (None, "es", "en")]

    assert found == ["en", "es", "en"]
    told = [call["prompts"][0][1] for call in engine.generated]
    with provider._lease() as whisper:
        names = [whisper.model.hf_tokenizer.id_to_token(token) for token in told]
    assert names == ["<|en|>", "<|es|>", "<|en|>"]


def test_two_languages_of_which_the_model_lacks_one_are_refused(whisper: FasterWhisper) -> None:
    with pytest.raises(LanguageError, match="not ltg"):
        whisper.transcribe(Speech(spoken(PHRASE), among=("en", "ltg")))


def test_language_is_told_to_the_model_in_its_own_code(build: Build) -> None:
    provider = build()
    engine = recorded(provider)
    for tag in ("en", "jv", "zh-Hant"):
        provider.transcribe(Speech(spoken(PHRASE), tag))
    with provider._lease() as whisper:
        told = [whisper.model.hf_tokenizer.id_to_token(call["prompts"][0][1]) for call in engine.generated]
    assert told == ["<|en|>", "<|jw|>", "<|zh|>"]


def test_transcript_keeps_the_tag_that_was_asked_for(whisper: FasterWhisper) -> None:
    assert whisper.transcribe(Speech(spoken(PHRASE), "en-GB")).language == "en-GB"
    assert {"en", "en-GB", "es", "zh-Hant"} <= whisper.languages()


@pytest.mark.parametrize("language", ["ltg", "ckb"])
def test_language_that_the_model_has_not_is_refused(whisper: FasterWhisper, language: str) -> None:
    with pytest.raises(LanguageError, match=f"not {language}") as raised:
        whisper.transcribe(Speech(spoken(PHRASE), language))
    assert raised.value.hint


def test_confidence_is_high_for_a_phrase_and_lower_in_noise(whisper: FasterWhisper) -> None:
    clean = say(PHRASE, ENGLISH_VOICE)
    noise = np.random.default_rng(0).normal(0, 0.15, clean.size).astype(np.float32)
    sure = whisper.transcribe(Speech(audio(clean), "en")).confidence
    unsure = whisper.transcribe(Speech(audio(clean + noise), "en")).confidence
    assert sure is not None and 0.5 < sure <= 1
    assert unsure is None or unsure < sure


@pytest.mark.parametrize("language", ["en", None])
def test_digital_silence_and_nothing_are_no_text(whisper: FasterWhisper, language: str | None) -> None:
    for sound in (Audio(b"", SPEECH_RATE), audio(silence(1))):
        transcript = whisper.transcribe(Speech(sound, language))
        assert (transcript.text, transcript.language, transcript.confidence) == ("", language or "und", None)


@pytest.mark.parametrize("level", [0.003, 0.03, 0.1])
def test_noise_is_no_text(whisper: FasterWhisper, level: float) -> None:
    noise = np.random.default_rng(1).normal(0, level, 2 * SPEECH_RATE).astype(np.float32)
    assert whisper.transcribe(Speech(audio(noise), "en")).text == ""


def test_other_rate_is_refused(whisper: FasterWhisper) -> None:
    with pytest.raises(ProviderError, match="16000 Hz, not 24000"):
        whisper.transcribe(Speech(Audio(b"\1\1" * 2400, 24_000), "en"))


def test_odd_number_of_bytes_fails_the_segment_only(whisper: FasterWhisper) -> None:
    with pytest.raises(ProviderError, match="whole samples"):
        whisper.transcribe(Speech(Audio(b"\1\1\1", SPEECH_RATE), "en"))
    assert whisper.transcribe(Speech(spoken(PHRASE), "en")).text == PHRASE


def test_speech_of_more_than_30_seconds_is_recognised_window_by_window(whisper: FasterWhisper) -> None:
    phrase = np.concatenate([say("We need two tickets.", ENGLISH_VOICE), silence(20)])
    parts = [audio(part) for part in windows(np.tile(phrase, 2))]
    alone = [whisper.transcribe(Speech(part, "en")) for part in parts]
    together = whisper.transcribe(Speech(audio(np.tile(phrase, 2)), "en"))
    assert len(alone) == 2 and all(each.text for each in alone)
    assert together.text == " ".join(each.text for each in alone)
    confidences = [each.confidence or 0 for each in alone]
    assert min(confidences) <= (together.confidence or 0) <= max(confidences)


def test_long_speech_is_cut_where_it_is_quietest() -> None:
    loud = np.ones(70 * SPEECH_RATE, np.float32)
    for second in (25, 48):
        loud[second * SPEECH_RATE : second * SPEECH_RATE + SPEECH_RATE // 2] = 0
    pieces = list(windows(loud))
    ends = np.cumsum([piece.size for piece in pieces]) / SPEECH_RATE
    assert 25 < ends[0] < 25.5 and 48 < ends[1] < 48.5 and ends[2] == 70
    assert all(piece.size <= WINDOW for piece in pieces)


def test_speech_that_goes_on_is_heard_with_the_end_of_each_word(whisper: FasterWhisper) -> None:
    said = max(ENGLISH, key=len)
    heard = whisper.hear(Speech(spoken(said), "en"))
    assert heard.text == whisper.transcribe(Speech(spoken(said), "en")).text

    characters, times = heard.marks[::2], heard.marks[1::2]
    assert characters[-1] == len(heard.text) and list(characters) == sorted(set(characters))
    assert list(times) == sorted(times) and times[0] > 0 and times[-1] <= spoken(said).ms + 20


def test_speech_that_goes_on_is_guarded_like_any_other(whisper: FasterWhisper) -> None:
    assert whisper.hear(Speech(audio(silence(1)), "en")).text == ""
    found = whisper.hear(Speech(spoken(SPANISH[0], SPANISH_VOICE), None, ("en", "es")))
    assert found.language == "es" and found.text

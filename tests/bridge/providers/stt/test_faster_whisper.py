"""Whisper on CTranslate2, with the small model of tests/models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faster_whisper
import numpy as np
import pytest
from structlog.testing import capture_logs

from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.providers.stt.faster_whisper import FasterWhisper, FasterWhisperOptions
from bridge.providers.stt.whisper import WINDOW, windows
from bridge.types import SPEECH_RATE, Audio, Speech
from tests.bridge.providers.stt.english import english_only
from tests.models.phrases import ENGLISH, SPANISH
from tests.models.speech import Samples, Voice, say

pytestmark = pytest.mark.provider

ENGLISH_VOICE, SPANISH_VOICE = Voice("en-us+m3"), Voice("es+m3")
PHRASE = "Where is the train station?"

Build = Callable[..., FasterWhisper]


def audio(samples: Samples) -> Audio:
    return Audio((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), SPEECH_RATE)


def spoken(text: str, voice: Voice = ENGLISH_VOICE) -> Audio:
    return audio(say(text, voice))


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SPEECH_RATE), np.float32)


@pytest.fixture
def build(tiny_whisper: Path) -> Iterator[Build]:
    """Builds the provider with the small model and closes it at the end."""
    built = []

    def make(**options: Any) -> FasterWhisper:
        given = {"stt_model_size": str(tiny_whisper)} | options
        built.append(FasterWhisper(FasterWhisperOptions.read(**given)))
        return built[-1]

    yield make
    for provider in built:
        provider.close()


@pytest.fixture(scope="module")
def whisper(tiny_whisper: Path) -> Iterator[FasterWhisper]:
    provider = FasterWhisper(FasterWhisperOptions.read(stt_model_size=str(tiny_whisper)))
    yield provider
    provider.close()


class Recorder:
    """The loaded engine itself, noting what it is asked."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.generated: list[dict[str, Any]] = []
        self.encoded: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def encode(self, features: Any) -> Any:
        self.encoded.append(tuple(features.shape))
        return self._engine.encode(features)

    def generate(self, encoded: Any, prompts: list[list[int]], **search: Any) -> Any:
        self.generated.append({"prompts": prompts, **search})
        return self._engine.generate(encoded, prompts, **search)


def recorded(provider: FasterWhisper) -> Recorder:
    with provider._lease() as whisper:
        recorder = whisper.model.model = Recorder(whisper.model.model)
        return recorder


def endless(provider: FasterWhisper) -> FasterWhisper:
    """Forbids the end and all that is no text, so that the model says the same again and again."""
    with provider._lease() as whisper:
        first = whisper._tokenizer.eot
        whisper._suppressed = tuple(range(first, whisper.model.hf_tokenizer.get_vocab_size()))
    return provider


def test_phrases_are_recognised_exactly(whisper: FasterWhisper) -> None:
    english = [whisper.transcribe(Speech(spoken(text), "en")).text == text for text in ENGLISH]
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


def test_four_threads_get_what_one_gets_with_and_without_batches(build: Build) -> None:
    sounds = [spoken(text) for text in ENGLISH[3:7]]
    single = build()
    alone = [single.transcribe(Speech(sound, "en")).text for sound in sounds]
    for options in ({}, {"stt_num_workers": 2}, {"stt_batch_size": 4}):
        provider = build(**options)
        with ThreadPoolExecutor(4) as pool:
            assert [
                each.text for each in pool.map(provider.transcribe, map(heard_in_english, sounds))
            ] == alone


def heard_in_english(sound: Audio) -> Speech:
    return Speech(sound, "en")


def test_segments_of_several_speakers_share_one_run(build: Build) -> None:
    provider = build(stt_batch_size=3, stt_batch_max_wait_ms=1_000)
    engine = recorded(provider)
    asked = [Speech(spoken(PHRASE), "en"), Speech(spoken(SPANISH[1], SPANISH_VOICE)), Speech(spoken(PHRASE))]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(provider.transcribe, asked))
    assert [each.text for each in found] == [PHRASE, SPANISH[1], PHRASE]
    assert [each.language for each in found] == ["en", "es", "en"]
    assert engine.encoded == [(3, 80, 3000)]


def test_lone_segment_waits_for_a_batch_no_longer_than_it_may(build: Build) -> None:
    provider = build(stt_batch_size=64, stt_batch_max_wait_ms=0)
    assert provider.transcribe(Speech(spoken(PHRASE), "en")).text == PHRASE


def test_greedy_without_timestamps_is_the_default(build: Build) -> None:
    provider = build()
    engine = recorded(provider)
    provider.transcribe(Speech(spoken(PHRASE), "en"))
    (call,) = engine.generated
    with provider._lease() as whisper:
        assert call["prompts"][0][-1] == whisper._tokenizer.no_timestamps
    assert call["beam_size"] == 1 and "sampling_temperature" not in call


def test_beam_best_of_and_temperature_reach_the_engine(build: Build) -> None:
    provider = build(stt_beam_size=3, stt_best_of=2, stt_temperature="0, 0.4", stt_log_prob_threshold=0.0)
    engine = recorded(provider)
    provider.transcribe(Speech(spoken(PHRASE), "en"))
    shown = [
        {name: call.get(name) for name in ("beam_size", "num_hypotheses", "sampling_temperature")}
        for call in engine.generated
    ]
    assert shown == [
        {"beam_size": 3, "num_hypotheses": None, "sampling_temperature": None},
        {"beam_size": 1, "num_hypotheses": 2, "sampling_temperature": 0.4},
    ]
    assert len(engine.encoded) == 1


def test_retry_after_a_batch_encodes_its_own_window_only(build: Build) -> None:
    provider = build(
        stt_batch_size=2,
        stt_batch_max_wait_ms=1_000,
        stt_temperature="0,0.2",
        stt_log_prob_threshold=0.0,
        stt_no_speech_threshold=1.0,
    )
    engine = recorded(provider)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(provider.transcribe, [Speech(spoken(PHRASE), "en")] * 2))
    assert [each.text for each in found] == [PHRASE, PHRASE]
    assert sorted(shape[0] for shape in engine.encoded) == [1, 1, 2]


def test_short_window_encodes_as_much_as_was_said(build: Build) -> None:
    provider = build(stt_short_window=True)
    engine = recorded(provider)
    sound = spoken(PHRASE)
    assert provider.transcribe(Speech(sound, "en")).text == PHRASE
    ((_, _, frames),) = engine.encoded
    assert sound.ms / 10 + 100 <= frames <= sound.ms / 10 + 200


def test_vad_filter_takes_out_what_is_no_speech(build: Build) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.001, 6 * SPEECH_RATE).astype(np.float32)
    speech = Speech(audio(np.concatenate([noise, say(PHRASE, ENGLISH_VOICE), noise])), "en")
    lengths = {}
    for filtered in (True, False):
        provider = build(stt_vad_filter=filtered, stt_short_window=True)
        engine = recorded(provider)
        provider.transcribe(speech)
        lengths[filtered] = engine.encoded[0][2]
    assert lengths[True] < 600 < 1300 < lengths[False]


def test_vad_filter_goes_by_the_threshold_of_the_core(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = Speech(spoken(PHRASE), "en")
    assert build(stt_vad_filter=True).transcribe(quiet).text == PHRASE
    monkeypatch.setenv("VAD_THRESHOLD", "0.99999")
    assert build(stt_vad_filter=True).transcribe(quiet).text == ""
    assert build(stt_vad_filter=False).transcribe(quiet).text == PHRASE


def test_unlikely_text_is_dropped_where_no_speech_is_probable(build: Build) -> None:
    speech = Speech(spoken(PHRASE), "en")
    assert build(stt_no_speech_threshold=0.0, stt_log_prob_threshold=0.0).transcribe(speech).text == ""
    assert build(stt_no_speech_threshold=1.0, stt_log_prob_threshold=0.0).transcribe(speech).text == PHRASE
    assert build(stt_no_speech_threshold=0.0).transcribe(speech).text == PHRASE


def test_looping_text_is_dropped_or_tried_again(build: Build) -> None:
    speech = Speech(spoken(PHRASE), "en")
    kept = endless(build(stt_compression_ratio_threshold=1000, stt_log_prob_threshold=-100))
    assert len(kept.transcribe(speech).text) > 200
    dropped = endless(build(stt_temperature="0,0.2", stt_log_prob_threshold=-100))
    engine = recorded(dropped)
    with capture_logs() as logs:
        assert dropped.transcribe(speech).text == ""
    assert [call.get("sampling_temperature") for call in engine.generated] == [None, 0.2]
    assert [entry["event"] for entry in logs] == ["looping text dropped"]


def test_options_of_place_and_threads_reach_the_engine(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    class Noting(faster_whisper.WhisperModel):  # type: ignore[misc]
        def __init__(self, folder: str, **options: Any) -> None:
            given.append(options)
            super().__init__(folder, **options)

    monkeypatch.setattr(faster_whisper, "WhisperModel", Noting)
    provider = build(stt_device="cpu", stt_compute_type="float32", stt_cpu_threads=1, stt_num_workers=2)
    assert given == [
        {
            "local_files_only": True,
            "device": "cpu",
            "device_index": 0,
            "compute_type": "float32",
            "cpu_threads": 1,
            "num_workers": 2,
        }
    ]
    engine = recorded(provider)
    assert (engine.device, engine.compute_type, engine.num_workers) == ("cpu", "float32", 2)


def test_short_names_of_the_variables_act_too(tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MODEL_SIZE": str(tiny_whisper),
        "DEVICE": "cpu",
        "COMPUTE_TYPE": "int8",
        "BEAM_SIZE": "2",
        "BEST_OF": "3",
        "TEMPERATURE": "0.5",
        "VAD_FILTER": "true",
        "NUM_WORKERS": "2",
        "CPU_THREADS": "1",
        "BATCH_SIZE": "4",
        "BATCH_MAX_WAIT_MS": "5",
    }.items():
        monkeypatch.setenv(name, value)
    options = FasterWhisperOptions.read()
    assert (options.stt_model_size, options.stt_device) == (str(tiny_whisper), "cpu")
    assert (options.stt_compute_type, options.stt_beam_size, options.stt_best_of) == ("int8", 2, 3)
    assert (options.temperatures, options.stt_vad_filter, options.stt_num_workers) == ((0.5,), True, 2)
    assert (options.stt_cpu_threads, options.stt_batch_size, options.stt_batch_max_wait_ms) == (1, 4, 5)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stt_device", "gpu", "STT_DEVICE=gpu"),
        ("stt_device", "cuda:99", r"STT_DEVICE=cuda:99 is not there: CTranslate2 sees .*GPU"),
        ("stt_compute_type", "int4", r"STT_COMPUTE_TYPE=int4 does not run on .*auto, default, .*float32"),
        ("stt_temperature", "warm", "STT_TEMPERATURE=warm .*0 to 1"),
        ("stt_temperature", "0,1.5", "STT_TEMPERATURE=0,1.5 .*0 to 1"),
        ("stt_temperature", "nan", "STT_TEMPERATURE=nan .*0 to 1"),
        ("stt_beam_size", "0", "STT_BEAM_SIZE=0"),
        ("stt_languages", "en,klingon", "STT_LANGUAGES=en,klingon .*klingon"),
        ("stt_languages", "en,ltg", "STT_LANGUAGES=en,ltg .*Latgalian"),
    ],
)
def test_wrong_option_is_named_with_what_is_allowed(
    build: Build, option: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        build(**{option: value})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"stt_best_of": 5}, "STT_BEST_OF has no effect"),
        ({"stt_beam_size": 5, "stt_temperature": "0.2"}, "STT_BEAM_SIZE has no effect"),
        ({"stt_batch_max_wait_ms": 50}, "STT_BATCH_MAX_WAIT_MS has no effect"),
        ({"stt_num_workers": 2, "stt_batch_size": 2}, "STT_NUM_WORKERS has no effect"),
    ],
)
def test_option_without_effect_is_pointed_out_once(build: Build, options: dict[str, Any], word: str) -> None:
    with capture_logs() as logs:
        provider = build(**options)
        provider.transcribe(Speech(spoken(PHRASE), "en"))
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 1 and warnings[0].startswith(word)


def test_plain_options_warn_of_nothing(build: Build) -> None:
    with capture_logs() as logs:
        build(stt_beam_size=5, stt_temperature="0,0.4", stt_best_of=2)
    assert [entry for entry in logs if entry["log_level"] == "warning"] == []


def test_unknown_model_is_refused_with_the_command_that_fetches_it(build: Build) -> None:
    with pytest.raises(ProviderMissing, match="models pull whisper large-v3"):
        build(stt_model_size="large-v3")


@pytest.mark.parametrize("file", ["tokenizer.json", "model.bin", "config.json"])
def test_folder_that_lacks_a_file_is_refused_before_the_hub_is_asked(
    build: Build, tiny_whisper: Path, tmp_path: Path, file: str
) -> None:
    folder = shutil.copytree(tiny_whisper, tmp_path / "model")
    (folder / file).unlink()
    with pytest.raises(ProviderMissing, match=f"lacks {file}") as raised:
        build(stt_model_size=str(folder))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.bin", "no model", "cannot be loaded as a Whisper model"),
        ("tokenizer.json", "{}", "cannot be loaded as a Whisper model"),
        ("config.json", "{}", "lists no lang_ids"),
        ("preprocessor_config.json", json.dumps({"feature_size": 128}), "80 mel bands, .* with 128"),
    ],
)
def test_broken_model_says_what_is_wrong_with_it(
    build: Build, tiny_whisper: Path, tmp_path: Path, file: str, content: str, message: str
) -> None:
    folder = shutil.copytree(tiny_whisper, tmp_path / "model")
    (folder / file).write_text(content)
    with pytest.raises(ProviderMissing, match=message) as raised:
        build(stt_model_size=str(folder))
    assert raised.value.hint


def test_loaded_model_is_named_until_it_is_closed(build: Build, tiny_whisper: Path) -> None:
    provider = build()
    assert provider.resident() == (str(tiny_whisper),)


def test_model_of_the_models_folder_is_found_by_its_name(
    build: Build, tiny_whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_whisper, tmp_path / "models" / "whisper" / "somebody--whisper-x")
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    provider = build(stt_model_size="somebody/whisper-x")
    assert provider.transcribe(Speech(spoken(PHRASE), "en")).text == PHRASE
    assert provider.resident() == ("somebody/whisper-x",)


def test_english_only_model_refuses_another_language(build: Build, tmp_path: Path) -> None:
    provider = build(stt_model_size=str(english_only(tmp_path / "base.en")))
    assert not provider.detects
    assert {tag.partition("-")[0] for tag in provider.languages()} == {"en"}
    with pytest.raises(LanguageError, match=r"base\.en knows English only, so not es") as raised:
        provider.transcribe(Speech(spoken(PHRASE), "es"))
    assert "without .en" in raised.value.hint


def test_english_only_model_is_told_no_language(build: Build, tmp_path: Path) -> None:
    provider = build(stt_model_size=str(english_only(tmp_path / "base.en")), stt_log_prob_threshold=-100)
    engine = recorded(provider)
    assert provider.transcribe(Speech(spoken(PHRASE))).language in ("en", "und")
    with provider._lease() as whisper:
        tokens = map(whisper.model.hf_tokenizer.id_to_token, engine.generated[0]["prompts"][0])
    assert list(tokens) == ["<|startoftranscript|>", "<|notimestamps|>"]


def test_english_only_model_takes_no_other_language_to_detect(build: Build, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"STT_LANGUAGES=en,es .*English only"):
        build(stt_model_size=str(english_only(tmp_path / "base.en")), stt_languages="en,es")

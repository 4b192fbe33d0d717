"""The set times, and results that tests can tell apart."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bridge.errors import SettingsError
from bridge.providers.simulated import (
    Clock,
    SimulatedOptions,
    SimulatedSynthesizer,
    SimulatedTranscriber,
    SimulatedTranslator,
)
from bridge.text import sentences
from bridge.types import Audio, Phrase, Speech, Utterance


def options(monkeypatch: pytest.MonkeyPatch, **variables: object) -> SimulatedOptions:
    for name, value in variables.items():
        monkeypatch.setenv(f"SIMULATED_{name}", str(value))
    return SimulatedOptions.read()


def test_list_of_times_is_gone_through_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    read = options(monkeypatch, STT_MS="900, 50,0.5")
    clock = Clock(read.simulated_stt_ms, read)
    assert [clock.next_ms() for _ in range(4)] == [900, 50, 0.5, 900]


def test_jitter_stays_in_its_share_and_follows_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    read = options(monkeypatch, TTS_MS=100, JITTER=0.2)
    times = [Clock(read.simulated_tts_ms, read).next_ms() for _ in range(2)]
    clock = Clock(read.simulated_tts_ms, read)
    row = [clock.next_ms() for _ in range(200)]
    assert times == [row[0]] * 2
    assert 80 <= min(row) < 85 and 115 < max(row) <= 120
    assert abs(sum(row) / len(row) - 100) < 3
    other = options(monkeypatch, SEED=1)
    assert Clock(other.simulated_tts_ms, other).next_ms() != row[0]


def test_least_effort_takes_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read = options(monkeypatch, STT_MS=100, QUICK_PERCENT=40)
    clock = Clock(read.simulated_stt_ms, read)
    assert (clock.next_ms(), clock.next_ms(quick=True)) == (100, 40)


@pytest.mark.serial
def test_each_stage_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read = options(monkeypatch, STT_MS=30, TRANSLATION_MS=50, TTS_MS=70)
    start = time.monotonic()
    SimulatedTranscriber(read).transcribe(Speech(Audio(b"\1\0", 16_000), "en"))
    heard = time.monotonic()
    SimulatedTranslator(read).translate(Phrase("x", "en", "es"))
    translated = time.monotonic()
    next(SimulatedSynthesizer(read).synthesize(Utterance("x", "es")))
    spoken = time.monotonic()
    for took, ms in ((heard - start, 30), (translated - heard, 50), (spoken - translated, 70)):
        assert ms / 1000 <= took < ms / 1000 + 0.1


def test_a_text_has_as_many_sentences_as_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    read = options(monkeypatch, STT_MS=0, STT_SENTENCES=3, TRANSLATION_MS=0)
    text = SimulatedTranscriber(read).transcribe(Speech(Audio(b"\1\0" * 160, 16_000), "en")).text
    translated = SimulatedTranslator(read).translate(Phrase(text, "en", "es")).text

    assert len(sentences(text, "en")) == len(sentences(translated, "es")) == 3
    assert translated == " ".join(f"[es] {sentence}" for sentence in sentences(text, "en"))


@pytest.mark.serial
def test_each_sentence_takes_the_time_of_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimulatedTranslator(options(monkeypatch, TRANSLATION_MS=20))
    start = time.monotonic()
    engine.translate(Phrase("One! Two! Three!", "en", "es"))

    assert 0.06 <= time.monotonic() - start < 0.16


def test_later_segment_can_finish_first(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimulatedTranscriber(options(monkeypatch, STT_MS="300,10"))
    speeches = [Speech(Audio(bytes([number, 0]) * 160, 16_000)) for number in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(engine.transcribe, speeches[0])
        time.sleep(0.05)
        quick = pool.submit(engine.transcribe, speeches[1])
        assert next(as_completed([slow, quick])) is quick


def test_transcript_says_that_it_is_simulated_and_tells_segments_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = SimulatedTranscriber(options(monkeypatch, STT_MS=0))
    first, second, again = (
        engine.transcribe(Speech(Audio(pcm * 1_600, 16_000))) for pcm in (b"\1\0", b"\2\0", b"\1\0")
    )
    assert first == again != second
    assert first.text.startswith("simulated ") and first.text.endswith(" of 100 ms")
    assert first.language == "en" and engine.detects
    assert engine.transcribe(Speech(Audio(b"\1\0", 16_000), "fr")).language == "fr"


def test_one_of_two_languages_is_found_as_the_list_says_and_doubt_stays_with_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = SimulatedTranscriber(options(monkeypatch, STT_MS=0, STT_LANGUAGES="es, en:0.6,en,fr"))
    speech = Speech(Audio(b"\1\0", 16_000), among=("en", "es"))

    assert engine.transcribe(replace(speech, among=())).language == "en"
    found = [engine.transcribe(replace(speech, prior=prior)).language for prior in (None, "es", "es", "en")]
    assert found == ["es", "es", "en", "en"]
    assert engine.transcribe(replace(speech, prior="en")).language == "es"


def test_translation_is_marked_with_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimulatedTranslator(options(monkeypatch, TRANSLATION_MS=0))
    assert engine.translate(Phrase("good day", "en", "ca")).text == "[ca] good day"


def test_tone_has_the_set_length_and_a_pitch_of_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimulatedSynthesizer(options(monkeypatch, TTS_MS=0, TTS_AUDIO_MS=950))
    peaks = []
    for text in ("one", "two", "one"):
        pieces = list(engine.synthesize(Utterance(text, "es")))
        assert [piece.ms for piece in pieces] == [100] * 9 + [50]
        tone = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2").astype(float)
        spectrum = np.abs(np.fft.rfft(tone))
        assert (spectrum.max() ** 2) > 0.4 * (spectrum**2).sum()
        peaks.append(int(np.argmax(spectrum)) / 0.95)
    assert peaks[0] == peaks[2] != peaks[1]
    assert all(199 <= peak <= 1_201 for peak in peaks)


@pytest.mark.parametrize(
    ("name", "value"),
    [("STT_MS", "fast"), ("STT_MS", "-1"), ("TTS_MS", "1,,2"), ("TRANSLATION_MS", "nan"), ("JITTER", "2")]
    + [("STT_LANGUAGES", value) for value in ("xx", "en,", "en:2", "en:maybe")],
)
def test_bad_value_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=f"SIMULATED_{name}"):
        options(monkeypatch, **{name: value})


def test_hypotheses_grow_by_words_with_the_speech_and_leave_the_times_of_finals_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = SimulatedTranscriber(options(monkeypatch, STT_MS=0))
    pcm = np.arange(16_000 * 3).astype("<u2").tobytes()
    found = [engine.hear(Speech(Audio(pcm[: ms * 32], 16_000), "en")) for ms in (200, 1_000, 1_500, 3_000)]
    assert [len(heard.text.split()) for heard in found] == [0, 3, 5, 10]
    for heard, more in pairwise(found):
        assert more.text.startswith(heard.text)
    assert found[3].marks[-2:] == (len(found[3].text), 3_000)
    assert found[3].text.split()[7].endswith(",")

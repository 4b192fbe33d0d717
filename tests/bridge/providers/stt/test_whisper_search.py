"""How the text of a segment is looked for, and which text is not believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from structlog.testing import capture_logs

from bridge.types import SPEECH_RATE, Speech
from tests.bridge.providers.stt.recorded import (
    ENGLISH_VOICE,
    PHRASE,
    Build,
    audio,
    endless,
    held,
    recorded,
    spoken,
)
from tests.models.speech import say
from tests.stack import wait_until

pytestmark = pytest.mark.provider


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


def test_least_effort_takes_the_first_text_of_one_hypothesis(build: Build) -> None:
    provider = build(stt_beam_size=3, stt_temperature="0, 0.4", stt_log_prob_threshold=0.0)
    engine = recorded(provider)
    provider.transcribe(Speech(spoken(PHRASE), "en", quick=True))
    (call,) = engine.generated
    assert call["beam_size"] == 1 and "sampling_temperature" not in call


def test_retry_after_a_batch_encodes_its_own_window_only(build: Build) -> None:
    provider = build(
        stt_batch_size=2,
        stt_temperature="0,0.2",
        stt_log_prob_threshold=0.0,
        stt_no_speech_threshold=1.0,
    )
    engine = held(provider)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(provider.transcribe, Speech(spoken(PHRASE), "en"))]
        assert engine.entered.wait(10)
        found += [pool.submit(provider.transcribe, Speech(spoken(PHRASE), "en")) for _ in range(2)]
        wait_until(lambda: provider._batcher.waiting == 2, 10, "the others wait")
        engine.free.set()
    assert [each.result().text for each in found] == [PHRASE] * 3
    assert sorted(shape[0] for shape in engine.encoded) == [1, 1, 1, 2]


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

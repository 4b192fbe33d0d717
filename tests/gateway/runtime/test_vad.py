"""The real model, alone and with the segmenter, on real speech and on what is none."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from bridge.errors import AudioError, ProviderMissing
from bridge.settings import Settings
from gateway.core.cuts import Cut
from gateway.core.segmenter import Segmenter
from gateway.core.terms import SegmenterConfig
from gateway.runtime.vad import WINDOW, WINDOW_BYTES, Model
from tests.gateway.runtime.sound import (
    CLIPS,
    NO_SPEECH,
    RATE,
    SPEECH,
    clip,
    mixed,
    noise,
    pcm,
    probabilities,
    silence,
    windows,
)

PUBLISHED = SPEECH.parent / "silero_vad_16k_op15.onnx"


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests change nothing here."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def cuts(model: Model, audio: bytes, **settings: float) -> list[Cut]:
    """What the segmenter makes of the audio, given in frames of 20 ms."""
    config = SegmenterConfig.of(Settings.read(**{"clause_ms": 0} | settings))
    segmenter = Segmenter(config, model.stream().feed)
    reports = [report for at in range(0, len(audio), 640) for report in segmenter.feed(audio[at : at + 640])]
    return [report for report in reports + segmenter.flush() if isinstance(report, Cut)]


# --- the model ---


@pytest.mark.parametrize("name", CLIPS)
def test_speech_is_found_in_every_clip(model: Model, name: str) -> None:
    found = probabilities(model, clip(name))
    assert max(found) > 0.95
    assert sum(p > 0.5 for p in found) / len(found) > 0.4


@pytest.mark.parametrize("name", NO_SPEECH)
def test_no_speech_is_found_where_there_is_none(model: Model, name: str) -> None:
    assert max(probabilities(model, NO_SPEECH[name])) < 0.35


def test_probability_lies_between_0_and_1(model: Model) -> None:
    assert all(0 <= p <= 1 for p in probabilities(model, clip("sense_0880")))


def test_stream_is_deterministic(model: Model) -> None:
    audio = clip("go_forward")
    assert probabilities(model, audio) == probabilities(model, audio)


def test_stream_remembers_what_it_heard(model: Model) -> None:
    audio = windows(clip("sense_0880"))[40]
    fresh, used = model.stream(), model.stream()
    for window in windows(clip("sense_0880"))[:40]:
        used.feed(window)
    assert abs(fresh.feed(audio) - used.feed(audio)) > 0.01


def test_streams_of_one_model_do_not_hear_each_other(model: Model) -> None:
    audio = clip("sense_0880")
    alone = probabilities(model, audio)
    stream, other = model.stream(), model.stream()
    beside = []
    for window, disturbance in zip(windows(audio), windows(noise(9, 0.3)), strict=False):
        beside.append(stream.feed(window))
        other.feed(disturbance)
    assert beside == alone


def test_streams_may_run_in_several_threads(model: Model) -> None:
    alone = [probabilities(model, clip(name)) for name in CLIPS]
    found: dict[int, list[float]] = {}

    def work(index: int, name: str) -> None:
        found[index] = probabilities(model, clip(name))

    threads = [threading.Thread(target=work, args=item) for item in enumerate(CLIPS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(len(CLIPS))] == alone


@pytest.mark.parametrize("size", [0, 640, WINDOW * 2 - 2, WINDOW * 2 + 2])
def test_window_of_another_size_is_refused(model: Model, size: int) -> None:
    with pytest.raises(AudioError, match=f"{size} bytes"):
        model.stream().feed(bytes(size))


def test_refused_window_leaves_the_stream_as_it_was(model: Model) -> None:
    audio = windows(clip("sense_0880"))[:30]
    stream = model.stream()
    found = []
    for window in audio:
        with pytest.raises(AudioError):
            stream.feed(window[:-2])
        found.append(stream.feed(window))
    assert found == probabilities(model, b"".join(audio))


def test_missing_model_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProviderMissing, match=r"nowhere\.onnx is missing.*install"):
        Model(tmp_path / "nowhere.onnx")


def test_damaged_model_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(ProviderMissing, match=r"damaged\.onnx cannot be loaded.*install"):
        Model(path)


def test_streams_judged_together_get_the_probabilities_that_each_gets_alone(model: Model) -> None:
    whole = [clip(name)[at:] for name in CLIPS for at in (0, 12_000)] + list(NO_SPEECH.values())
    sources = [audio[: 40 * WINDOW_BYTES] for audio in whole]
    alone = [probabilities(model, audio) for audio in sources]
    streams = [model.stream() for _ in sources]
    together: list[list[float]] = [[] for _ in sources]
    for step in range(40):
        # Not always the same ones beside each other: a stream has what it needs with it.
        taken = [at for at in range(len(sources)) if step < len(alone[at]) and (step + at) % 3]
        for some in (taken, [at for at in range(len(sources)) if step < len(alone[at]) and at not in taken]):
            given = [windows(sources[at])[step] for at in some]
            for at, found in zip(some, model.judge([streams[at] for at in some], given), strict=True):
                together[at].append(found)
    for one, other in zip(alone, together, strict=True):
        assert np.abs(np.array(one) - np.array(other)).max() < 1e-4


# --- the model and the segmenter ---


@pytest.mark.parametrize("name", CLIPS)
def test_each_sentence_is_one_segment(model: Model, name: str) -> None:
    audio = silence(1) + clip(name) + silence(1.5)
    (cut,) = cuts(model, audio)
    assert cut.reason == "silence"
    assert cut.pcm == audio[cut.start * 2 : cut.end * 2]
    assert cut.end - cut.start > 0.5 * len(clip(name)) / 2


@pytest.mark.parametrize("name", NO_SPEECH)
def test_no_segment_comes_of_what_is_no_speech(model: Model, name: str) -> None:
    assert cuts(model, NO_SPEECH[name], vad_aggressiveness=0) == []


@pytest.mark.parametrize("name", CLIPS)
def test_speech_after_silence_keeps_its_first_phoneme(model: Model, name: str) -> None:
    """The segment begins before the first sound of the clip, or nothing but its hiss comes before."""
    audio = clip(name)
    level = np.abs(np.frombuffer(audio, "<i2").astype(int))
    lead = 2 * RATE
    (cut,) = cuts(model, silence(2) + audio + silence(1.5))
    before = level[: max(0, cut.start - lead)]
    spoken = level[max(0, cut.start - lead) : cut.end - lead]
    assert before.max(initial=0) < 0.1 * spoken.max()
    assert level[max(0, cut.end - lead) :].max(initial=0) < 0.1 * spoken.max()


def test_pre_roll_is_what_keeps_the_first_phoneme(model: Model) -> None:
    audio = silence(2) + clip("sense_0880") + silence(1)
    (with_it,) = cuts(model, audio, vad_padding_ms=300)
    (without,) = cuts(model, audio, vad_padding_ms=0)
    assert without.start - with_it.start == round(0.3 * RATE)


def test_sentences_with_pauses_between_are_one_segment_each(model: Model) -> None:
    audio = b"".join(silence(1) + clip(name) for name in CLIPS) + silence(1)
    found = cuts(model, audio)
    assert [cut.segment for cut in found] == list(range(len(CLIPS)))
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))


def test_longer_silence_joins_sentences(model: Model) -> None:
    audio = b"".join(clip(name) + silence(0.5) for name in CLIPS) + silence(2)
    number = [
        len(cuts(model, audio, vad_min_silence_ms=ms, vad_max_segment_ms=15_000)) for ms in (200, 500, 2_000)
    ]
    assert number == sorted(number, reverse=True)
    assert number[0] > number[-1] == 2  # all in 15 s, and the rest


def test_long_talk_is_cut_where_nobody_speaks(model: Model) -> None:
    audio = clip("sense_0870") + clip("sense_0890") + clip("sense_0880") + silence(1)
    whole = cuts(model, audio, vad_min_silence_ms=2_000, vad_max_segment_ms=30_000)
    parts = cuts(model, audio, vad_min_silence_ms=2_000, vad_max_segment_ms=5_000)
    assert len(whole) == 1 and len(parts) > 2
    assert b"".join(part.pcm for part in parts) == whole[0].pcm
    loudness = float(np.square(np.frombuffer(audio, "<i2").astype(float)).mean())
    for part in parts[:-1]:
        around = np.frombuffer(audio[(part.end - 800) * 2 : (part.end + 800) * 2], "<i2").astype(float)
        assert np.square(around).mean() < 0.1 * loudness


def test_talk_without_a_pause_is_cut_clause_by_clause_from_as_long_as_the_variable_says(model: Model) -> None:
    audio = clip("sense_0870") + clip("sense_0920") + silence(1)
    longest = [
        max((cut.end - cut.start) * 1000 / RATE for cut in cuts(model, audio, clause_ms=ms))
        for ms in (2_000, 4_000, 0)
    ]
    assert longest[0] <= 3_050 < longest[1] <= 6_050 < longest[2]


def test_higher_aggressiveness_finds_less_speech_in_noise(model: Model) -> None:
    speech = b"".join(clip(name) + silence(1) for name in CLIPS)
    audio = mixed(speech, noise(len(speech) / 2 / RATE, 0.05))
    found = [
        sum(cut.end - cut.start for cut in cuts(model, audio, vad_aggressiveness=level, vad_padding_ms=0))
        for level in range(4)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[3] > 0


@pytest.fixture(scope="module")
def published() -> Callable[[bytes], list[float]]:
    """The reference: the network as Silero publishes it, given context and state by hand."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    network = onnxruntime.InferenceSession(str(PUBLISHED), options, providers=["CPUExecutionProvider"])

    def judge(audio: bytes) -> list[float]:
        state: Any = np.zeros((2, 1, 128), np.float32)
        context: Any = np.zeros(64, np.float32)
        found = []
        for window in windows(audio):
            samples = np.frombuffer(window, "<i2").astype(np.float32) / 32_768
            given = {
                "input": np.concatenate((context, samples))[None],
                "state": state,
                "sr": np.array(16_000),
            }
            expected, state = network.run(None, given)
            context = samples[-64:]
            found.append(float(expected[0, 0]))
        return found

    return judge


HEARD = {name: clip(name) for name in CLIPS} | NO_SPEECH
HEARD["noisy"] = mixed(b"".join(clip(name) + silence(0.3) for name in CLIPS), noise(30, 0.02))
HEARD["quiet"] = pcm(np.frombuffer(clip("sense_0870"), "<i2") / 32_768 / 100)


@pytest.mark.parametrize("name", HEARD)
def test_every_window_is_judged_as_the_published_network_judges_it(
    model: Model, published: Callable[[bytes], list[float]], name: str
) -> None:
    ours, theirs = np.array(probabilities(model, HEARD[name])), np.array(published(HEARD[name]))
    assert np.abs(ours - theirs).max() < 1e-4
    for threshold in (0.2, 0.35, 0.5, 0.65, 0.8):
        assert ((ours >= threshold) == (theirs >= threshold)).all()

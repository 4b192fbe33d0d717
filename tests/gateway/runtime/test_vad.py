"""The real model, alone and with the segmenter, on real speech and on what is none."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
import wave
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from bridge.errors import AudioError, ProviderMissing
from bridge.settings import Settings
from gateway.core.segmenter import Cut, Segmenter
from gateway.core.terms import SegmenterConfig
from gateway.runtime.vad import BATCH, WINDOW, WINDOW_BYTES, Judge, Model, Stream

SPEECH = Path(__file__).parent.parent.parent / "data" / "speech"
CLIPS = ("go_forward", "go_somewhere", "sense_0870", "sense_0880", "sense_0890")
RATE = 16_000


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests change nothing here."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def clip(name: str) -> bytes:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return bytes(file.readframes(file.getnframes()))


def pcm(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    return np.clip(samples * 32_768, -32_768, 32_767).astype("<i2").tobytes()


def noise(seconds: float, level: float) -> bytes:
    return pcm(np.random.default_rng(0).normal(0, level, round(seconds * RATE)))


def mixed(one: bytes, other: bytes) -> bytes:
    size = min(len(one), len(other))
    total = np.frombuffer(one[:size], "<i2").astype(int) + np.frombuffer(other[:size], "<i2")
    return bytes(np.clip(total, -32_768, 32_767).astype("<i2"))


def windows(audio: bytes) -> list[bytes]:
    size = WINDOW * 2
    return [audio[at : at + size] for at in range(0, len(audio) - size + 1, size)]


def probabilities(model: Model, audio: bytes) -> list[float]:
    stream = model.stream()
    return [stream.feed(window) for window in windows(audio)]


def cuts(model: Model, audio: bytes, **settings: float) -> list[Cut]:
    """What the segmenter makes of the audio, given in frames of 20 ms."""
    config = SegmenterConfig.of(Settings.read(**settings))
    segmenter = Segmenter(config, model.stream().feed)
    reports = [report for at in range(0, len(audio), 640) for report in segmenter.feed(audio[at : at + 640])]
    return [report for report in reports + segmenter.flush() if isinstance(report, Cut)]


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


NO_SPEECH = {
    "silence": silence(3),
    "quiet_noise": noise(3, 0.003),
    "white_noise": noise(3, 0.03),
    "loud_noise": noise(3, 0.3),
    "tone": pcm(0.3 * np.sin(2 * math.pi * 440 / RATE * np.arange(3 * RATE))),
    "hum": pcm(0.1 * np.sin(2 * math.pi * 50 / RATE * np.arange(3 * RATE))),
    "clicks": pcm((np.arange(3 * RATE) % 8_000 == 0) * 0.9),
}


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


# --- the thread that judges for all sessions ---


class Counting(Model):
    """The real one, and how many windows each of its runs judged."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []
        self.judged: list[list[Stream]] = []
        self.failing = 0
        self.gate = threading.Event()
        self.gate.set()

    def judge(self, streams: Sequence[Stream], windows: Sequence[bytes]) -> list[float]:
        self.gate.wait(5)
        self.runs.append(len(streams))
        self.judged.append(list(streams))
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the network failed")
        return super().judge(streams, windows)


class Answers:
    """What the judge found, by the name of the session, and at which run."""

    def __init__(self, judge: Judge, model: Counting) -> None:
        self.judge = judge
        self.model = model
        self.found: dict[str, tuple[float, ...]] = {}
        self.at: dict[str, int] = {}

    def ask(self, name: str, audio: bytes, stream: Stream | None = None) -> None:
        def done(found: tuple[float, ...]) -> None:
            self.found[name] = found
            self.at[name] = len(self.model.runs)

        self.judge.submit(stream or self.judge.stream(), audio, done)

    async def all(self, number: int) -> None:
        end = time.monotonic() + 10
        while len(self.found) < number:
            assert time.monotonic() < end
            await asyncio.sleep(0.002)


def judged(scene: Callable[[Answers], Awaitable[None]]) -> None:
    async def run() -> None:
        model = Counting()
        judge = Judge(model)
        try:
            await scene(Answers(judge, model))
        finally:
            model.gate.set()
            judge.close()

    asyncio.run(run())


def test_each_session_gets_its_own_probabilities_in_order(model: Model) -> None:
    async def scene(it: Answers) -> None:
        for name in CLIPS:
            it.ask(name, b"".join(windows(clip(name))))
        await it.all(len(CLIPS))
        for name in CLIPS:
            assert np.abs(np.array(it.found[name]) - np.array(probabilities(model, clip(name)))).max() < 1e-4

    judged(scene)


def test_a_stream_goes_on_where_its_last_request_ended(model: Model) -> None:
    async def scene(it: Answers) -> None:
        audio, stream = windows(clip("sense_0880")), it.judge.stream()
        it.ask("first", b"".join(audio[:7]), stream)
        await it.all(1)
        it.ask("second", b"".join(audio[7:40]), stream)
        await it.all(2)
        whole = np.array(probabilities(model, clip("sense_0880"))[:40])
        assert np.abs(np.array(it.found["first"] + it.found["second"]) - whole).max() < 1e-4

    judged(scene)


def test_what_waits_is_judged_together_in_batches_of_a_bounded_size() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(BATCH + 40):
            it.ask(str(number), bytes(WINDOW_BYTES))
        it.model.gate.set()
        await it.all(BATCH + 40)
        assert max(it.model.runs) <= BATCH
        assert sum(it.model.runs) == BATCH + 40
        assert len(it.model.runs) <= 4

    judged(scene)


def test_a_session_with_many_windows_does_not_delay_the_single_one_of_another() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(3):
            it.ask(f"file{number}", bytes(WINDOW_BYTES * 200))
        speaker = it.judge.stream()
        it.ask("speaker", bytes(WINDOW_BYTES), speaker)
        it.model.gate.set()
        await it.all(4)
        assert next(at for at, streams in enumerate(it.model.judged) if speaker in streams) <= 2
        assert len(it.found["file0"]) == 200

    judged(scene)


def test_with_more_sessions_than_a_batch_holds_everyone_has_his_turn() -> None:
    async def scene(it: Answers) -> None:
        it.model.gate.clear()
        for number in range(BATCH):
            it.ask(f"file{number}", bytes(WINDOW_BYTES * 20))
        for number in range(10):
            it.ask(f"speaker{number}", bytes(WINDOW_BYTES))
        it.model.gate.set()
        await it.all(BATCH + 10)
        speakers = [it.at[name] for name in it.at if name.startswith("speaker")]
        files = [it.at[name] for name in it.at if name.startswith("file")]
        assert max(speakers) < min(files)

    judged(scene)


def test_an_error_of_the_network_counts_as_silence_and_the_next_window_is_judged() -> None:
    async def scene(it: Answers) -> None:
        it.model.failing = 1
        loud = windows(clip("go_forward"))[30]
        with capture_logs() as logs:
            it.ask("unlucky", loud)
            await it.all(1)
        assert it.found["unlucky"] == (0.0,)
        assert [line["log_level"] for line in logs] == ["error"]
        it.ask("next", loud)
        await it.all(2)
        assert it.found["next"][0] > 0

    judged(scene)


def test_the_thread_ends_with_its_gateway() -> None:
    async def scene(it: Answers) -> None:
        it.ask("one", bytes(WINDOW_BYTES))
        await it.all(1)

    judged(scene)
    assert not any(thread.name == "vad" and thread.is_alive() for thread in threading.enumerate())


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


def test_higher_aggressiveness_finds_less_speech_in_noise(model: Model) -> None:
    speech = b"".join(clip(name) + silence(1) for name in CLIPS)
    audio = mixed(speech, noise(len(speech) / 2 / RATE, 0.05))
    found = [
        sum(cut.end - cut.start for cut in cuts(model, audio, vad_aggressiveness=level, vad_padding_ms=0))
        for level in range(4)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[3] > 0

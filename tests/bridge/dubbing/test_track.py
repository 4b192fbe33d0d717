"""The spoken translation lies where what it translates was said, or as little later as it can."""

from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.dubbing import Line, dubbed
from bridge.dubbing.tempo import FASTEST, PAUSE_S, shortened
from bridge.types import Audio

RATE = 8_000


def voice(seconds: float, pitch: float = 200) -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    samples = 8_000 * np.sin(2 * np.pi * pitch * time) + 4_000 * np.sin(4 * np.pi * pitch * time)
    return bytes(samples.astype("<i2"))


def speech(seconds: float) -> Audio:
    return Audio(voice(seconds), RATE)


def pitch(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[np.argmax(np.abs(np.fft.rfft(samples)))])


def test_speech_that_fits_begins_with_what_it_translates_and_is_untouched() -> None:
    track = dubbed([Line(200, speech(1)), Line(2_000, speech(0.5))])
    assert track is not None
    assert [(piece.at, piece.pcm) for piece in track.placed] == [(1_600, voice(1)), (16_000, voice(0.5))]
    assert (track.lag_ms, track.speed, track.ms) == (0, 1, 2_500)
    assert b"".join(track.blocks()) == bytes(3_200) + voice(1) + bytes(12_800) + voice(0.5)


def test_a_sentence_may_be_a_second_late_before_the_one_in_front_is_made_faster() -> None:
    track = dubbed([Line(0, speech(3)), Line(2_000, speech(1))])
    assert track is not None
    assert (track.lag_ms, track.speed) == (1_000, 1)
    track = dubbed([Line(0, speech(3.5)), Line(2_000, speech(1))])
    assert track is not None
    assert 980 < track.lag_ms < 1_020
    assert 1.15 < track.speed < 1.18


def test_long_speech_that_is_a_fifth_too_long_is_never_much_more_than_a_second_late() -> None:
    said = speech(6)
    track = dubbed([Line(5_000 * n, said) for n in range(80)], 400_000)
    assert track is not None
    assert 900 < track.lag_ms < 1_100
    assert track.speed < FASTEST + 0.01
    assert track.ms < 401_020


def test_what_is_far_too_long_is_spoken_at_most_a_quarter_faster_and_the_lag_is_told() -> None:
    track = dubbed([Line(2_000 * n, speech(4)) for n in range(10)])
    assert track is not None
    assert abs(track.speed - FASTEST) < 0.01
    assert abs(track.lag_ms - 9 * (4 / FASTEST - 2) * 1_000) < 100
    assert all(one.end == two.at for one, two in pairwise(track.placed))


def test_pauses_of_the_recording_are_used_to_catch_up() -> None:
    track = dubbed([Line(0, speech(4)), Line(2_000, speech(2)), Line(10_000, speech(1))])
    assert track is not None
    assert track.placed[2].at == 10_000 * RATE // 1000


def test_pauses_in_the_speech_are_shortened_before_it_is_made_faster() -> None:
    said = voice(1) + bytes(RATE * 2) + voice(1) + bytes(RATE) + voice(1)
    assert shortened(Audio(said, RATE), round(4.5 * RATE)).samples == 4.0 * RATE + 0.5 * RATE
    calm = shortened(Audio(said, RATE), round(3.3 * RATE))
    assert abs(calm.samples - 3.3 * RATE) <= 2
    assert calm.pcm.replace(b"\0\0", b"") == said.replace(b"\0\0", b"")
    quick = shortened(Audio(said, RATE), RATE)
    assert abs(quick.samples - (3 + 2 * PAUSE_S) * RATE / FASTEST) < 0.02 * RATE


def test_faster_speech_has_the_same_pitch_and_loses_neither_end() -> None:
    quick = shortened(speech(4), round(3.3 * RATE))
    assert abs(quick.samples - 3.3 * RATE) < 0.01 * RATE
    assert abs(pitch(quick.pcm) - 200) < 2
    samples = np.frombuffer(quick.pcm, "<i2").astype(int)
    assert abs(np.diff(samples)).max() < 1.1 * abs(np.diff(np.frombuffer(voice(4), "<i2").astype(int))).max()


def test_the_last_sentence_ends_a_second_after_the_recording_at_most_if_it_can() -> None:
    track = dubbed([Line(1_000, speech(3.4))], 3_000)
    assert track is not None
    assert abs(track.ms - 4_000) < 20


def test_nothing_said_is_no_track() -> None:
    assert dubbed([]) is None


def test_silence_that_is_too_long_is_no_error() -> None:
    track = dubbed([Line(0, Audio(bytes(8 * RATE), RATE)), Line(500, Audio(b"", RATE)), Line(600, speech(1))])
    assert track is not None
    assert track.placed[0].end == round(1.5 * RATE)


def test_a_track_is_written_as_wav(tmp_path: Path) -> None:
    track = dubbed([Line(20_000, speech(0.5))])
    assert track is not None
    track.write_wav(tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav"), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.readframes(file.getnframes()) == bytes(40_000 * 8) + voice(0.5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 2_000)), min_size=1, max_size=8))
def test_speech_is_in_order_never_before_its_time_and_never_at_once(gaps: list[tuple[int, int]]) -> None:
    lines, at = [], 0
    for gap, length in gaps:
        at += gap
        lines.append(Line(at, speech(length / 1000)))
    track = dubbed(lines, at + 2_000)
    assert track is not None
    for line, piece in zip(lines, track.placed, strict=True):
        assert piece.at >= int(line.start_ms * RATE / 1000)
        assert len(piece.pcm) // 2 >= line.audio.samples / FASTEST - 0.02 * RATE
    assert all(one.end <= two.at for one, two in pairwise(track.placed))

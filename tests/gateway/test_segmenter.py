"""The rules of segmentation, each with a scripted judge of speech; no model, no clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import AudioError, SettingsError
from bridge.settings import Settings
from gateway.segmenter import (
    WINDOW,
    Cut,
    Report,
    Segmenter,
    SegmenterConfig,
    Started,
    Stopped,
    quietest,
)

MS = 16
"""Samples per millisecond."""

WINDOW_MS = 32

CONFIG = SegmenterConfig(
    threshold=0.5, min_speech_ms=128, min_silence_ms=320, padding_ms=96, max_segment_ms=4_000
)
"""All but the longest segment are whole windows: 4, 10 and 3 of them."""


class Scripted:
    """Says what the script has for each window, then silence; keeps the windows it was asked for."""

    def __init__(self, script: Iterable[float]) -> None:
        self.script = iter(script)
        self.windows: list[bytes] = []

    def __call__(self, window: bytes) -> float:
        self.windows.append(window)
        return next(self.script, 0.0)


def script(*parts: tuple[int, float]) -> list[float]:
    """(windows, probability) pairs, one after the other."""
    return [probability for windows, probability in parts for _ in range(windows)]


def numbered(samples: int) -> bytes:
    """Audio whose every sample tells its own position (modulo 2**16)."""
    return np.arange(samples).astype("<u2").tobytes()


def noise(samples: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(-3_000, 3_000, samples).astype("<i2").tobytes()


def segmenter(probabilities: Sequence[float], **changes: Any) -> Segmenter:
    return Segmenter(replace(CONFIG, **changes), Scripted(probabilities))


def run(probabilities: Sequence[float], **changes: Any) -> list[Report]:
    """All that comes of one window of numbered audio per probability, flush included."""
    made = segmenter(probabilities, **changes)
    return made.feed(numbered(len(probabilities) * WINDOW)) + made.flush()


def cuts(reports: Iterable[Report]) -> list[Cut]:
    return [report for report in reports if isinstance(report, Cut)]


def only_cut(reports: Iterable[Report]) -> Cut:
    (cut,) = cuts(reports)
    return cut


# --- beginning and end of speech ---


def test_speech_between_silences_is_started_stopped_and_cut() -> None:
    reports = run(script((20, 0.0), (10, 0.9), (20, 0.0)))
    pcm = numbered(50 * WINDOW)[(20 - 3) * WINDOW * 2 : (30 + 3) * WINDOW * 2]
    assert reports == [
        Started(0, at=20 * WINDOW),
        Stopped(0, at=30 * WINDOW),
        Cut(0, 17 * WINDOW, 33 * WINDOW, 30 * WINDOW, pcm, "silence"),
    ]
    assert only_cut(reports).revision == 0


def test_silence_alone_gives_nothing() -> None:
    assert run(script((200, 0.0))) == []


def test_each_window_is_judged_once_and_in_order() -> None:
    judge = Scripted([])
    made = Segmenter(CONFIG, judge)
    audio = numbered(10 * WINDOW)
    for start in range(0, len(audio), 640):
        made.feed(audio[start : start + 640])
    assert b"".join(judge.windows) == audio
    assert {len(window) for window in judge.windows} == {WINDOW * 2}


def test_start_is_reported_with_the_window_that_completes_the_shortest_speech() -> None:
    made = segmenter(script((5, 0.0), (20, 0.9)))
    assert made.feed(numbered(8 * WINDOW)) == []
    assert made.feed(numbered(WINDOW)) == [Started(0, at=5 * WINDOW)]


def test_silence_ends_a_segment_at_the_very_sample() -> None:
    made = segmenter(script((10, 0.9)), min_silence_ms=500)
    made.feed(numbered(10 * WINDOW))
    assert made.feed(numbered(500 * MS - 1)) == []
    assert [type(report) for report in made.feed(numbered(1))] == [Stopped, Cut]


def test_pause_shorter_than_the_silence_does_not_end_a_segment() -> None:
    cut = only_cut(run(script((10, 0.9), (9, 0.0), (10, 0.9), (20, 0.0))))
    assert (cut.start, cut.speech_end) == (0, 29 * WINDOW)


def test_pause_as_long_as_the_silence_ends_a_segment() -> None:
    first, second = cuts(run(script((10, 0.9), (10, 0.0), (10, 0.9), (20, 0.0))))
    assert (first.segment, first.speech_end) == (0, 10 * WINDOW)
    assert (second.segment, second.speech_end) == (1, 30 * WINDOW)


def test_end_of_speech_is_the_sample_after_the_last_voiced_window() -> None:
    cut = only_cut(run(script((4, 0.0), (7, 0.9), (1, 0.1), (3, 0.9), (30, 0.0))))
    assert cut.speech_end == 15 * WINDOW


# --- hysteresis ---


def test_speech_goes_on_between_the_two_thresholds() -> None:
    cut = only_cut(run(script((5, 0.9), (15, 0.36), (20, 0.0))))
    assert cut.speech_end == 20 * WINDOW


def test_speech_ends_below_the_lower_threshold() -> None:
    cut = only_cut(run(script((5, 0.9), (15, 0.34), (20, 0.0))))
    assert cut.speech_end == 5 * WINDOW


def test_speech_does_not_begin_between_the_two_thresholds() -> None:
    assert run(script((50, 0.49))) == []


def test_pause_is_left_at_the_upper_threshold_only() -> None:
    cut = only_cut(run(script((5, 0.9), (1, 0.1), (15, 0.4), (20, 0.0))))
    assert cut.speech_end == 5 * WINDOW


def test_speech_ends_even_where_the_lower_threshold_would_be_negative() -> None:
    cut = only_cut(run(script((5, 0.9), (20, 0.0)), threshold=0.1))
    assert cut.speech_end == 5 * WINDOW


# --- padding ---


def test_pre_roll_is_cut_off_at_the_start_of_the_session() -> None:
    assert only_cut(run(script((1, 0.0), (10, 0.9), (20, 0.0)))).start == 0


def test_pre_roll_is_exact_to_the_sample() -> None:
    cut = only_cut(run(script((20, 0.0), (10, 0.9), (20, 0.0)), padding_ms=50))
    assert cut.start == 20 * WINDOW - 50 * MS
    assert cut.end == 30 * WINDOW + 50 * MS


def test_no_padding_keeps_the_voiced_windows_alone() -> None:
    cut = only_cut(run(script((20, 0.0), (10, 0.9), (20, 0.0)), padding_ms=0))
    assert (cut.start, cut.end) == (20 * WINDOW, 30 * WINDOW)


def test_post_roll_is_never_longer_than_the_silence_that_was_heard() -> None:
    cut = only_cut(run(script((10, 0.9), (20, 0.0)), padding_ms=1_000))
    assert cut.end == cut.speech_end + 320 * MS


def test_pre_roll_takes_no_audio_of_the_segment_before() -> None:
    first, second = cuts(run(script((10, 0.9), (11, 0.0), (10, 0.9), (20, 0.0)), padding_ms=320))
    assert second.start == first.end == 20 * WINDOW


def test_speech_in_the_window_in_which_the_silence_ran_out_opens_the_next_segment() -> None:
    # 336 ms of silence end in the middle of the eleventh window, which is voiced.
    first, second = cuts(
        run(script((10, 0.9), (10, 0.0), (10, 0.9), (20, 0.0)), min_silence_ms=336, padding_ms=336)
    )
    assert first.end == 10 * WINDOW + 336 * MS
    assert second.start == first.end
    assert second.speech_end == 30 * WINDOW


# --- noise ---


def test_short_noise_is_dropped() -> None:
    assert run(script((5, 0.0), (3, 0.9), (30, 0.0))) == []


def test_short_noise_takes_no_number() -> None:
    reports = run(script((3, 0.9), (30, 0.0), (10, 0.9), (30, 0.0)))
    assert [type(report) for report in reports] == [Started, Stopped, Cut]
    assert only_cut(reports).segment == 0


def test_voiced_audio_counts_across_short_pauses() -> None:
    reports = run(script((2, 0.9), (3, 0.0), (2, 0.9), (20, 0.0)))
    assert reports[0] == Started(0, at=0)
    assert only_cut(reports).speech_end == 7 * WINDOW


def test_pauses_do_not_count_as_speech() -> None:
    assert run(script((2, 0.9), (8, 0.0), (1, 0.9), (20, 0.0))) == []


def test_audio_of_dropped_noise_may_be_pre_roll() -> None:
    # The noise lies 320 ms before the speech: it was dropped when that speech began.
    cut = only_cut(run(script((5, 0.0), (3, 0.9), (10, 0.0), (10, 0.9), (20, 0.0)), padding_ms=400))
    assert cut.start == 18 * WINDOW - 400 * MS
    assert cut.start < 8 * WINDOW


def test_sparse_noise_is_dropped_when_it_fills_a_whole_segment() -> None:
    made = segmenter([0.9, *script((9, 0.0))] * 100, min_speech_ms=640)
    assert made.feed(noise(1_000 * WINDOW)) == []
    assert made.held <= 4_000 * MS + WINDOW


# --- commit ---


def test_commit_cuts_speech_at_once() -> None:
    made = segmenter(script((20, 0.9)))
    made.feed(numbered(10 * WINDOW))
    stopped, cut = made.commit()
    assert stopped == Stopped(0, at=10 * WINDOW)
    assert isinstance(cut, Cut)
    assert (cut.start, cut.end, cut.reason) == (0, 10 * WINDOW, "commit")


def test_commit_cuts_speech_too_short_to_be_certain() -> None:
    made = segmenter(script((5, 0.0), (2, 0.9)))
    made.feed(numbered(7 * WINDOW))
    started, stopped, cut = made.commit()
    assert started == Started(0, at=5 * WINDOW)
    assert stopped == Stopped(0, at=7 * WINDOW)
    assert isinstance(cut, Cut)
    assert (cut.start, cut.end) == (2 * WINDOW, 7 * WINDOW)


def test_commit_in_silence_does_nothing() -> None:
    made = segmenter([])
    made.feed(numbered(10 * WINDOW))
    assert made.commit() == []


def test_commit_in_a_pause_keeps_the_post_roll_heard_so_far() -> None:
    made = segmenter(script((10, 0.9)))
    made.feed(numbered(11 * WINDOW))
    cut = only_cut(made.commit())
    assert (cut.speech_end, cut.end) == (10 * WINDOW, 11 * WINDOW)


def test_commit_gives_the_samples_not_judged_yet_and_none_of_them_twice() -> None:
    made = segmenter(script((30, 0.9)))
    made.feed(numbered(10 * WINDOW + 100))
    first = only_cut(made.commit())
    assert first.end == 10 * WINDOW + 100
    made.feed(numbered(10 * WINDOW))
    assert only_cut(made.commit()).start == first.end


def test_second_commit_does_nothing() -> None:
    made = segmenter(script((30, 0.9)))
    made.feed(numbered(10 * WINDOW))
    made.commit()
    assert made.commit() == []


def test_speech_after_a_commit_must_prove_itself_again() -> None:
    made = segmenter(script((13, 0.9)))
    made.feed(numbered(10 * WINDOW))
    made.commit()
    assert made.feed(numbered(40 * WINDOW)) + made.flush() == []


# --- end of stream ---


def test_flush_cuts_the_open_segment() -> None:
    cut = only_cut(run(script((10, 0.9))))
    assert (cut.start, cut.end, cut.speech_end, cut.reason) == (0, 10 * WINDOW, 10 * WINDOW, "end")


def test_flush_fills_up_the_last_window_with_silence_and_keeps_that_to_itself() -> None:
    judge = Scripted(script((20, 0.9)))
    made = Segmenter(CONFIG, judge)
    audio = numbered(10 * WINDOW + 100)
    cut = only_cut(made.feed(audio) + made.flush())
    assert judge.windows[-1] == audio[-200:] + bytes(WINDOW * 2 - 200)
    assert cut.pcm == audio
    assert (cut.end, cut.speech_end) == (10 * WINDOW + 100, 10 * WINDOW + 100)


def test_flush_drops_speech_too_short_to_be_certain() -> None:
    assert run(script((10, 0.0), (3, 0.9))) == []


def test_flush_of_nothing_gives_nothing() -> None:
    assert segmenter([]).flush() == []


def test_flush_after_a_commit_gives_no_empty_segment() -> None:
    made = segmenter(script((30, 0.9)), min_speech_ms=32)
    made.feed(numbered(10 * WINDOW + 100))
    made.commit()
    assert made.flush() == []


def test_positions_go_on_after_a_flush() -> None:
    made = segmenter(script((11, 0.9), (10, 0.0), (10, 0.9), (20, 0.0)))
    made.feed(numbered(10 * WINDOW + 100))
    made.flush()
    cut = only_cut(made.feed(noise(40 * WINDOW)))
    assert cut.speech_end == 30 * WINDOW + 100
    assert len(cut.pcm) == (cut.end - cut.start) * 2


# --- the longest segment ---


def test_long_speech_is_cut_in_the_last_third_and_goes_on_seamlessly() -> None:
    audio = noise(500 * WINDOW)
    made = segmenter(script((500, 0.9)))
    parts = cuts(made.feed(audio) + made.flush())
    assert len(parts) > 3
    assert b"".join(part.pcm for part in parts) == audio
    assert [part.reason for part in parts] == ["length"] * (len(parts) - 1) + ["end"]
    for part in parts[:-1]:
        assert 4_000 * MS * 2 / 3 - WINDOW <= part.end - part.start <= 4_000 * MS


def test_long_speech_is_reported_as_one_started_and_one_stopped_per_segment() -> None:
    reports = run(script((300, 0.9)))
    assert [type(report) for report in reports] == [Started, Stopped, Cut] * 3
    assert [report.segment for report in reports] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    first, second = cuts(reports)[:2]
    assert reports[3] == Started(1, at=first.end)
    assert second.start == first.end == first.speech_end


def loud_but_for(samples: int, quiet: slice) -> bytes:
    level = np.random.default_rng(1).integers(-8_000, 8_000, samples)
    level[quiet] //= 50
    return level.astype("<i2").tobytes()


@pytest.mark.parametrize("quiet_ms", [2_800, 3_300, 3_700])
def test_long_speech_is_cut_where_it_is_quietest(quiet_ms: int) -> None:
    audio = loud_but_for(4_200 * MS, slice((quiet_ms - 80) * MS, (quiet_ms + 80) * MS))
    cut = cuts(segmenter([0.9] * 200).feed(audio))[0]
    assert abs(cut.end - quiet_ms * MS) <= 16 * MS


def test_short_closure_inside_a_word_is_no_place_to_cut() -> None:
    level = np.frombuffer(loud_but_for(4_200 * MS, slice(3_000 * MS, 3_030 * MS)), "<i2").copy()
    level[3_500 * MS : 3_660 * MS] //= 50
    cut = cuts(segmenter([0.9] * 200).feed(level.tobytes()))[0]
    assert abs(cut.end - 3_580 * MS) <= 16 * MS


def test_quiet_place_before_the_last_third_is_not_used() -> None:
    audio = loud_but_for(4_200 * MS, slice(1_000 * MS, 1_200 * MS))
    cut = cuts(segmenter([0.9] * 200).feed(audio))[0]
    assert cut.end >= 4_000 * MS * 2 // 3 - WINDOW


def test_cut_is_looked_for_in_the_last_three_seconds_at_most() -> None:
    audio = loud_but_for(30_500 * MS, slice(25_000 * MS, 25_500 * MS))
    cut = cuts(segmenter([0.9] * 1_000, max_segment_ms=30_000).feed(audio))[0]
    assert cut.end >= 27_000 * MS - WINDOW


def test_of_equally_quiet_places_the_least_like_speech_is_cut() -> None:
    probabilities = script((90, 0.95), (6, 0.4), (200, 0.95))
    cut = cuts(segmenter(probabilities).feed(noise(4_200 * MS)))[0]
    assert 90 * WINDOW <= cut.end <= 96 * WINDOW


def test_cut_through_a_pause_ends_the_speech_before_it() -> None:
    cut = cuts(run(script((90, 0.9), (8, 0.0), (60, 0.9), (20, 0.0))))[0]
    assert cut.reason == "length"
    assert cut.speech_end == 90 * WINDOW < cut.end < 98 * WINDOW


def test_short_rest_of_long_speech_is_not_lost() -> None:
    # 121 windows, then a rest below min_speech after a pause that was cut through.
    first, second = cuts(run(script((114, 0.9), (8, 0.0), (4, 0.9), (30, 0.0)), min_speech_ms=512))
    assert (first.reason, second.reason) == ("length", "silence")
    assert second.start == first.end
    assert second.speech_end == 126 * WINDOW


def test_short_rest_that_comes_after_the_cut_is_not_lost() -> None:
    # At the cut the rest is silence only; one voiced window follows within min_silence.
    reports = run(script((116, 0.9), (12, 0.0), (1, 0.9), (30, 0.0)), min_silence_ms=640)
    first, second = cuts(reports)
    assert first.reason == "length"
    assert first.end < 128 * WINDOW
    assert second.start == first.end
    assert Started(1, at=128 * WINDOW) in reports


def test_silent_rest_of_long_speech_is_no_segment() -> None:
    reports = run(script((116, 0.9), (60, 0.0)), min_silence_ms=640)
    assert only_cut(reports).reason == "length"
    assert [type(report) for report in reports] == [Started, Stopped, Cut]


def test_commit_in_a_silent_rest_does_nothing() -> None:
    made = segmenter(script((116, 0.9)), min_silence_ms=640)
    assert only_cut(made.feed(numbered(128 * WINDOW))).reason == "length"
    assert made.commit() == []


def test_longest_segment_counts_from_the_first_voiced_sample() -> None:
    cut = cuts(run(script((60, 0.0), (200, 0.9)), max_segment_ms=1_000, padding_ms=1_500))[0]
    assert cut.start == 60 * WINDOW - 1_500 * MS
    assert 60 * WINDOW < cut.end <= 60 * WINDOW + 1_000 * MS


def test_rest_longer_than_a_new_longest_segment_is_divided_again() -> None:
    made = segmenter(script((160, 0.9), (40, 0.0)), max_segment_ms=5_000)
    audio = loud_but_for(200 * WINDOW, slice(3_400 * MS, 3_600 * MS))
    early = made.feed(audio[: 100 * WINDOW * 2])
    made.configure(replace(CONFIG, max_segment_ms=1_000))
    parts = cuts(early + made.feed(audio[100 * WINDOW * 2 :]))
    assert len(parts) >= 3
    assert all(part.end - part.start <= 1_000 * MS for part in parts[1:])
    assert all(one.end == two.start for one, two in pairwise(parts))
    assert b"".join(part.pcm for part in parts) == audio[: parts[-1].end * 2]


def test_no_cut_is_put_off_when_the_longest_segment_shrinks() -> None:
    made = segmenter([0.9] * 1_000, max_segment_ms=15_000)
    audio = loud_but_for(16_000 * MS, slice(12_000 * MS, 12_200 * MS))
    full = 469 * WINDOW * 2  # the window that completes 15 s
    made.feed(audio[: full - WINDOW * 2])
    made.configure(replace(CONFIG, max_segment_ms=1_000))
    parts = cuts(made.feed(audio[full - WINDOW * 2 : full]) + made.commit())
    assert len(parts) > 3
    assert all(part.end - part.start <= 1_000 * MS for part in parts[1:])


def test_smaller_silence_counts_from_the_cut_on() -> None:
    # 768 ms of silence were heard when the cut made 320 ms enough.
    made = segmenter(script((101, 0.9)), min_silence_ms=1_600)
    made.feed(numbered(100 * WINDOW))
    made.configure(CONFIG)
    reports = made.feed(numbered(100 * WINDOW))
    assert only_cut(reports).reason == "length"
    assert made.held <= 96 * MS + WINDOW


def test_silence_at_the_front_of_a_rest_is_no_segment() -> None:
    # Cut in the silence at 0.9 s; the next place to cut is before the speech at 1.8 s too.
    probabilities = script((25, 0.9), (32, 0.0), (20, 0.9))
    made = segmenter(probabilities, max_segment_ms=1_000, min_silence_ms=3_000)
    reports = made.feed(bytes(77 * WINDOW * 2)) + made.flush()
    first, second = cuts(reports)
    assert (first.start, first.speech_end) == (0, 25 * WINDOW)
    assert second.start == 57 * WINDOW - 80 * MS
    assert [report for report in reports if isinstance(report, Started)] == [
        Started(0, at=0),
        Started(1, at=57 * WINDOW),
    ]


def test_quietest_place_of_even_audio_is_the_last() -> None:
    assert quietest(bytes(20 * WINDOW * 2), [0.9] * 20) == 20 * WINDOW - 80 * MS


# --- configuration ---


def test_new_configuration_holds_at_once_in_silence() -> None:
    made = segmenter(script((3, 0.0), (10, 0.6), (20, 0.0)))
    made.feed(numbered(3 * WINDOW))
    made.configure(replace(CONFIG, threshold=0.7))
    assert made.feed(numbered(40 * WINDOW)) == []


def test_new_configuration_leaves_the_open_segment_as_it_is() -> None:
    made = segmenter(script((10, 0.9), (10, 0.0), (10, 0.9), (40, 0.0)))
    made.feed(numbered(5 * WINDOW))
    made.configure(replace(CONFIG, min_silence_ms=640))
    reports = made.feed(numbered(60 * WINDOW))
    first, second = cuts(reports)
    assert first.speech_end == 10 * WINDOW
    assert second.speech_end == 30 * WINDOW
    assert made.feed(numbered(1)) == []


def test_new_configuration_holds_after_the_next_cut() -> None:
    made = segmenter(script((10, 0.9), (10, 0.0), (10, 0.9), (40, 0.0)))
    made.feed(numbered(5 * WINDOW))
    made.configure(replace(CONFIG, min_silence_ms=640))
    assert len(cuts(made.feed(numbered((30 + 19 - 5) * WINDOW)))) == 1
    assert len(cuts(made.feed(numbered(WINDOW)))) == 1


def test_new_configuration_reaches_a_speaker_who_never_pauses() -> None:
    made = segmenter(script((400, 0.6)))
    made.feed(noise(10 * WINDOW))
    made.configure(replace(CONFIG, threshold=0.8))
    parts = cuts(made.feed(noise(390 * WINDOW)) + made.flush())
    assert [part.reason for part in parts] == ["length", "silence"]


def test_configuration_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAD_THRESHOLD", raising=False)
    asked = Settings.read(
        vad_aggressiveness=3,
        vad_min_speech_ms=100,
        vad_min_silence_ms=200,
        vad_padding_ms=30,
        vad_max_segment_ms=4_000,
    )
    assert SegmenterConfig.of(asked) == SegmenterConfig(0.8, 100, 200, 30, 4_000)


def test_shortest_speech_must_be_below_the_longest_segment() -> None:
    with pytest.raises(SettingsError, match=r"VAD_MIN_SPEECH_MS.*VAD_MAX_SEGMENT_MS"):
        replace(CONFIG, min_speech_ms=1_000, max_segment_ms=1_000)


TALK = script((20, 0.0), (3, 0.6), (20, 0.0), (40, 0.6), (11, 0.0), (100, 0.6), (40, 0.0))


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.7},
        {"min_speech_ms": 64},
        {"min_silence_ms": 640},
        {"padding_ms": 200},
        {"max_segment_ms": 1_500},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_knob_changes_the_cuts(change: dict[str, Any]) -> None:
    def bounds(**changes: Any) -> list[tuple[int, int]]:
        return [(cut.start, cut.end) for cut in cuts(run(TALK, **changes))]

    assert bounds() and bounds(**change) != bounds()


# --- what it costs and what it needs ---


def test_half_a_sample_is_refused_and_nothing_is_taken() -> None:
    made = segmenter(script((10, 0.9)))
    with pytest.raises(AudioError, match="641 bytes"):
        made.feed(bytes(641))
    assert made.held == 0


def test_hour_of_silence_keeps_the_pre_roll_alone() -> None:
    made = segmenter([])
    second = bytes(32_000)
    most = 0
    for _ in range(3_600):
        made.feed(second)
        most = max(most, made.held)
    assert most <= 96 * MS + WINDOW


def test_endless_speech_keeps_one_segment_at_most() -> None:
    made = segmenter([0.9] * 20_000)
    frame = noise(320)
    most = 0
    for _ in range(20_000):
        made.feed(frame)
        most = max(most, made.held)
    assert 4_000 * MS * 2 // 3 < most <= (4_000 + 96) * MS + WINDOW + 320


def test_segmenter_imports_neither_network_nor_queue_nor_model() -> None:
    program = "import sys, gateway.segmenter; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "gateway.segmenter" in imported
    assert not imported & {"fastapi", "redis", "celery", "onnxruntime"}


# --- for any speech ---

SPEECH = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([0.0, 0.2, 0.4, 0.45, 0.6, 0.95])), max_size=25
).map(lambda parts: script(*parts))

CONFIGS = st.builds(
    SegmenterConfig,
    threshold=st.sampled_from([0.1, 0.35, 0.5, 0.8]),
    min_speech_ms=st.sampled_from([32, 100, 250, 999]),
    min_silence_ms=st.sampled_from([32, 100, 333, 500, 3_000]),
    padding_ms=st.sampled_from([0, 30, 300, 2_000]),
    max_segment_ms=st.sampled_from([1_000, 1_234, 4_000]),
)


def in_pieces(audio: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    while audio:
        size = (sizes.pop() if sizes else 640) * 2
        pieces.append(audio[:size])
        audio = audio[size:]
    return pieces


@settings(deadline=None)  # a busy machine is no failure
@given(SPEECH, CONFIGS, st.lists(st.integers(1, 5_000), max_size=40), st.integers(0, WINDOW - 1))
def test_cuts_do_not_depend_on_how_the_audio_is_divided(
    probabilities: list[float], config: SegmenterConfig, sizes: list[int], tail: int
) -> None:
    audio = noise(len(probabilities) * WINDOW + tail)
    whole = Segmenter(config, Scripted(probabilities))
    expected = whole.feed(audio) + whole.flush()
    made = Segmenter(config, Scripted(probabilities))
    pieces = in_pieces(audio, sizes)
    assert [report for piece in pieces for report in made.feed(piece)] + made.flush() == expected


@settings(deadline=None)
@given(SPEECH, CONFIGS, st.integers(0, WINDOW - 1))
def test_segments_are_in_order_apart_bounded_and_hold_their_audio(
    probabilities: list[float], config: SegmenterConfig, tail: int
) -> None:
    audio = noise(len(probabilities) * WINDOW + tail)
    made = Segmenter(config, Scripted(probabilities))
    reports = made.feed(audio) + made.flush()
    found = cuts(reports)
    assert [type(report) for report in reports] == [Started, Stopped, Cut] * len(found)
    assert [report.segment for report in reports] == [n for n in range(len(found)) for _ in range(3)]
    assert all(one.end <= two.start for one, two in pairwise(found))
    longest = (config.max_segment_ms + config.padding_ms) * MS + WINDOW
    for started, stopped, cut in zip(reports[::3], reports[1::3], found, strict=True):
        assert isinstance(started, Started) and isinstance(stopped, Stopped)
        assert cut.start <= started.at < stopped.at == cut.speech_end <= cut.end
        assert cut.end - cut.start <= longest
        assert cut.pcm == audio[cut.start * 2 : cut.end * 2]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), min_size=1, max_size=12),
    st.sampled_from([1_000, 1_500, 4_000]),
    st.sampled_from([0, 96, 500]),
)
def test_continuous_speech_loses_and_doubles_nothing(
    turns: list[tuple[int, int]], max_segment_ms: int, padding_ms: int
) -> None:
    """Pauses of up to 9 windows are shorter than min_silence: all is one stretch of speech."""
    probabilities = script((5, 0.9), *(part for on, off in turns for part in ((off, 0.0), (on, 0.9))))
    audio = noise(len(probabilities) * WINDOW)
    made = segmenter(probabilities, max_segment_ms=max_segment_ms, padding_ms=padding_ms)
    assert b"".join(cut.pcm for cut in cuts(made.feed(audio) + made.flush())) == audio


@settings(deadline=None)
@given(SPEECH, CONFIGS, st.lists(st.integers(0, 60), max_size=8))
def test_commits_at_any_time_keep_the_order_and_double_nothing(
    probabilities: list[float], config: SegmenterConfig, waits: list[int]
) -> None:
    audio = noise(len(probabilities) * WINDOW)
    made = Segmenter(config, Scripted(probabilities))
    reports: list[Report] = []
    for wait in waits:
        size = (wait * 320 + wait) * 2
        reports += made.feed(audio[:size]) + made.commit()
        assert made.commit() == []
        audio = audio[size:]
    reports += made.feed(audio) + made.flush()
    found = cuts(reports)
    assert [type(report) for report in reports] == [Started, Stopped, Cut] * len(found)
    assert [cut.segment for cut in found] == list(range(len(found)))
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert all(cut.start < cut.end for cut in found)

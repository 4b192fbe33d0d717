"""How speech without a pause is cut, with a scripted judge of speech."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gateway.core.cuts import Cut, Started, Stopped
from gateway.core.quiet import WINDOW, quietest
from tests.gateway.speech import (
    CONFIG,
    MS,
    cuts,
    noise,
    numbered,
    only_cut,
    run,
    script,
    segmenter,
)


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


def test_endless_speech_keeps_one_segment_at_most() -> None:
    made = segmenter([0.9] * 20_000)
    frame = noise(320)
    most = 0
    for _ in range(20_000):
        made.feed(frame)
        most = max(most, made.held)
    assert 4_000 * MS * 2 // 3 < most <= (4_000 + 96) * MS + WINDOW + 320

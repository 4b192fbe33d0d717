"""The rules of segmentation, each with a scripted judge of speech; no model, no clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import AudioError, SettingsError
from bridge.settings import Settings
from gateway.core.cuts import Cut, Started, Stopped
from gateway.core.quiet import WINDOW
from gateway.core.segmenter import Segmenter
from gateway.core.terms import SegmenterConfig
from tests.gateway.speech import (
    CONFIG,
    MS,
    Scripted,
    cuts,
    noise,
    numbered,
    only_cut,
    run,
    script,
    segmenter,
)

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


def test_silence_ends_a_segment_with_its_last_whole_window() -> None:
    # What comes between 480 and 500 ms is not judged by then, so nothing could be learnt by waiting for it.
    made = segmenter(script((10, 0.9)), min_silence_ms=500)
    made.feed(numbered(10 * WINDOW))
    assert made.feed(numbered(15 * WINDOW - 1)) == []
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
    cut = only_cut(run(script((10, 0.9), (20, 0.0)), padding_ms=1_000, draft_silence_ms=1_000))
    assert cut.end == cut.speech_end + 320 * MS


def test_post_roll_is_never_longer_than_that_of_a_draft_whether_there_are_drafts_or_not() -> None:
    for drafts in (False, True):
        cut = only_cut(run(script((10, 0.9), (20, 0.0)), padding_ms=1_000, drafts=drafts))
        assert cut.end == cut.speech_end + 3 * WINDOW


def test_pre_roll_takes_no_audio_of_the_segment_before() -> None:
    first, second = cuts(run(script((10, 0.9), (11, 0.0), (10, 0.9), (20, 0.0)), padding_ms=320))
    assert second.start == first.end == 13 * WINDOW


def test_speech_in_the_window_in_which_the_silence_ran_out_opens_the_next_segment() -> None:
    # 336 ms of silence end in the middle of the eleventh window, which is voiced.
    first, second = cuts(
        run(script((10, 0.9), (10, 0.0), (10, 0.9), (20, 0.0)), min_silence_ms=336, padding_ms=336)
    )
    assert first.end == 13 * WINDOW
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
        drafts=False,
        draft_silence_ms=64,
        clause_ms=3_000,
        endpoint_least_ms=90,
    )
    assert SegmenterConfig.of(asked) == SegmenterConfig(0.8, 100, 200, 30, 4_000, 64, False, 3_000, 90)
    assert SegmenterConfig.of(asked.model_copy(update={"endpoint": "fixed"})).least_silence_ms is None


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

"""What holds for any speech, cut with any configuration."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.cuts import Cut, Report, Started, Stopped
from gateway.core.quiet import WINDOW
from gateway.core.segmenter import Segmenter
from gateway.core.terms import SegmenterConfig
from tests.gateway.core.effort import EFFORT
from tests.gateway.speech import (
    MS,
    Scripted,
    cuts,
    noise,
    script,
    segmenter,
)

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


@EFFORT
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


@EFFORT
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


@EFFORT
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


@EFFORT
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

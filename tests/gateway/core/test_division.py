"""Speech without a pause is cut while it goes on: behind a clause, in a short pause, where it is quietest."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from gateway.core.cuts import Cut, Draft, Report, Started
from gateway.core.quiet import WINDOW
from tests.gateway.speech import cuts, noise, numbered, run, script, segmenter

CLAUSE_MS = 1_536
CLAUSE = 48
"""The same in windows; speech lasts for 72 at most."""


def ends(reports: list[Report]) -> list[tuple[float, str]]:
    """Where each segment ends, in windows, and why."""
    return [(cut.end / WINDOW, cut.reason) for cut in cuts(reports)]


def test_speech_that_has_lasted_is_cut_in_the_longest_pause_that_it_had() -> None:
    spoken = script((24, 0.9), (5, 0.0), (6, 0.9), (6, 0.0), (20, 0.9))
    made = segmenter(spoken, clause_ms=CLAUSE_MS)
    before = made.feed(numbered((CLAUSE - 1) * WINDOW))
    found = made.feed(numbered(WINDOW))
    assert cuts(before) == []
    assert ends(found) == [(38.0, "clause")]
    assert [report.segment for report in found if isinstance(report, Started)] == [1]


def test_a_pause_as_short_as_a_plosive_divides_nothing() -> None:
    spoken = script((24, 0.9), (4, 0.0), (30, 0.9))
    assert cuts(segmenter(spoken, clause_ms=CLAUSE_MS).feed(numbered(58 * WINDOW))) == []


def test_a_pause_near_the_beginning_divides_nothing() -> None:
    spoken = script((6, 0.9), (7, 0.0), (40, 0.9))
    assert cuts(segmenter(spoken, clause_ms=CLAUSE_MS).feed(numbered(53 * WINDOW))) == []


def test_speech_that_has_lasted_ends_with_a_shorter_silence_just_as_its_draft() -> None:
    reports = run(script((50, 0.9), (5, 0.0), (5, 0.9), (20, 0.0)), clause_ms=CLAUSE_MS, drafts=True)
    first, second = cuts(reports)
    drafts = [report for report in reports if isinstance(report, Draft)]
    assert (first.reason, first.drafted, first.speech_end) == ("clause", True, 50 * WINDOW)
    assert (drafts[0].start, drafts[0].end) == (first.start, first.end)
    assert second.reason == "silence"


def test_short_speech_waits_for_its_whole_silence() -> None:
    assert ends(run(script((30, 0.9), (9, 0.0), (4, 0.9)), clause_ms=CLAUSE_MS)) == [(43, "end")]


def test_without_any_pause_it_is_cut_where_it_is_quietest_when_it_has_lasted_half_as_long_again() -> None:
    samples = np.frombuffer(noise(80 * WINDOW), "<i2").copy()
    samples[50 * WINDOW : 56 * WINDOW] //= 100
    made = segmenter([0.9] * 80, clause_ms=CLAUSE_MS)
    found = made.feed(samples.tobytes())
    [cut] = cuts(found)
    assert cut.reason == "clause" and 50 < cut.end / WINDOW < 56
    assert not cuts(segmenter([0.9] * 80, clause_ms=CLAUSE_MS).feed(samples.tobytes()[: 71 * WINDOW * 2]))


def test_it_is_cut_at_the_quietest_sample_near_the_end_of_the_last_certain_clause() -> None:
    samples = np.frombuffer(noise(60 * WINDOW), "<i2").copy()
    samples[30 * WINDOW : 36 * WINDOW] //= 100
    made = segmenter([0.9] * 60, clause_ms=CLAUSE_MS)
    made.feed(samples[: 40 * WINDOW].tobytes())
    assert made.clause(0, 30 * WINDOW) == []  # it has not lasted yet
    found = made.feed(samples[40 * WINDOW :].tobytes())
    [cut] = cuts(found)
    assert cut.reason == "clause" and 30 < cut.end / WINDOW < 36
    assert made.part is not None and (made.part.segment, made.part.start) == (1, cut.end)


def test_a_clause_that_becomes_certain_later_is_cut_at_once() -> None:
    made = segmenter([0.9] * 60, clause_ms=CLAUSE_MS)
    assert cuts(made.feed(noise(60 * WINDOW))) == []
    [cut] = cuts(made.clause(0, 35 * WINDOW))
    assert 29 < cut.end / WINDOW < 46


@pytest.mark.parametrize("at", [10 * WINDOW, 70 * WINDOW])
def test_a_clause_too_near_the_beginning_or_not_spoken_yet_is_no_place(at: int) -> None:
    made = segmenter([0.9] * 60, clause_ms=CLAUSE_MS)
    made.feed(noise(60 * WINDOW))
    assert made.clause(0, at) == []
    assert made.clause(1, 40 * WINDOW) == []


def test_a_recording_is_not_cut_by_clauses_from_the_segment_on_in_which_it_shows_itself() -> None:
    made = segmenter([0.9] * 100, clause_ms=CLAUSE_MS)
    made.live = False
    made.feed(noise(WINDOW))
    made.live = True
    assert ends(made.feed(noise(99 * WINDOW)) + made.flush()) == [(100, "end")]


@pytest.mark.parametrize("seed", range(20))
def test_cuts_do_not_depend_on_how_the_stream_is_divided_and_lose_no_sample(seed: int) -> None:
    random = Random(seed)
    parts = [(random.randint(1, 40), random.choice((0.0, 0.9, 0.9))) for _ in range(30)]
    spoken, pcm = script(*parts), noise(sum(windows for windows, _ in parts) * WINDOW, seed)
    whole, pieces = segmenter(spoken, clause_ms=CLAUSE_MS), segmenter(spoken, clause_ms=CLAUSE_MS)
    expected, found = whole.feed(pcm) + whole.flush(), list[Report]()
    at = 0
    while at < len(pcm):
        size = 2 * random.randint(1, 40_000)
        found += pieces.feed(pcm[at : at + size])
        at += size
    found += pieces.flush()
    assert found == expected
    made = cuts(found)
    assert all(a.end <= b.start for a, b in pairwise(made))
    for cut in made:
        assert cut.pcm == pcm[2 * cut.start : 2 * cut.end]
        assert cut.end - cut.start <= (CLAUSE * 3 // 2 + 1) * WINDOW
    _covered(spoken, made)


def _covered(spoken: list[float], made: list[Cut]) -> None:
    """Every stretch of speech that is long enough is in some segment."""
    for start in range(len(spoken) - 4):
        if all(p > 0.5 for p in spoken[start : start + 4]):
            at = start * WINDOW
            assert any(cut.start <= at < cut.end for cut in made), start

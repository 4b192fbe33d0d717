"""The script that scores endpoints counts what it says, and ours does well on the speech of tests/data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.core.quiet import WINDOW
from gateway.runtime.vad import Model
from scripts.endpoint_score import ROOT, Policy, Score, Stream, bare, marked, stopped, streams
from scripts.joined_speech import Clip, Word, clips, joined, pauses, within

FIXED = Policy("fixed", 320, 320)
SPEECH = ROOT / "tests" / "data" / "speech"


def stream(*parts: tuple[int, float], words: list[Word]) -> Stream:
    """So many windows of such a probability of speech."""
    speech = tuple(probability for windows, probability in parts for _ in range(windows))
    return Stream(np.zeros(len(speech) * WINDOW, np.int16), speech, words)


def said(*words: tuple[str, int]) -> list[Word]:
    """Words and the window in which each is spoken."""
    return [Word(written, window * WINDOW) for written, window in words]


def test_a_cut_behind_a_sentence_is_right_and_one_within_is_false() -> None:
    words = said(("We", 5), ("came", 35), ("home.", 40))
    found = FIXED.score(stream((15, 0.9), (12, 0.0), (20, 0.9), (30, 0.0), words=words), 140, 500)
    assert (len(found.ends), found.false, found.beyond) == (1, 1, 0)
    assert found.ends == [320]


def test_a_cut_at_a_pause_that_the_upper_bound_cuts_too_is_no_false_one() -> None:
    words = said(("We", 5), ("came", 35), ("home.", 40))
    found = FIXED.score(stream((15, 0.9), (18, 0.0), (20, 0.9), (30, 0.0), words=words), 140, 500)
    assert (len(found.ends), found.false, found.beyond) == (1, 0, 1)


def test_a_sentence_that_is_run_together_with_the_next_is_late() -> None:
    words = said(("Come.", 10), ("Sit", 25), ("down.", 30))
    found = FIXED.score(stream((15, 0.9), (8, 0.0), (20, 0.9), (30, 0.0), words=words), 140, 500)
    assert (len(found.ends), found.false, len(found.late)) == (1, 0, 2)
    assert max(found.late) == (43 - 10) * 32 + 320
    assert found.row("fixed").startswith("| fixed | 1 | 0 (0.0%) | 0 | 320 / 320 | 1 |")


def test_what_the_text_of_a_draft_is_decides_whether_a_sentence_is_cut_within() -> None:
    words = said(("Because", 5), ("we", 10), ("came", 35), ("home.", 40), ("Sit", 80), ("down.", 90))
    spoken = stream((15, 0.9), (12, 0.0), (20, 0.9), (30, 0.0), (20, 0.9), (30, 0.0), words=words)
    scores = {
        text: Policy("", 250, 500, text).score(spoken, 140, 500) for text in (None, bare, marked, stopped)
    }
    assert {text: score.false for text, score in scores.items()} == {None: 1, bare: 0, marked: 0, stopped: 0}


def test_longer_pauses_move_the_words_behind_them() -> None:
    speech = (0.9,) * 10 + (0.0,) * 4 + (0.9,) * 10
    clip = Clip(np.arange(24 * WINDOW).astype(np.int16), speech, tuple(said(("We", 5), ("came.", 20))))
    assert pauses(clip) == [(10, 14)]
    assert within(clip) == [128]
    for times, more in ((2, 4), (1, 0), (0.5, -2)):
        pcm, words = joined([clip, clip], times, 100)
        assert len(pcm) == 2 * ((24 + more) * WINDOW + 1_600)
        assert [word.at for word in words[:2]] == [5 * WINDOW, (20 + more) * WINDOW]
        assert words[2].at - words[0].at == len(pcm) // 2


@pytest.mark.provider
def test_on_human_speech_ours_cuts_within_no_sentence_and_waits_less_than_the_upper_bound(
    tmp_path: Path,
) -> None:
    words = tmp_path / "words.txt"
    words.write_text(
        "cards_002.wav: Four, queen of clubs.\ncards_004.wav: Five, five.\nunheard.wav:\n"
        "sense_0880.wav: He was not an ill disposed young man.\n"
    )
    model = Model()
    found = clips(model, SPEECH, words)
    assert [within(clip) for clip in found] == [[128], [160], []]
    (natural,) = streams(model, found, 1, 400, 1)
    for text in (None, bare, stopped, marked):
        score: Score = Policy("adaptive", 250, 500, text).score(natural, 140, 500)
        assert (score.false, len(score.ends)) == (0, 3)
        assert np.median(score.ends) < 350

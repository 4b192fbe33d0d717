"""Drafts: what the segment will be if no more is said, told at the first silence."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.cuts import Cut, Draft, Report, Resumed, Started, Stopped
from gateway.core.quiet import WINDOW
from gateway.core.segmenter import Segmenter
from tests.gateway.speech import CONFIG, Scripted, noise, numbered, run, script, segmenter

DRAFTING = replace(CONFIG, drafts=True)


def kinds(reports: list[Report]) -> list[type[Report]]:
    return [type(report) for report in reports]


def test_the_first_silence_makes_a_draft_with_the_sound_that_the_cut_will_have() -> None:
    reports = run(script((20, 0.0), (10, 0.9), (20, 0.0)), drafts=True)
    assert kinds(reports) == [Started, Draft, Stopped, Cut]
    _, draft, _, cut = reports
    assert isinstance(draft, Draft) and isinstance(cut, Cut)
    assert cut.drafted
    assert (draft.segment, draft.start, draft.end, draft.pcm) == (cut.segment, cut.start, cut.end, cut.pcm)
    assert draft.speech_end == cut.speech_end


def test_a_draft_comes_with_the_last_whole_window_of_its_silence() -> None:
    made = segmenter(script((10, 0.9), (20, 0.0)), drafts=True, draft_silence_ms=100)
    made.feed(numbered(13 * WINDOW - 1))
    assert kinds(made.feed(numbered(1))) == [Draft]


def test_speech_that_goes_on_voids_the_draft_and_tells_how_long_the_pause_was() -> None:
    reports = run(script((10, 0.9), (5, 0.0), (10, 0.9), (20, 0.0)), drafts=True)
    assert kinds(reports) == [Started, Draft, Resumed, Draft, Stopped, Cut]
    assert reports[2] == Resumed(0, 5 * WINDOW)
    assert isinstance(reports[-1], Cut) and reports[-1].speech_end == 25 * WINDOW


def test_noise_makes_no_draft() -> None:
    assert run(script((3, 0.9), (30, 0.0)), drafts=True) == []


def test_silence_that_ends_the_segment_before_a_draft_is_due_makes_none() -> None:
    reports = run(script((10, 0.9), (20, 0.0)), drafts=True, min_silence_ms=64)
    assert kinds(reports) == [Started, Stopped, Cut]


def test_a_commit_in_the_silence_after_a_draft_cuts_what_was_drafted() -> None:
    made = segmenter(script((10, 0.9), (20, 0.0)), drafts=True)
    draft = made.feed(numbered(15 * WINDOW))[-1]
    cut = made.commit()[-1]
    assert isinstance(draft, Draft) and isinstance(cut, Cut)
    assert cut.drafted and cut.pcm == draft.pcm


def test_a_commit_before_the_draft_is_due_cuts_what_nobody_drafted() -> None:
    made = segmenter(script((10, 0.9), (20, 0.0)), drafts=True)
    made.feed(numbered(11 * WINDOW))
    cut = made.commit()[-1]
    assert isinstance(cut, Cut) and not cut.drafted


def test_a_cut_for_length_is_not_what_was_drafted() -> None:
    # 4 s are over in the middle of the pause, and the quietest place is not the end of the speech.
    reports = run(script((119, 0.9), (8, 0.0), (10, 0.9), (20, 0.0)), drafts=True)
    first = next(report for report in reports if isinstance(report, Cut))
    assert first.reason == "length" and not first.drafted


def test_the_cuts_are_the_same_with_drafts_and_without() -> None:
    speech = (12, 0.9), (5, 0.0), (9, 0.8), (14, 0.1), (130, 0.9), (7, 0.2), (40, 0.9)
    probabilities = script((3, 0.0), *speech)
    pcm = noise(len(probabilities) * WINDOW)

    def cuts(drafts: bool) -> list[Cut]:
        made = Segmenter(replace(CONFIG, drafts=drafts), Scripted(probabilities))
        return [
            replace(report, drafted=False)
            for report in made.feed(pcm) + made.flush()
            if isinstance(report, Cut)
        ]

    assert cuts(True) == cuts(False)
    assert len(cuts(True)) > 2


def test_reports_do_not_depend_on_how_the_stream_is_divided() -> None:
    probabilities = script((12, 0.9), (5, 0.0), (9, 0.8), (14, 0.1), (30, 0.9), (7, 0.2), (4, 0.9), (20, 0.0))
    pcm = noise(len(probabilities) * WINDOW)
    whole = Segmenter(DRAFTING, Scripted(probabilities))
    small = Segmenter(DRAFTING, Scripted(probabilities))
    reports = [report for at in range(0, len(pcm), 166) for report in small.feed(pcm[at : at + 166])]
    assert whole.feed(pcm) == reports
    assert Draft in kinds(reports)

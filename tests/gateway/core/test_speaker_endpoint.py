"""The adaptive endpoint in the core: when a segment is cut, by pauses and by what its draft says."""

from __future__ import annotations

from dataclasses import replace

from bridge.types import Decision, Event
from gateway.core import inputs
from gateway.core.effects import Effect
from tests.gateway.core.bench import DRAFTED, VOICED, Bench, decisions, terms
from tests.gateway.events import SESSION
from tests.gateway.speech import CONFIG

LEAST, MOST = 160, CONFIG.min_silence_ms
SOON = 6
"""Windows of silence behind which a speaker's segment is cut of whom nothing is known."""


def adaptive(least_ms: int | None = LEAST, *, drafts: bool = True) -> Bench:
    return Bench("es", drafts=drafts, least_ms=least_ms)


def text(words: str, segment: int = 0, revision: int = 0) -> Event:
    return Event("text", "stt", SESSION, segment, revision, text=words, language="en")


def cut(found: list[Effect]) -> list[Decision]:
    return decisions(found, "cut")


def test_a_fixed_endpoint_waits_for_the_whole_silence_whatever_the_draft_says() -> None:
    made = adaptive(None)
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    assert not cut(made.says(text("We came home.")))
    assert not cut(made.hears((5, 0.0)))
    assert cut(made.hears((1, 0.0)))


def test_less_silence_than_the_upper_bound_ends_the_segment_of_a_speaker_who_pauses_little() -> None:
    made = adaptive()
    assert not cut(made.hears((VOICED, 0.9), (SOON - 1, 0.0)))
    assert cut(made.hears((1, 0.0)))


def test_a_complete_draft_is_cut_in_the_moment_its_text_is_there() -> None:
    made = adaptive()
    assert not cut(made.hears((VOICED, 0.9), (SOON - 1, 0.0)))
    (decision,) = cut(made.says(text("We came home.")))
    assert (decision.segment, decision.revision) == (0, 0)


def test_a_complete_draft_whose_text_is_there_soon_is_cut_as_soon_as_the_silence_is_long_enough() -> None:
    made = adaptive()
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    assert not cut(made.says(text("We came home.")))
    assert cut(made.hears((SOON - DRAFTED - 1, 0.0)))


def test_a_draft_that_hangs_is_cut_at_the_upper_bound_and_never_later() -> None:
    made = adaptive()
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    made.says(text("and the"))
    assert not cut(made.hears((MOST // 32 - DRAFTED - 1, 0.0)))
    assert cut(made.hears((1, 0.0)))


def test_commit_cuts_at_once_what_hangs() -> None:
    made = adaptive()
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    made.says(text("and the"))
    assert cut(made.give(inputs.Commit()))


def test_speech_that_went_on_is_not_cut_by_the_text_of_a_draft_that_was_dropped() -> None:
    made = adaptive()
    for part in ((VOICED, 0.9), (DRAFTED, 0.0), (4, 0.9), (DRAFTED, 0.0)):
        made.hears(part)
    assert not cut(made.says(text("We came home.", revision=0)))
    assert not cut(made.hears((SOON - DRAFTED - 1, 0.0)))


def test_the_text_of_a_segment_that_was_cut_says_nothing_of_the_next() -> None:
    made = adaptive()
    made.hears((VOICED, 0.9), (SOON, 0.0), (20, 0.0))
    made.hears((VOICED, 0.9))
    made.says(text("and the", segment=0))
    assert cut(made.hears((SOON, 0.0)))


def test_a_speaker_who_pauses_long_is_waited_for_the_next_time() -> None:
    made = adaptive()
    made.hears((VOICED, 0.9), (SOON - 1, 0.0), (VOICED, 0.9), (20, 0.0))
    assert not cut(made.hears((VOICED, 0.9), (SOON, 0.0)))


def test_pauses_are_learned_without_drafts_too_and_none_is_sent() -> None:
    made = adaptive(drafts=False)
    found = made.hears((VOICED, 0.9), (SOON - 1, 0.0), (VOICED, 0.9), (20, 0.0))
    assert not decisions(found, "draft")
    assert not cut(made.hears((VOICED, 0.9), (SOON, 0.0)))


def test_a_session_may_change_the_upper_bound_between_two_segments() -> None:
    made = adaptive()
    made.segment()
    other = replace(terms("es", drafts=True), cutting=replace(CONFIG, drafts=True, min_silence_ms=96))
    made.give(inputs.Update(other))
    assert cut(made.hears((VOICED, 0.9), (3, 0.0)))


def test_a_recording_waits_for_the_upper_bound_since_nobody_waits_for_it() -> None:
    made = adaptive()
    made.hears(*[(VOICED, 0.9), (20, 0.0)] * 4)
    assert not cut(made.hears((VOICED, 0.9), (MOST // 32 - 1, 0.0)))
    assert cut(made.hears((1, 0.0)))

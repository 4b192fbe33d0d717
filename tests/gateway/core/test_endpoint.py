"""How much silence ends a segment: bounds, the speaker's own pauses, and what the draft says so far."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.settings import Settings
from gateway.core.cuts import Cut, Reason, Resumed, Started
from gateway.core.endpoint import SEGMENTS, Endpoint
from gateway.core.quiet import windows
from gateway.core.terms import SegmenterConfig
from tests.gateway.speech import CONFIG, MS

ADAPTIVE = replace(CONFIG, least_silence_ms=256, min_silence_ms=512)
"""Bounds of 8 and 16 windows."""
SOON = 240 * MS
"""When the text of a draft is there."""


class Voice:
    """A speaker whose segments and pauses are told to an endpoint."""

    def __init__(self, **changes: int | None) -> None:
        self.config = replace(ADAPTIVE, **changes)  # type: ignore[arg-type]
        self.endpoint = Endpoint(self.config)
        self.at = 0
        self.number = 0

    @property
    def ms(self) -> float:
        return self.endpoint.required(self.config) / MS

    def begins(self, after: int = 2_000) -> Voice:
        """Begins a segment so many milliseconds after the last one."""
        self.at += after * MS
        self.endpoint.follow(Started(self.number, self.at))
        self.at += 1_000 * MS
        return self

    def understood(self, text: str, language: str = "en", after: int = SOON) -> Voice:
        self.endpoint.asked()
        self.endpoint.understood(text, language, after)
        return self

    def pauses(self, ms: int) -> Voice:
        """Goes on after a pause within the segment."""
        self.endpoint.follow(Resumed(self.number, ms * MS))
        self.at += (ms + 500) * MS
        return self

    def ends(self, reason: Reason = "silence") -> Voice:
        self.endpoint.follow(Cut(self.number, 0, self.at, self.at, b"", reason))
        self.number += 1
        return self

    def says(self, text: str, *pauses: int, after: int = 2_000) -> Voice:
        """One segment with such pauses, of which the text is known at its end."""
        self.begins(after)
        for pause in pauses:
            self.pauses(pause)
        return self.understood(text).ends()


def test_a_fixed_endpoint_is_the_silence_of_the_configuration_whatever_is_said_and_paused() -> None:
    voice = Voice(least_silence_ms=None)
    for text in ("We came home.", "and the", "we came home"):
        assert voice.begins().pauses(400).understood(text).ms == 512
        voice.ends()


def test_the_environment_chooses_the_endpoint_and_its_least_silence() -> None:
    def waits(**chosen: object) -> float:
        config = SegmenterConfig.of(Settings.read(vad_min_silence_ms=512, **chosen))
        return Endpoint(config).required(config) / MS

    assert waits(endpoint="fixed", endpoint_least_ms=64) == 512
    assert (
        waits(endpoint="adaptive", endpoint_least_ms=64)
        < waits(endpoint="adaptive", endpoint_least_ms=384)
        < 512
    )


def test_a_speaker_of_whom_nothing_is_known_gets_an_endpoint_between_the_bounds() -> None:
    assert Voice().ms == 320


def test_an_upper_bound_below_the_lower_one_wins() -> None:
    voice = Voice(min_silence_ms=192)
    assert voice.ms == 192
    assert voice.begins().understood("and the").ms == 192


def test_a_complete_text_ends_sooner_and_one_that_hangs_waits_for_the_upper_bound() -> None:
    unknown = Voice().begins().ms
    assert Voice().begins().understood("We came home.").ms < unknown
    assert Voice().begins().understood("and the").ms == 512
    assert Voice().begins().understood("And the.").ms == 512


@pytest.mark.parametrize(
    ("language", "hanging", "complete"),
    [
        ("en", "We came because", "We came."),
        ("es", "Vinimos porque", "Vinimos."),
        ("fr", "Nous sommes venus avec", "Nous sommes venus."),
        ("de", "Wir kamen, weil", "Wir kamen."),
        ("it", "Siamo venuti con", "Siamo venuti."),
        ("pt", "Viemos porque", "Viemos."),
        ("nl", "We kwamen omdat", "We kwamen."),
        ("ca", "Vam venir perquè", "Vam venir."),
    ],
)
def test_that_holds_in_each_language(language: str, hanging: str, complete: str) -> None:
    assert Voice().begins().understood(hanging, language).ms == 512
    assert Voice().begins().understood(complete, language).ms < Voice().ms


def test_a_text_without_marks_tells_nothing_where_the_engine_never_sets_any() -> None:
    voice = Voice()
    before = voice.ms
    assert voice.begins().understood("we came home").ms == before


def test_a_text_without_a_stop_goes_on_where_the_engine_is_known_to_set_them() -> None:
    voice = Voice().says("We came home.")
    assert voice.begins().understood("And then my brother").ms == 512


def test_speech_that_goes_on_makes_what_was_understood_void() -> None:
    voice = Voice()
    before = voice.ms
    voice.begins().understood("and the")
    assert voice.pauses(400).ms == before


def test_a_speaker_who_pauses_long_is_waited_for_longer_than_the_longest_of_these_pauses() -> None:
    voice = Voice().says("one two", 180, 350)
    assert 350 < voice.ms < 512


def test_a_pause_that_a_hanging_text_explains_is_no_habit() -> None:
    voice = Voice()
    before = voice.ms
    voice.begins().understood("and the").pauses(480)
    assert voice.understood("and the house").ends().ms == before


def test_speech_that_begins_again_before_the_upper_bound_was_cut_falsely_and_counts_as_a_pause() -> None:
    voice = Voice().says("and so we went").begins(after=380)
    assert 380 < voice.ms < 512


def test_speech_that_begins_again_after_the_upper_bound_was_cut_rightly() -> None:
    voice = Voice()
    before = voice.ms
    assert voice.says("and so we went").begins(after=512).ms == before


@pytest.mark.parametrize("reason", ["commit", "length", "end"])
def test_a_cut_that_no_silence_made_is_no_false_one(reason: Reason) -> None:
    voice = Voice()
    before = voice.ms
    assert voice.begins().ends(reason).begins(after=400).ms == before


def test_what_a_speaker_did_long_ago_is_forgotten_and_who_never_pauses_comes_to_the_lower_bound() -> None:
    voice = Voice().says("one two", 450)
    assert voice.ms == 512
    for _ in range(SEGMENTS):
        assert voice.ms == 512
        voice.says("one two")
    assert voice.ms == 256


def test_stops_that_stood_when_more_was_said_are_trusted_and_end_a_segment_sooner() -> None:
    voice = Voice()
    first = voice.begins().understood("Come in.").ms
    for _ in range(4):
        voice.pauses(260).understood("Come in. Sit down.")
        voice.ends().begins().understood("Come in.")
    assert 256 <= voice.ms < first


def test_stops_that_vanish_when_more_is_said_are_believed_no_more() -> None:
    voice = Voice().begins()
    usual = voice.ms
    for _ in range(8):
        voice.understood("Press one.").pauses(260).understood("Press one to go on.").ends().begins()
    assert voice.understood("Press one.").ms == usual


def test_what_is_said_soon_after_a_stop_is_a_new_sentence_only_where_stops_are_trusted() -> None:
    doubted = Voice().says("Come in.").begins(after=400)
    trusted = Voice()
    for _ in range(3):
        trusted.begins().understood("Come in.").pauses(260).understood("Come in. Sit down.").ends()
    before = trusted.ms
    assert doubted.ms == 480
    assert trusted.begins(after=400).ms <= before


def test_a_text_that_will_tell_more_is_waited_for_where_it_comes_before_the_upper_bound() -> None:
    voice = Voice().begins().understood("We came home.", after=400 * MS).ends()
    voice.begins()
    usual = voice.ms
    voice.endpoint.asked()
    assert usual < 400 < voice.ms < 512
    assert voice.understood("We went out.", after=400 * MS).ms < usual


def test_a_text_that_comes_as_soon_as_the_last_one_is_not_forestalled_by_a_window() -> None:
    voice = Voice(least_silence_ms=224).begins().understood("We came home.", after=256 * MS).ends()
    for _ in range(SEGMENTS):
        voice.says("We came home.")
    voice.begins().endpoint.asked()
    assert voice.ms > 256


def test_a_text_that_comes_too_late_or_tells_little_is_not_waited_for() -> None:
    late = Voice().begins().understood("We came home.", after=480 * MS).ends().begins()
    bare = Voice().begins().understood("we came home", after=400 * MS).ends().begins()
    for voice in (late, bare):
        usual = voice.ms
        voice.endpoint.asked()
        assert voice.ms == usual


TEXTS = ("", "We came home.", "we came home", "and the", "And the.", "We came home. And so", "Am 3.", "...")
STEP = st.one_of(
    st.tuples(st.just("begins"), st.integers(0, 900)),
    st.tuples(st.just("pauses"), st.integers(1, 900)),
    st.tuples(st.just("understood"), st.sampled_from(TEXTS)),
    st.tuples(st.just("ends"), st.sampled_from(("silence", "commit", "length", "end"))),
)


@given(st.lists(STEP, max_size=40), st.integers(32, 900), st.integers(32, 900))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_the_endpoint_stays_within_its_bounds(
    steps: list[tuple[str, int | str]], least: int, most: int
) -> None:
    voice = Voice(least_silence_ms=least, min_silence_ms=most)
    for what, value in steps:
        getattr(voice, what)(value)
        assert windows(min(least, most)) <= voice.endpoint.required(voice.config) <= windows(most)

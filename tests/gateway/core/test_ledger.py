"""One attempt is heard: what the journal says of a speaker's segments, whoever reads it."""

from __future__ import annotations

import pytest

from bridge.types import Decision, Event
from gateway.core.facts import (
    Decided,
    Fact,
    Original,
    Piece,
    Refused,
    Rewound,
    Spared,
    Taken,
    Torn,
    Transcribed,
    Translated,
    Whole,
)
from gateway.core.ledger import Ledger
from tests.gateway.events import (
    SESSION,
    again,
    audio,
    cut,
    done,
    failed,
    gave_up,
    heard,
    marks,
    spoken,
    started,
    translated,
    whole,
)


def fold(ledger: Ledger, *items: Event | Decision) -> list[Fact]:
    return [
        fact
        for item in items
        for fact in (ledger.report(item) if isinstance(item, Event) else ledger.decide(item))
    ]


def book(segments: int = 1, *targets: str) -> Ledger:
    made = Ledger()
    fold(made, *(cut(segment, *targets) for segment in range(segments)))
    return made


def speaking(segments: int = 1, *targets: str) -> Ledger:
    """All is translated, nothing is spoken yet."""
    made = book(segments, *targets)
    for segment in range(segments):
        fold(made, heard(segment), *(translated(segment, target) for target in targets or ("es",)))
    return made


def pieces(facts: list[Fact]) -> list[tuple[int, int, int]]:
    """(attempt, sentence, index) of what is heard."""
    events = [fact.event for fact in facts if isinstance(fact, Piece)]
    return [(event.attempt, event.sentence, event.index) for event in events]


# --- once ---


def test_a_segment_is_transcribed_translated_and_spoken_once() -> None:
    events = [heard(0), translated(0), *spoken(0, sentences=(2,))]

    assert fold(book(), *events) == [
        Transcribed(events[0]),
        Translated(events[1]),
        Piece(events[2]),
        Piece(events[3]),
        Whole(0, "es"),
    ]


def test_a_beginning_that_two_gateways_found_is_told_once() -> None:
    first, second = (Decision("began", SESSION, segment=0, fence=fence) for fence in (0, 1))
    following = Decision("began", SESSION, segment=1, fence=1)
    assert fold(Ledger(), first, second, cut(0), following) == [
        Decided(first),
        Decided(cut(0)),
        Decided(following),
    ]


def test_every_entry_twice_is_as_good_as_once() -> None:
    events = [heard(0), translated(0), *spoken(0, sentences=(2, 1))]

    assert fold(book(), *(event for event in events for _ in range(2))) == fold(book(), *events)


def test_a_journal_that_is_read_again_from_its_start_says_nothing_new() -> None:
    ledger = book(2)
    events = [*whole(0), *whole(1)]
    fold(ledger, *events)

    assert fold(ledger, *events) == []


def test_captions_are_those_of_the_first_attempt_that_delivers() -> None:
    ledger = book()
    fold(ledger, again(0, 1, "stt", None))

    assert fold(ledger, heard(0, "one", 1), heard(0, "two", 0)) == [Transcribed(heard(0, "one", 1))]
    assert fold(ledger, translated(0, attempt=1), translated(0, attempt=0)) == [
        Translated(translated(0, attempt=1))
    ]


def test_a_translation_of_another_transcript_than_the_caption_is_neither_shown_nor_spoken() -> None:
    ledger = book()
    fold(ledger, again(0, 1, "stt", None), heard(0, "recognise speech", 0))

    assert fold(ledger, heard(0, "wreck a nice beach", 1), translated(0, attempt=1)) == []
    assert fold(ledger, *spoken(0, attempt=1)) == []
    assert pieces(fold(ledger, translated(0, attempt=0), *spoken(0))) == [(0, 0, 0)]


def test_speech_of_another_translation_than_the_caption_is_not_heard() -> None:
    ledger = book()
    fold(ledger, heard(0), again(0, 1, "translation"), translated(0, attempt=1))

    assert fold(ledger, translated(0, attempt=0), *spoken(0, attempt=0)) == []
    assert pieces(fold(ledger, *spoken(0, attempt=1))) == [(1, 0, 0)]


def test_a_translation_that_was_sent_again_may_be_the_one() -> None:
    ledger = book(1, "es", "ca")
    fold(ledger, heard(0), again(0, 1, "translation", "es"))

    assert fold(ledger, translated(0, "ca", 1)) == []
    assert fold(ledger, translated(0, "es", 1)) == [Translated(translated(0, "es", 1))]


# --- one attempt is heard ---


def test_the_first_attempt_that_delivers_is_heard_alone() -> None:
    ledger = speaking()
    fold(ledger, again(0, 1))
    mixed = [event for pair in zip(spoken(0, attempt=1), spoken(0, attempt=0), strict=True) for event in pair]

    facts = fold(ledger, *mixed)

    assert pieces(facts) == [(1, 0, 0)]
    assert facts[-1] == Whole(0, "es")


def test_two_attempts_are_never_joined_though_their_pieces_would_fit() -> None:
    ledger = speaking()
    fold(ledger, again(0, 1))

    heard_of = fold(ledger, audio(0, 0, attempt=0), audio(0, 1, attempt=1), audio(0, 1, attempt=0, last=True))

    assert pieces(heard_of) == [(0, 0, 0), (0, 0, 1)]


def test_an_attempt_that_takes_over_begins_with_the_sentence_that_was_cut_off() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0, 0, last=True), audio(0, 1, 1))

    assert fold(ledger, again(0, 1, sentence=1)) == [Rewound(0, "es", 1)]
    facts = fold(ledger, audio(0, 0, 1, attempt=1), audio(0, 1, 1, attempt=1, last=True), done(0, 2, "es", 1))
    assert pieces(facts) == [(1, 1, 0), (1, 1, 1)]
    assert facts[-1] == Whole(0, "es")


def test_sentences_that_were_heard_whole_meanwhile_are_not_repeated() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0, 0, last=True))
    # Decided when no sentence was whole, so the attempt speaks all of them.
    fold(ledger, again(0, 1, sentence=0))

    assert pieces(fold(ledger, *spoken(0, attempt=1, sentences=(2, 1)))) == [(1, 1, 2)]


def test_what_the_fenced_attempt_says_later_is_dropped() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0), again(0, 1))

    assert fold(ledger, audio(0, 1, last=True), done(0, 2)) == []
    assert pieces(fold(ledger, *spoken(0, attempt=1))) == [(1, 0, 0)]


def test_an_attempt_that_finds_nothing_left_to_say_ends_the_speech() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0, last=True), again(0, 1, sentence=1))

    assert fold(ledger, done(0, 0, attempt=1)) == [Whole(0, "es")]


def test_an_attempt_that_nobody_decided_is_not_heard() -> None:
    assert fold(speaking(), *spoken(0, attempt=1)) == []


def test_a_decision_to_send_again_what_is_whole_changes_nothing() -> None:
    ledger = speaking(1, "es", "ca")
    fold(ledger, *spoken(0, "es"))

    assert fold(ledger, again(0, 1, target="es"), *spoken(0, "es", attempt=1)) == []


# --- what was lost on its way ---


def test_behind_a_lost_piece_none_is_heard_and_the_end_tells_of_it() -> None:
    ledger = speaking()
    lossy = done(0, 3)

    assert pieces(fold(ledger, audio(0, 0), audio(0, 2, last=True))) == [(0, 0, 0)]
    assert fold(ledger, lossy) == [Torn(lossy)]


def test_after_a_loss_the_next_attempt_is_heard_from_the_torn_sentence() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0, 0, last=True), audio(0, 2, 1, last=True), done(0, 3))

    assert fold(ledger, again(0, 1, sentence=1)) == [Rewound(0, "es", 1)]
    assert pieces(fold(ledger, audio(0, 0, 1, attempt=1, last=True), done(0, 1, attempt=1))) == [(1, 1, 0)]


def test_an_attempt_whose_beginning_was_lost_does_not_silence_its_twin() -> None:
    ledger = speaking()
    fold(ledger, again(0, 1))

    facts = fold(ledger, audio(0, 1, attempt=0, last=True), *spoken(0, attempt=1))

    assert pieces(facts) == [(1, 0, 0)]
    assert facts[-1] == Whole(0, "es")


def test_an_end_of_which_all_pieces_were_lost_tells_of_it() -> None:
    assert fold(speaking(), done(0, 2)) == [Torn(done(0, 2))]


# --- what workers say of themselves ---


def test_starts_and_failures_are_told() -> None:
    events = [started(0), failed(0, "stt", None)]

    assert fold(book(), *events) == [Taken(events[0]), Refused(events[1])]


@pytest.mark.parametrize("stage", ["translation", "tts"])
def test_a_twin_of_another_transcript_neither_runs_nor_fails_for_anybody(stage: str) -> None:
    ledger = speaking() if stage == "tts" else book()
    fold(ledger, again(0, 1, "stt", None), heard(0, attempt=0))

    assert fold(ledger, started(0, stage, "es", 1), failed(0, stage, "es", 1, retryable=False)) == []  # type: ignore[arg-type]
    assert len(fold(ledger, started(0, stage, "es", 0), failed(0, stage, "es", 0))) == 2  # type: ignore[arg-type]


def test_while_one_attempt_is_heard_the_failure_of_another_decides_nothing() -> None:
    ledger = speaking()
    fold(ledger, again(0, 1), audio(0, 0, attempt=0))

    assert fold(ledger, started(0, "tts", "es", 1), failed(0, attempt=1, retryable=False)) == []
    assert fold(ledger, failed(0, attempt=0)) == [Refused(failed(0, attempt=0))]


# --- the end ---


def test_after_a_give_up_nothing_is_said() -> None:
    ledger = book(1, "es", "ca")
    fold(ledger, heard(0))

    assert fold(ledger, gave_up(0, "es")) == [Decided(gave_up(0, "es"))]
    assert fold(ledger, translated(0, "es"), *spoken(0, "es"), failed(0, target="es")) == []
    assert fold(ledger, translated(0, "ca")) == [Translated(translated(0, "ca"))]


def test_after_a_segment_was_given_up_no_transcript_comes() -> None:
    ledger = book(1, "es", "ca")

    assert fold(ledger, gave_up(0, None, "stt")) == [Decided(gave_up(0, None, "stt"))]
    assert fold(ledger, heard(0), started(0), failed(0, "stt", None), gave_up(0, None, "stt")) == []


def test_what_is_whole_cannot_be_given_up() -> None:
    ledger = speaking(1, "es", "ca")
    fold(ledger, *spoken(0, "es"))

    assert fold(ledger, gave_up(0, "es")) == []
    assert fold(ledger, gave_up(0, None)) == [Decided(gave_up(0, None))]


def test_nothing_said_ends_all_targets() -> None:
    ledger = book(1, "es", "ca")

    assert fold(ledger, heard(0, "")) == [Transcribed(heard(0, ""))]
    assert fold(ledger, translated(0, "ca"), *spoken(0), gave_up(0, None, "stt")) == []


def test_silenced_segments_are_forgotten_and_later_ones_are_not() -> None:
    ledger = speaking(3)
    ledger.silence(2)

    assert fold(ledger, *spoken(0), *spoken(1), gave_up(1)) == []
    assert pieces(fold(ledger, *spoken(2))) == [(0, 0, 0)]


def test_a_segment_that_nobody_wants_to_hear_is_told_and_not_awaited() -> None:
    ledger = Ledger()
    silent = Decision("cut", SESSION, segment=0, targets=())

    assert fold(ledger, silent) == [Decided(silent)]
    assert fold(ledger, *whole(0)) == []


def test_only_the_revision_that_was_cut_counts() -> None:
    ledger = Ledger()
    fold(ledger, cut(0, revision=1))

    assert fold(ledger, *whole(0)) == []


@pytest.mark.parametrize(
    "event",
    [
        heard(7),
        audio(7, 0),
        translated(0, "fr"),
        audio(0, 0, target="fr"),
        Event("text", "translation", SESSION, 0, text="va"),
        Event("audio", "tts", SESSION, 0, pcm=b"abcd"),
        started(0, "tts", "fr"),
        failed(0, target="fr"),
    ],
)
def test_what_nobody_waits_for_is_ignored(event: Event) -> None:
    assert fold(speaking(), event) == []


def test_nothing_is_kept_of_segments_that_are_over() -> None:
    ledger = book(50, "es", "ca")
    for segment in range(50):
        fold(ledger, *(whole(segment, "es", "ca") if segment % 2 else [gave_up(segment, None, "stt")]))

    assert all(ledger.voice(segment, "es") is None for segment in range(50))
    assert "Voice" not in repr(vars(ledger))


def test_what_was_heard_of_a_voice_is_known_until_the_segment_is_over() -> None:
    ledger = speaking()
    fold(ledger, audio(0, 0, 0, last=True), audio(0, 1, 1))

    voice = ledger.voice(0, "es")
    assert voice is not None
    assert (voice.chosen, voice.sentences, voice.index) == (0, 1, 2)
    fold(ledger, audio(0, 2, 1, last=True), done(0, 3))
    assert ledger.voice(0, "es") is None


def test_marks_tell_where_a_sample_is_from() -> None:
    (first, *_, last) = marks(audio(4095, 15, 15, "fr", 255).pcm)

    assert first == (4095, 2, 255, 15, 60) and last == (4095, 2, 255, 15, 63)


def test_the_floor_is_heard_before_its_words_are_known_and_is_over_with_them() -> None:
    """Who is cut says the language, so its voice can go on its way at once."""
    ledger = Ledger()
    fold(ledger, cut(0, "en", "es", source="en", floor="voice"))
    voice = Event("floor", "stt", SESSION, 0, pcm=b"\1\0", rate=16_000)

    assert fold(ledger, voice) == [Original(voice, "en")]
    assert fold(ledger, voice) == []
    assert fold(ledger, heard(0)) == [Transcribed(heard(0)), Whole(0, "en")]
    assert fold(ledger, gave_up(0, "en")) == []


def test_the_floor_of_a_language_that_was_found_begins_with_the_words() -> None:
    ledger = Ledger()
    fold(ledger, cut(0, "en", floor="voice"))
    voice = Event("floor", "stt", SESSION, 0, pcm=b"\1\0", rate=16_000)

    assert fold(ledger, voice) == []
    facts = fold(ledger, heard(0))
    assert facts == [Transcribed(heard(0)), Spared(0, "en"), Original(voice, "en"), Whole(0, "en")]

"""Two people, two languages, one device: each is heard in the other one's language only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.types import Decision, Event, Target
from gateway.core import effects, inputs
from gateway.core.effects import Effect
from gateway.core.facts import Spared, Transcribed, Whole
from gateway.core.ledger import Ledger
from gateway.core.room import Room
from tests.gateway.core.bench import NOW, PATIENCE, Bench, decisions, submits
from tests.gateway.events import (
    SESSION,
    again,
    cut,
    failed,
    gave_up,
    heard,
    said,
    spoken,
    started,
    translated,
)

PAIR = ("en", "es")
WORDS = {"en": "go on", "es": "siga"}


class Conversation(Bench):
    """A bench whose engines hear what the test says: each transcript has its language."""

    def __init__(self, *targets: str, attempts: int = 3) -> None:
        super().__init__(*(targets or PAIR), patience=replace(PATIENCE, attempts=attempts))

    def fresh(self) -> Room:
        """A room that tells two languages apart."""
        self.terms = replace(self.terms, source=None, among=PAIR, floor="silent")
        return super().fresh()

    def understands(self, segment: int, language: str, text: str | None = None) -> list[Effect]:
        """The engine found this language."""
        words = WORDS[language] if text is None else text
        return self.says(Event("text", "stt", SESSION, segment, text=words, language=language, worker="w"))

    def answers(self, segment: int, target: str) -> list[Effect]:
        """Translation and speech of one target."""
        events = [translated(segment, target), *spoken(segment, "es")]
        return self.says(*(replace(event, target=target) for event in events))


def heard_in(found: Sequence[Effect]) -> list[str]:
    return [begins.target for begins in said(found, effects.SpeechBegins)]


def test_each_segment_is_translated_and_spoken_in_the_other_language_alone() -> None:
    made = Conversation()
    for segment, (language, other) in enumerate((("en", "es"), ("es", "en"), ("en", "es"))):
        made.segment()
        found = [*made.understands(segment, language), *made.answers(segment, other)]

        assert [shown.language for shown in said(found, effects.Transcript)] == [language]
        assert [shown.target for shown in said(found, effects.Translation)] == [other]
        assert heard_in(found) == [other]
        assert [over.segment for over in said(found, effects.Done)] == [segment]
    assert len(made.speaker._supervision) == 0


def test_engines_are_told_the_two_languages_and_the_one_that_was_found_last() -> None:
    made = Conversation()
    asked = []
    for segment, found in enumerate(("en", "es", "es", "en")):
        (submit,) = submits(made.segment())
        asked.append(submit.work.prior)
        assert (submit.work.source, submit.work.among, submit.work.floor) == (None, PAIR, "silent")
        assert submit.targets == (Target("en"), Target("es"))
        made.understands(segment, found)

    assert asked == ["", "en", "es", "es"]


def test_a_segment_without_words_leaves_the_language_as_it_was() -> None:
    made = Conversation()
    made.segment()
    made.understands(0, "es")
    made.answers(0, "en")
    made.segment()
    found = made.understands(1, "en", "")

    assert [over.segment for over in said(found, effects.Done)] == [1]
    assert submits(made.segment())[0].work.prior == "es"


def test_of_transcripts_out_of_order_that_of_the_last_segment_counts() -> None:
    made = Conversation()
    made.segment()
    made.segment()
    made.understands(1, "es")
    made.understands(0, "en")

    assert submits(made.segment())[0].work.prior == "es"


def test_whoever_reads_the_journal_knows_the_language_that_was_found_last() -> None:
    made = Conversation()
    for segment, language in enumerate(("en", "es")):
        made.segment()
        made.understands(segment, language)
    another = Ledger()
    for item in (entry.item for entry in made.journal.entries):
        if isinstance(item, Event):
            another.report(item)
        elif isinstance(item, Decision):
            another.decide(item)

    assert another.language == made.room.ledger(SESSION).language == "es"
    assert Ledger().language == ""


def test_what_a_segment_is_asked_is_the_same_when_it_is_sent_again() -> None:
    made = Conversation()
    made.segment()
    made.understands(0, "es")
    (first,) = submits(made.segment())
    made.sent(1, stt="stt.a", translation="translation.a", tts="tts.a")
    found = made.give(inputs.Tick(), NOW + PATIENCE.queue + 0.1)
    (resent,) = [submit for submit in submits(found) if submit.work.segment == 1]

    assert resent.work == first.work.but(attempt=1)


def test_nobody_waits_for_the_language_that_is_spoken_and_nothing_is_sent_again_for_it() -> None:
    made = Conversation()
    made.segment()
    made.sent(0, stt="stt.a", translation="translation.a", tts="tts.a")
    found = made.understands(0, "en")
    freed = {key for effect in found if isinstance(effect, effects.Free) for key in effect.keys}
    later = made.give(inputs.Tick(), NOW + PATIENCE.queue + 0.1)

    assert {(0, "translation", "en"), (0, "tts", "en")} <= freed
    assert [(s.stage, s.work.target, s.work.floor) for s in submits(later)] == [
        ("translation", "es", "silent")
    ]
    assert [decision.target for decision in decisions(later, "again")] == ["es"]


def test_a_translation_that_fails_ends_the_segment_though_the_speakers_language_was_over_before() -> None:
    made = Conversation(attempts=1)
    made.segment()
    made.understands(0, "en")
    found = made.says(failed(0, "translation", "es", retryable=False))

    assert [(lost.target, lost.code) for lost in said(found, effects.Failed)] == [("es", "broken")]
    assert [over.segment for over in said(found, effects.Done)] == [0]
    assert len(made.speaker._supervision) == 0


def test_speech_in_the_other_language_never_waits_for_what_is_not_spoken() -> None:
    made = Conversation()
    made.segment()
    made.segment()
    made.understands(0, "en")
    made.understands(1, "es")
    # Spanish, of the first segment, is late; English, of the second one, is heard meanwhile.
    assert heard_in(made.answers(1, "en")) == ["en"]
    assert heard_in(made.answers(0, "es")) == ["es"]


def test_terms_without_two_languages_have_no_floor() -> None:
    made = Bench(*PAIR)
    made.segment()
    made.says(heard(0))
    found = made.segment()

    assert [(s.work.among, s.work.floor, s.work.prior) for s in submits(found)] == [((), "", "")]
    assert [decision.floor for decision in decisions(found, "cut")] == [""]


@pytest.mark.parametrize(
    ("targets", "language", "silent"),
    [
        (("en", "es"), "en", ["en"]),
        (("en-GB", "es"), "en", ["en-GB"]),
        (("en", "es"), "fr", []),
        (("en", "en-GB"), "en", ["en", "en-GB"]),
    ],
)
def test_the_journal_says_of_each_target_in_the_spoken_language_that_it_is_over(
    targets: tuple[str, ...], language: str, silent: list[str]
) -> None:
    ledger = Ledger()
    ledger.decide(cut(0, *targets, floor="silent"))
    transcript = replace(heard(0), language=language)

    over = [fact for target in silent for fact in (Spared(0, target), Whole(0, target))]
    assert ledger.report(transcript) == [Transcribed(transcript), *over]
    for target in silent:
        late = [started(0, "translation", target), translated(0, target), failed(0, "tts", target)]
        assert [fact for event in late for fact in ledger.report(event)] == []
        assert ledger.decide(gave_up(0, target)) == ledger.decide(again(0, 1, "translation", target)) == []


def test_a_target_that_was_given_up_before_is_not_over_twice() -> None:
    ledger = Ledger()
    ledger.decide(cut(0, *PAIR, floor="silent"))
    ledger.decide(gave_up(0, "en"))

    assert ledger.report(heard(0)) == [Transcribed(heard(0))]


def test_without_a_floor_the_spoken_language_is_spoken_as_well() -> None:
    ledger = Ledger()
    ledger.decide(cut(0, *PAIR))

    assert ledger.report(heard(0)) == [Transcribed(heard(0))]
    assert ledger.report(translated(0, "en")) != []

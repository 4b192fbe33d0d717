"""What was said before goes with a segment: how much, for how long, and in which language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.settings import Settings
from bridge.types import Event, Work
from gateway.core import inputs
from gateway.core.memory import CHARACTERS, FORGETFUL, Memory, Recall
from gateway.core.terms import Patience
from tests.gateway.core.bench import DRAFTED, NOW, PATIENCE, SILENT, VOICED, Bench, submits
from tests.gateway.events import SESSION

TWO = Recall(2, 180)


def text(segment: int, words: str, language: str = "en", revision: int = 0) -> Event:
    return Event("text", "stt", SESSION, segment, revision, text=words, language=language)


def memory(*events: Event, recall: Recall = TWO, now: float = 0.0) -> Memory:
    made = Memory(recall)
    for event in events:
        made.note(event, now)
    return made


def before(made: Memory, segment: int, now: float = 0.0, **work: object) -> tuple[str, ...]:
    return made.before(Work(SESSION, segment, **{"source": "en"} | work), now)  # type: ignore[arg-type]


def test_so_many_segments_before_it_are_told_the_oldest_first() -> None:
    made = memory(text(2, "three"), text(0, "one"), text(1, "two"), text(4, "five"))
    assert before(made, 3) == ("two", "three")
    assert before(made, 1) == ("one",)
    assert before(made, 0) == ()


def test_with_no_segments_nothing_is_remembered() -> None:
    made = memory(text(0, "one"), recall=FORGETFUL)
    assert before(made, 1) == ()
    assert not made._said


def test_what_was_said_is_forgotten_after_its_time() -> None:
    made = memory(text(0, "one"))
    made.note(text(1, "two"), 100)
    assert before(made, 2, now=179) == ("one", "two")
    assert before(made, 2, now=180) == ("two",)
    assert before(made, 2, now=280) == ()
    assert not made._said


def test_little_is_kept_of_a_session_that_lasts() -> None:
    made = memory(*(text(number, "words") for number in range(1_000)))
    assert len(made._said) < 20


def test_of_long_speech_the_last_words_are_told() -> None:
    made = memory(text(0, "old " * 30), text(1, "word " * 79 + "word"))
    assert before(made, 2) == ("word " * 79 + "word",)
    (end,) = before(memory(text(0, "some word " * 100 + "end")), 1)
    assert len(end) <= CHARACTERS and end.endswith("word end") and end.startswith(("some ", "word "))
    both = before(memory(text(0, "first second third"), text(1, "x" * (CHARACTERS - 9))), 2)
    assert both == ("third", "x" * (CHARACTERS - 9))


def test_what_was_said_in_another_language_is_not_told() -> None:
    made = memory(text(0, "hola", "es"), text(1, "hello", "en-GB"))
    assert before(made, 2) == ("hello",)
    assert before(made, 2, source="es") == ("hola",)


def test_where_the_language_is_detected_that_of_the_last_segment_counts() -> None:
    made = memory(text(0, "hola", "es"), text(1, "hello"))
    assert before(made, 2, source=None, prior="es") == ("hola",)
    assert before(made, 2, source=None) == ()


def test_a_draft_that_was_cut_anew_is_remembered_as_it_was_said_at_last() -> None:
    assert before(memory(text(0, "go"), text(0, "go on", revision=1)), 1) == ("go on",)


def test_a_segment_of_the_speaker_is_sent_with_what_is_known_by_then() -> None:
    made = Bench("es", patience=replace(PATIENCE, recall=TWO))
    (first,) = submits(made.segment())
    (second,) = submits(made.segment())
    made.says(text(0, "one"), text(1, "two"))
    (third,) = submits(made.hears((VOICED, 0.9), (SILENT, 0.0)))
    assert [submit.work.context for submit in (first, second, third)] == [(), (), ("one", "two")]


def test_a_draft_is_sent_with_it_and_so_is_what_is_sent_again() -> None:
    made = Bench("es", drafts=True, patience=replace(PATIENCE, recall=TWO))
    made.segment()
    made.says(text(0, "one"))
    (draft,) = submits(made.hears((VOICED, 0.9), (DRAFTED, 0.0)))
    made.hears((SILENT - DRAFTED, 0.0))
    made.sent(1, stt="stt.a")
    sent = submits(made.give(inputs.Tick(), NOW + 30))
    (again,) = (submit for submit in sent if submit.work.segment == 1)
    assert draft.work.draft and again.work.attempt == 1
    assert draft.work.context == again.work.context == ("one",)


def test_the_operator_says_how_much_is_remembered_and_for_how_long() -> None:
    settings = Settings.read(context_segments=1, context_timeout_seconds=60)
    made = memory(text(0, "one"), text(1, "two"), recall=Patience.of(settings).recall)
    assert before(made, 2, now=59) == ("two",)
    assert before(made, 2, now=60) == ()
    assert Patience.of(Settings.read()).recall == TWO


def test_the_names_of_others_set_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_HISTORY", "5")
    monkeypatch.setenv("CONTEXT_TIMEOUT", "20")
    assert Patience.of(Settings.read()).recall == Recall(5, 20)
    monkeypatch.setenv("CONTEXT_TURNS", "4")
    assert Patience.of(Settings.read()).recall == Recall(4, 20)

"""A head and what follows it, in the care of a speaker's gateway, whichever worker is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bridge.types import Event, Stage, item_name
from gateway.core import inputs
from gateway.core.deadlines import LOOK
from gateway.core.effects import Effect, Failed, SpeechEnds
from gateway.core.effects import Translation as Caption
from gateway.core.room import effects_of
from gateway.core.takeover import Takeover
from tests.gateway.core.bench import NOW, Bench, bench, decisions, submits
from tests.gateway.events import SESSION, audio, done, failed, headed, heard, rest, said, sound, started

HEAD = audio(0, 0, last=True)
REST = (audio(0, 0, sentence=1, last=True, part=1), done(0, 1, part=1))


def again(found: Iterable[Effect]) -> list[tuple[Stage | None, int, int]]:
    return [(d.stage, d.sentence, d.skip) for d in decisions(found, "again")]


def leading(*more: Event) -> Bench:
    """A segment whose head worker `h` is about to speak, while worker `tr` translates on."""
    made = bench()
    made.says(heard(0), started(0, "translation", "es", worker="tr"), headed(0))
    made.says(started(0, "tts", "es", worker="h"), *more)
    return made


def vanish(made: Bench, worker: str, queue: str = "tts.a") -> list[Effect]:
    return made.give(inputs.Vanished(worker, queue, elsewhere=True))


def test_the_caption_is_told_once_and_whole() -> None:
    made = bench()
    found = made.says(heard(0), headed(0), HEAD, rest(0), done(0, 1), *REST)

    assert [caption.text for caption in said(found, Caption)] == ["va y vuelve"]
    assert len(said(found, SpeechEnds)) == 1
    assert [mark.sentence for mark in sound(found, 0)] == [0] * 4 + [1] * 4


def test_a_head_whose_worker_vanished_is_sent_again_with_the_rest() -> None:
    made = leading(audio(0, 0, worker="h"))
    assert again(vanish(made, "h")) == []  # what follows it is not known yet

    found = [*made.says(rest(0)), *made.give(inputs.Tick())]
    assert again(found) == [("tts", 0, 0)]
    (submit,) = submits(found)
    assert (submit.work.text, submit.work.head, submit.work.part) == ("va y vuelve", "va", 0)


def test_a_head_that_vanishes_when_all_is_translated_is_sent_again_at_once() -> None:
    made = leading(rest(0), started(0, "tts", "es", worker="r", part=1))

    assert again(vanish(made, "h")) == [("tts", 0, 0)]
    assert again(vanish(made, "r")) == []  # the other attempt has all of it


def test_the_rest_whose_worker_vanished_is_sent_again_when_the_head_is_spoken() -> None:
    made = leading(HEAD, rest(0), started(0, "tts", "es", worker="r", part=1))
    assert again(vanish(made, "r")) == []

    found = [*made.says(done(0, 1)), *made.give(inputs.Tick())]
    assert again(found) == [("tts", 1, 0)]


def test_a_translator_that_vanishes_behind_its_head_leaves_the_rest_to_another() -> None:
    made = leading(HEAD, done(0, 1))

    found = vanish(made, "tr", "translation.a")
    assert again(found) == [("translation", 0, 30)]
    (submit,) = submits(found)
    assert (submit.work.text, submit.work.head, submit.work.skip) == ("go", "va", 30)
    heard_on = made.says(rest(0, attempt=1), *(replace(event, attempt=1) for event in REST))
    assert [mark.sentence for mark in sound(heard_on, 0)] == [1] * 4


def test_a_head_that_was_announced_and_never_sent_is_missed() -> None:
    made = bench()
    made.says(heard(0), started(0, "translation", "es", worker="tr"), headed(0))
    vanish(made, "tr", "translation.a")

    assert again([*made.says(rest(0, attempt=1)), *made.give(inputs.Tick())]) == [("tts", 0, 0)]


@pytest.mark.parametrize(("part", "sentence"), [(0, 0), (1, 1)])
def test_a_part_that_fails_is_tried_again(part: int, sentence: int) -> None:
    made = leading(rest(0))
    broken = replace(failed(0), part=part)
    made.says(*([HEAD, broken, done(0, 1)] if part else [broken]))

    assert again(made.give(inputs.Tick(), NOW + 5)) == [("tts", sentence, 0)]


def test_a_part_that_fails_for_good_gives_the_target_up() -> None:
    found = leading(rest(0)).says(failed(0, retryable=False))

    assert [(failure.target, failure.code) for failure in said(found, Failed)] == [("es", "broken")]


def test_a_worker_that_says_that_it_speaks_a_part_is_waited_for() -> None:
    made = leading(rest(0), started(0, "tts", "es", worker="r", part=1))
    items = {item_name(SESSION, 0, 0, "tts", "es", 0, part) for part in (0, 1)}
    made.give(inputs.Looked(items))
    for second in range(1, 50):
        assert again(made.give(inputs.Tick(), NOW + second)) == []

    made.says(HEAD, done(0, 1))
    made.give(inputs.Looked(set()))
    assert again(made.give(inputs.Tick(), NOW + 50)) == [("tts", 1, 0)]


def taken_over(made: Bench) -> list[Effect]:
    """What another gateway does, which finds the journal of the first and no sign of its work."""
    room = made.fresh()
    here = room.here[SESSION]
    here.fence = 1
    for entry in made.journal.entries:
        room.handle(entry, made.now, SESSION)
    taken = here.take(Takeover(segments=1), made.now)
    found: list[Effect] = []
    for decision in decisions(taken):
        for entry in made.journal.write(decision):
            found += effects_of(room.handle(entry, made.now))
    found += effects_of(room.handle(inputs.Looked(set()), made.now, SESSION))
    return [*found, *effects_of(room.handle(inputs.Tick(), made.now + LOOK, SESSION))]


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ([HEAD], ("translation", 0, 30)),
        ([HEAD, rest(0)], ("tts", 1, 0)),
        ([rest(0)], ("tts", 0, 0)),
        ([HEAD, done(0, 1), rest(0)], ("tts", 1, 0)),
    ],
)
def test_another_gateway_goes_on_where_the_first_one_was(
    known: list[Event], sent: tuple[Stage, int, int]
) -> None:
    assert again(taken_over(leading(*known))) == [sent]

"""When a segment is taken for our own speech that came back, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.types import SAMPLE_BYTES
from gateway.core import inputs
from gateway.core.bargein import EARLY
from gateway.core.echo import OWN, Echoes, told
from gateway.core.effects import Done, Effect, Failed, Obeyed, Submit
from gateway.core.heard import UNSEEN, Heard
from gateway.core.quiet import WINDOW
from tests.gateway.core.bench import SILENT, VOICED, Bench, decisions, submits
from tests.gateway.events import said

ECHO = Heard(1.0, 0.1)
OWN_VOICE = Heard(1.0, 1.0)
BESIDE = Heard(1.0, 0.9)
UNKNOWN = Heard(1.0, 1.0, sure=False)


def echoes(*heard: Heard, voiced: Sequence[float] = ()) -> Echoes:
    made = Echoes()
    made.note(voiced or [0.9] * len(heard), heard, 0.5)
    return made


def explained(made: Echoes, windows: int) -> bool:
    return made.explain(0, windows * WINDOW)


# --- the verdict ---


def test_what_was_played_is_an_echo() -> None:
    assert explained(echoes(*[ECHO] * 20), 20)


def test_what_nothing_explains_is_speech() -> None:
    assert not explained(echoes(*[OWN_VOICE] * 20), 20)
    assert not explained(echoes(*[Heard(1.0, 0.45)] * 20), 20)


def test_where_nothing_was_played_all_is_speech() -> None:
    made = Echoes()
    made.note([0.9] * 20, [], 0.5)

    assert not explained(made, 20)


def test_a_word_in_the_midst_of_an_echo_keeps_the_segment() -> None:
    assert not explained(echoes(*[ECHO] * 30, *[BESIDE] * OWN, *[ECHO] * 30), 60 + OWN)


def test_what_a_room_adds_here_and_there_does_not() -> None:
    assert explained(echoes(*[ECHO, ECHO, *[BESIDE] * (OWN - 1)] * 4, *[ECHO] * 60), 20 + 60)
    assert explained(echoes(*[ECHO] * 30, *[Heard(0.1, 0.1)] * 20), 50)  # it fades away


def test_who_goes_on_when_the_echo_is_over_is_heard() -> None:
    made = echoes(*[ECHO] * 30)
    made.note([0.9] * OWN, [], 0.5)

    assert explained(made, 30)
    assert not explained(made, 30 + OWN)


def test_windows_that_nobody_looked_at_count_for_nothing_but_most_must_have_been() -> None:
    assert explained(echoes(*[ECHO] * 20, *[UNSEEN] * 10), 30)
    assert not explained(echoes(*[ECHO] * 9, *[UNSEEN] * 10), 19)
    made = echoes(*[ECHO] * 20, *[UNSEEN] * 10)
    made.note([0.9], [OWN_VOICE] * 11, 0.5)
    assert not explained(made, 31)


def test_silence_behind_an_echo_is_nobody() -> None:
    made = echoes(*[ECHO] * 30)
    made.note([0.0] * 20, [], 0.5)

    assert explained(made, 50)


def test_the_beginning_of_an_echo_is_known_a_moment_later_and_stays_known() -> None:
    made = echoes(*[UNKNOWN] * 10)
    assert not explained(made, 10)
    made.note([0.9] * 10, [ECHO] * 20, 0.5)
    assert explained(made, 20)
    made.note([0.9] * (OWN - 1), [OWN_VOICE] * (19 + OWN), 0.5)

    assert explained(made, 19 + OWN)


def test_windows_are_counted_from_the_sample_at_which_a_session_was_taken_over() -> None:
    made = Echoes(at=100 * WINDOW)
    made.note([0.9] * 20, [ECHO] * 20, 0.5)

    assert made.explain(100 * WINDOW, 120 * WINDOW)
    assert not made.explain(0, 20 * WINDOW)


def test_what_is_long_over_is_forgotten() -> None:
    made = echoes(*[ECHO] * 20)
    for _ in range(3_000):
        made.note([0.9], [UNSEEN], 0.5)

    assert len(made._heard) < 2_100
    assert not explained(made, 20)


# --- whose voice ---


def test_each_window_is_somebodys() -> None:
    heard = [ECHO, BESIDE, OWN_VOICE, UNKNOWN, Heard(0.1, 0.09)]

    assert told(heard, 5) == ["echo", "beside", "own", "unknown", "echo"]
    assert told(heard, 2) == ["unknown", "echo"]
    assert told([ECHO], 3) == ["own", "own", "echo"]
    assert told([], 2) == ["own", "own"]


# --- what becomes of it ---


def hears(it: Bench, *heard: Heard) -> list[Effect]:
    """A sentence, judged so, and the silence that ends it."""
    voiced, silent = bytes(len(heard) * WINDOW * SAMPLE_BYTES), bytes(SILENT * WINDOW * SAMPLE_BYTES)
    found = it.give(inputs.Windows(voiced, (0.9,) * len(heard), heard))
    return [*found, *it.give(inputs.Windows(silent, (0.0,) * SILENT))]


def bench(*, drafts: bool) -> Bench:
    it = Bench()
    cutting = replace(it.terms.cutting, drafts=drafts, draft_silence_ms=96)
    it.give(inputs.Update(replace(it.terms, cutting=cutting)))
    return it


@pytest.mark.parametrize("drafts", [False, True])
def test_an_echo_is_not_sent_and_told_as_failed(drafts: bool) -> None:
    it = bench(drafts=drafts)
    found = hears(it, *[ECHO] * VOICED)

    assert submits(found) == []
    (failed,) = said(found, Failed)
    assert (failed.segment, failed.stage, failed.code, failed.retryable) == (0, "stt", "echo", False)
    assert len(said(found, Done)) == 1
    assert not it.speaker.works


def test_the_next_sentence_is_a_sentence_again() -> None:
    it = Bench()
    hears(it, *[ECHO] * VOICED)

    assert [each.work.segment for each in submits(hears(it, *[OWN_VOICE] * VOICED))] == [1]


def test_a_draft_that_turns_out_to_be_an_echo_is_dropped() -> None:
    it = bench(drafts=True)
    it.hears((VOICED, 0.9))
    early = it.hears((5, 0.0))
    late = (*[ECHO] * VOICED, *[Heard(0.01, 0.01)] * (SILENT))
    found = it.give(inputs.Windows(bytes((SILENT - 5) * WINDOW * SAMPLE_BYTES), (0.0,) * (SILENT - 5), late))

    assert len(decisions(early, "draft")) == len([e for e in early if isinstance(e, Submit)]) == 1
    assert len(decisions(found, "dropped")) == 1
    assert [each.code for each in said(found, Failed)] == ["echo"]


def test_an_echo_interrupts_nothing_and_who_speaks_beside_it_does() -> None:
    it = Bench()
    it.give(inputs.Update(replace(it.terms, barge_in="pause")))

    assert said(it.hears((0, 0.0)), Obeyed) == []
    for heard, obeyed in (([ECHO] * 20, 0), ([UNKNOWN] * 20, 0), ([BESIDE] * 5, 1)):
        pcm = bytes(len(heard) * WINDOW * SAMPLE_BYTES)
        found = it.give(inputs.Windows(pcm, (0.9,) * len(heard), tuple(heard)))
        assert len(said(found, Obeyed)) == obeyed


def test_who_is_known_to_hear_no_echo_interrupts_at_once() -> None:
    it = Bench()
    it.give(inputs.Update(replace(it.terms, barge_in="pause")))
    pcm = bytes(EARLY * WINDOW * SAMPLE_BYTES)

    found = it.give(inputs.Windows(pcm, (0.9,) * EARLY, (OWN_VOICE,) * EARLY))
    assert [each.kind for each in said(found, Obeyed)] == ["paused"]

"""Looks at speech that goes on: when they are taken, what is shown of them, and that they are no loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.store.journal import encode
from bridge.types import Event
from gateway.core import inputs
from gateway.core.effects import Append, Effect, Say, Submit
from gateway.core.glimpse import Landed, PartialTranscript, PartialTranslation, Show
from gateway.core.partials import GONE
from gateway.core.quiet import WINDOW
from tests.gateway.core.bench import SILENT, Bench, decisions, submits
from tests.gateway.core.meeting import Gateway, Meeting
from tests.gateway.events import SESSION, Reading, heard

LOOK = 16
"""Windows between two looks."""


def looks(found: Iterable[Effect]) -> list[Submit]:
    return [each for each in submits(found) if each.urgency == "partial"]


def shown(found: Iterable[Effect]) -> list[str]:
    """What is shown, with a bar behind what is stable; translations with their target in front."""
    told = []
    for effect in found:
        if isinstance(effect, Show):
            what = effect.what
            target = f"{what.target}: " if isinstance(what, PartialTranslation) else ""
            told.append(f"{target}{what.text[: what.stable]}|{what.text[what.stable :]}")
    return told


def partial(look: Submit, text: str, *marks: int, **more: str) -> Event:
    """What a worker says of a look."""
    work, language = look.work, "en" if look.stage == "stt" else look.work.target
    return Event(
        "partial", look.stage, work.session, work.segment, target=work.target, index=work.index,
        text=text, language=language, marks=marks, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def speaking(bench: Bench, windows: int = LOOK) -> list[Effect]:
    """Speech goes on; time passes as it does."""
    return bench.hears((windows, 0.9), now=bench.now + windows * 0.032)


def test_nothing_is_asked_where_nobody_reads_along() -> None:
    bench = Bench()
    assert looks(speaking(bench, 100)) == []


def test_the_words_so_far_are_asked_for_as_speech_goes_on_and_by_nobody_but_stt() -> None:
    bench = Bench(partials=True)
    [look] = looks(speaking(bench, 20))
    work = look.work
    assert (look.stage, look.targets, work.partial, work.draft) == ("stt", (), True, False)
    assert (work.segment, work.index) == (0, 20 * WINDOW)
    assert len(look.pcm) == 2 * work.index
    assert not decisions([look])


def test_one_look_at_a_time_and_the_next_one_takes_all_that_was_said_by_then() -> None:
    bench = Bench(partials=True)
    [first] = looks(speaking(bench))
    assert looks(bench.hears((3 * LOOK, 0.9), now=bench.now + 0.1)) == []
    bench.says(partial(first, ""))
    [second] = looks(speaking(bench, 1))
    assert second.work.index == (4 * LOOK + 1) * WINDOW


def test_a_look_that_was_skipped_or_is_lost_is_no_loss() -> None:
    bench = Bench(partials=True)
    [first] = looks(speaking(bench))
    assert bench.give(inputs.Skipped("stt", None)) == []
    [second] = looks(speaking(bench))
    assert second.work.index > first.work.index
    assert looks(speaking(bench)) == []
    bench.now += GONE
    assert len(looks(speaking(bench, 1))) == 1


def test_no_look_is_taken_in_a_pause() -> None:
    bench = Bench(partials=True)
    [first] = looks(speaking(bench))
    bench.says(partial(first, "go"))
    assert looks(bench.hears((SILENT - 3, 0.0))) == []


def test_a_slow_engine_looks_for_a_quarter_of_its_time_at_most() -> None:
    bench = Bench(partials=True)
    [first] = looks(speaking(bench))
    found = speaking(bench, 20)
    bench.says(partial(first, ""))  # it took 20 windows
    assert looks(found) == []
    assert looks(speaking(bench, 4 * 20 - 20 - 1)) == []
    assert len(looks(speaking(bench, 2))) == 1


def test_no_look_is_taken_at_a_recording_that_comes_faster_than_speech() -> None:
    bench = Bench(partials=True)
    bench.give(inputs.Arrived(200 * WINDOW))
    pcm = bytes(2 * 20 * WINDOW)
    assert looks(bench.give(inputs.Windows(pcm, (0.9,) * 20))) == []


def test_words_are_shown_unnumbered_and_their_stable_part_grows() -> None:
    bench = Bench(partials=True)
    [first] = looks(speaking(bench))
    found = bench.says(partial(first, "go for"))
    assert shown(found) == ["|go for"] and not any(isinstance(each, Say | Append) for each in found)
    [show] = [each for each in found if isinstance(each, Show)]
    assert show.what == PartialTranscript(0, "go for", 0, "en", 0.0, LOOK * 32.0)
    assert Landed("stt", None) in found
    [translation] = looks(found)
    bench.says(partial(translation, "va"))
    [second] = looks(speaking(bench))
    assert shown(bench.says(partial(second, "go forward ten"))) == ["go| forward ten"]


def test_words_are_translated_where_they_changed_one_look_after_the_other() -> None:
    bench = Bench("es", "ca", partials=True)
    [look] = looks(speaking(bench))
    translations = looks(bench.says(partial(look, "go for")))
    assert [(each.stage, each.work.target, each.work.text, each.work.source) for each in translations] == [
        ("translation", "es", "go for", "en"), ("translation", "ca", "go for", "en")
    ]  # fmt: skip
    assert shown(bench.says(partial(translations[0], "va a"))) == ["es: |va a"]
    assert looks(speaking(bench)) == []  # one of its translations is on its way yet
    bench.says(partial(translations[1], "va a"))
    [same] = looks(speaking(bench, 1))
    assert looks(bench.says(partial(same, "go for"))) == []


def test_a_translation_that_was_skipped_is_asked_for_again_with_the_next_look() -> None:
    bench = Bench(partials=True)
    [look] = looks(speaking(bench))
    assert len(looks(bench.says(partial(look, "go")))) == 1
    bench.give(inputs.Skipped("translation", "es"))
    [same] = looks(speaking(bench))
    assert len(looks(bench.says(partial(same, "go")))) == 1


def test_what_comes_after_the_cut_or_behind_a_newer_one_shows_nothing() -> None:
    bench = Bench(partials=True)
    [look] = looks(speaking(bench))
    bench.says(replace(partial(look, "go for"), index=2 * look.work.index))
    assert shown(bench.says(partial(look, "no"))) == []
    bench.hears((SILENT, 0.0))
    found = bench.says(replace(partial(look, "late"), index=3 * look.work.index))
    assert shown(found) == [] and Landed("stt", None) in found
    assert shown(bench.says(heard(0, "go forward"))) == []


def test_an_engine_that_failed_shows_nothing_and_is_asked_again() -> None:
    bench = Bench(partials=True)
    [look] = looks(speaking(bench))
    found = bench.says(partial(look, "", code="provider_failed"))
    assert (shown(found), looks(found)) == ([], [])
    assert len(looks(speaking(bench))) == 1


def test_partials_change_nothing_that_is_decided() -> None:
    plain, reading = Bench(drafts=True), Bench(drafts=True, partials=True)
    decided = []
    for bench in (plain, reading):
        found = speaking(bench)
        for look in looks(found):
            found += bench.says(partial(look, "go for"))
        found += bench.hears((SILENT, 0.0), now=bench.now + 0.4)
        found += bench.says(heard(0, "go forward"))
        decided.append((decisions(found), [each for each in submits(found) if each.urgency != "partial"]))
    assert decided[0] == decided[1]


def test_whoever_folds_the_same_journal_shows_the_same_and_counts_the_same() -> None:
    bench = Bench(partials=True)
    for text in ("go", "go for", "go forward ten", "no forward ten meters"):
        for look in looks(speaking(bench)):
            for translation in looks(bench.says(partial(look, text))):
                bench.says(partial(translation, text.upper()))
    bench.hears((SILENT, 0.0))
    bench.says(heard(0, "go forward ten meters"))
    told = [each for _, _, found in bench.record for each in found if isinstance(each, Say | Show)]
    other = Reading()
    again = [each for entry in bench.journal.entries for each in other.fold(entry)]
    assert [each for each in again if isinstance(each, Say | Show)] == told
    assert shown(told)[-2:] == ["go forward ten| meters", "es: GO FORWARD TEN| METERS"]


# --- clause by clause ---


def talk(bench: Bench, texts: Iterable[tuple[str, tuple[int, ...]]]) -> list[Effect]:
    """Each look finds the next of these words."""
    found: list[Effect] = []
    for text, marks in texts:
        found += (new := speaking(bench))
        for look in looks(new):
            found += (answer := bench.says(partial(look, text, *marks)))
            for translation in looks(answer):
                found += bench.says(partial(translation, text.upper()))
    return found


CLAUSE = 1_536
SAID = ("we go on, and then stop here", (2, 300, 5, 600, 9, 900, 13, 1_000, 18, 1_200, 23, 1_400, 28, 1_500))


def test_speech_that_has_lasted_is_cut_behind_its_last_certain_clause_while_it_goes_on() -> None:
    bench = Bench(partials=True, clause_ms=CLAUSE)
    found = talk(bench, [SAID] * 4)
    [cut] = decisions(found, "cut")
    # The quietest of what is equally loud is the last place: 1/3 s behind the end of the word at most.
    assert 900 * 16 - 16_000 // 6 <= cut.end <= 900 * 16 + 16_000 // 3
    assert [each.segment for each in decisions(found, "began")] == [0, 1]
    assert decisions(found, "began")[1].start == cut.end


def test_where_nobody_reads_along_a_look_is_taken_only_when_a_clause_should_end_soon() -> None:
    bench = Bench(clause_ms=3_200)
    assert looks(speaking(bench, 48)) == []
    assert len(looks(speaking(bench, 6))) == 1


def test_where_nobody_reads_along_a_slow_engine_is_not_asked() -> None:
    bench = Bench(clause_ms=3_200)
    [look] = looks(speaking(bench, 54))
    bench.says(partial(look, "we go on"), now=bench.now + 0.3)
    assert looks(speaking(bench)) == []


@pytest.mark.parametrize("partials", [False, True])
def test_without_times_of_words_speech_is_cut_where_it_is_quietest(partials: bool) -> None:
    bench = Bench(partials=partials, clause_ms=CLAUSE)
    found = talk(bench, [("we go on, and then we stop", ())] * 10)
    ends = [each.end for each in decisions(found, "cut")]
    assert len(ends) >= 2
    assert max(b - a for a, b in pairwise([0, *ends])) <= CLAUSE * 16 * 3 // 2 + WINDOW


def test_what_is_committed_is_never_changed() -> None:
    bench = Bench(partials=True, clause_ms=CLAUSE)
    found = talk(bench, [SAID] * 20)
    cuts = decisions(found, "cut")
    assert len(cuts) >= 4
    assert [each.segment for each in cuts] == list(range(len(cuts)))
    assert all(a.end == b.start for a, b in pairwise(cuts))


# --- in a room ---


def room(*listeners: tuple[str, bool]) -> tuple[Meeting, Gateway]:
    """Ann speaks English; the listeners hear a language and may read along, at another gateway."""
    meeting = Meeting()
    here, there = meeting.gateway("here"), meeting.gateway("there")
    here.enter("ann", "speaker")
    for language, partials in listeners:
        there.enter(f"{language}{partials}", "listener", target=language, partials=partials)
    return meeting, here


def said(here: Gateway, windows: int = LOOK) -> list[Submit]:
    before = len(here.effects)
    pcm = bytes(2 * windows * WINDOW)
    here.done(here.room.handle(inputs.Windows(pcm, (0.9,) * windows), here.meeting.now, "ann"))
    return looks(here.effects[before:])


def test_in_a_room_looks_are_taken_for_listeners_at_any_gateway_and_translated_for_their_languages() -> None:
    meeting, here = room(("es", True), ("fr", False))
    [look] = said(here)
    before = len(here.effects)
    meeting.write(partial(look, "go on"))
    assert [each.work.target for each in looks(here.effects[before:])] == ["es"]


def test_in_a_room_nobody_is_asked_where_nobody_reads_along() -> None:
    _, here = room(("es", False))
    assert said(here) == []


def test_whoever_listens_in_the_language_that_is_spoken_reads_the_words_themselves() -> None:
    meeting, here = room(("en", True))
    there = meeting.gateways[1]
    [look] = said(here)
    meeting.write(partial(look, "go on"))
    [tuning] = there.told
    assert shown(there.told[tuning])[-2:] == ["|go on", "en: |go on"]
    assert looks(here.effects)[1:] == []


def test_a_speaker_who_reads_along_sees_the_own_words_only() -> None:
    meeting = Meeting()
    here = meeting.gateway()
    tuning = here.enter("ann", "speaker", partials=True)
    here.enter("bob", "listener", target="es")
    [look] = said(here)
    meeting.write(partial(look, "go on"))
    assert shown(here.told[tuning]) == ["|go on"]
    assert looks(here.effects)[1:] == []


def test_a_look_takes_little_of_the_journal() -> None:
    words, marks = " ".join(["forward"] * 20), tuple(range(40))
    event = Event("partial", "stt", SESSION, 3, text=words, marks=marks, index=90_000, language="en")
    assert sum(map(len, encode(event).values())) < 600

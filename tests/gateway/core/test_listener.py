"""What a listener gets of a journal: frames in a row of numbers, at their rate, with times of the entries."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bridge.types import Audio, Decision, Event, Rate
from gateway.core import sequencer
from gateway.core.effects import (
    Done,
    Effect,
    Ended,
    Failed,
    Obeyed,
    Play,
    Purge,
    Say,
    SpeechBegins,
    SpeechEnds,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    Translation,
)
from gateway.core.sequencer import HELD_SEGMENTS
from tests.gateway.events import (
    RATE,
    SESSION,
    START,
    Ear,
    again,
    audio,
    cut,
    done,
    gave_up,
    heard,
    marks,
    nouns,
    said,
    sound,
    spoken,
    started,
    translated,
    whole,
    wish,
)
from tests.hearing import resample


def began(segment: int) -> Decision:
    return Decision("began", SESSION, segment=segment)


def speech_of(segment: int, target: str = "es", attempt: int = 0) -> list[object]:
    """What is heard and said of a target that is spoken in one piece."""
    (piece, _) = spoken(segment, target, attempt)
    return [
        SpeechBegins(segment, target, 0, RATE, lane=target),
        marks(piece.pcm),
        SpeechEnds(segment, target, RATE, round(len(piece.pcm) / 2 * 1000 / RATE, 1), target),
    ]


def tone(ms: int, rate: int) -> bytes:
    wave = 8_000 * np.sin(2 * np.pi * 300 * np.arange(ms * rate // 1000) / rate)
    return wave.astype("<i2").tobytes()


def alike(one: bytes, other: bytes) -> bool:
    """Whether two sounds differ by the noise of rounding alone."""
    first, second = (np.frombuffer(pcm, "<i2").astype(int) for pcm in (one, other))
    return len(first) == len(second) and int(np.abs(first - second).max()) <= 2


def played(effects: list[Effect]) -> list[Play]:
    return [effect for effect in effects if isinstance(effect, Play)]


# --- numbers ---


def test_a_segment_is_told_from_its_first_word_to_its_last_sample() -> None:
    ear = Ear()
    found = ear.hears(began(0), cut(0, start=1600, end=32_000, speech_end=16_000), *whole(0))

    assert nouns(found)[:-1] == [
        SpeechStarted(0),
        SpeechStopped(0),
        Transcript(0, "go", "en", 100.0, 1000.0, None),
        Translation(0, "es", "va", None),
        *speech_of(0),
    ]
    assert isinstance(nouns(found)[-1], Done)


def test_frames_are_numbered_in_one_row_from_two_on() -> None:
    items: list[Event | Decision] = []
    for segment in range(5):
        items += [began(segment), cut(segment), *whole(segment)]
    found = Ear().hears(*items, wish("ended"))

    assert [e.seq for e in found if isinstance(e, Say | Play)] == list(range(2, len(found) + 2))
    assert said(found)[-1] == Ended(5)


def test_offsets_go_on_within_a_segment_and_begin_anew_with_the_next() -> None:
    found = Ear(2).hears(*whole(0), *spoken(0), heard(1), translated(1), *spoken(1, sentences=(2, 1)))

    for segment in (0, 1):
        frames = [frame for frame in played(found) if frame.segment == segment]
        assert frames[0].offset == 0
        assert all(b.offset == a.offset + len(a.pcm) // 2 for a, b in pairwise(frames))
        assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
        assert frames[-1].pcm == b""


def test_a_target_has_the_number_of_its_place_in_what_was_agreed_for_the_segment() -> None:
    ear = Ear()
    found = ear.hears(cut(0, "es"), *whole(0, "es"), cut(1, "ca"), *whole(1, "ca"), cut(2, "es", "ca"))
    found += ear.hears(*whole(2, "ca", "es"))

    begun = said(found, SpeechBegins)
    assert [(what.target, what.index) for what in begun] == [("es", 0), ("ca", 0), ("ca", 1), ("es", 0)]
    assert sound(found, 2, 1) == marks(spoken(2, "ca")[0].pcm)


# --- captions ---


def test_captions_leave_at_once_though_an_earlier_segment_is_still_silent() -> None:
    ear = Ear(2)

    assert said(ear.hears(heard(1), translated(1)), Transcript, Translation) == [
        Transcript(1, "go", "en", 0.0, 0.0, None),
        Translation(1, "es", "va", None),
    ]
    assert ear.hears(*spoken(1)) == []


def test_captions_leave_once() -> None:
    ear = Ear(1)
    ear.hears(heard(0), translated(0))

    assert ear.hears(heard(0), translated(0), again(0, 1, "translation"), translated(0, attempt=1)) == []


def test_the_confidence_of_transcript_and_translation_reaches_the_client() -> None:
    ear = Ear(1)
    text = Event("text", "stt", SESSION, 0, text="go", language="en", confidence=0.75)
    phrase = Event("text", "translation", SESSION, 0, target="es", text="va", confidence=0.5)

    assert nouns(ear.hears(text, phrase)) == [
        Transcript(0, "go", "en", 0.0, 0.0, 0.75),
        Translation(0, "es", "va", 0.5),
    ]


def test_nothing_said_is_told_and_the_segment_is_over() -> None:
    found = nouns(Ear(1).hears(heard(0, "")))

    assert [type(what) for what in found] == [Transcript, Done]
    assert found[0].text == ""


# --- speech at the listener's rate ---


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_speech_comes_at_the_rate_agreed_without_a_click_between_pieces(rate: Rate) -> None:
    pcm = tone(300, 22_050)
    cuts = [0, 4_410, 4_412, len(pcm)]
    pieces = [
        audio(0, n, pcm=pcm[a:b], rate=22_050, last=b == len(pcm)) for n, (a, b) in enumerate(pairwise(cuts))
    ]
    found = Ear(1, rate=rate).hears(heard(0), translated(0), *pieces, done(0, 3))

    frames = played(found)
    assert alike(b"".join(frame.pcm for frame in frames), resample(Audio(pcm, 22_050), rate).pcm)
    assert all(b.offset == a.offset + len(a.pcm) // 2 for a, b in pairwise(frames))
    (end,) = said(found, SpeechEnds)
    assert end.rate == rate
    assert end.duration_ms == round(frames[-1].offset * 1000 / rate, 1) == pytest.approx(300, abs=1)


def test_a_voice_that_changes_its_rate_loses_no_sample() -> None:
    first, second = tone(100, 16_000), tone(100, 22_050)
    found = Ear(1).hears(
        heard(0),
        translated(0),
        audio(0, 0, pcm=first, rate=16_000),
        audio(0, 1, pcm=second, rate=22_050, last=True),
        done(0, 2),
    )

    expected = resample(Audio(first, 16_000), RATE).pcm + resample(Audio(second, 22_050), RATE).pcm
    assert b"".join(frame.pcm for frame in played(found)) == expected


def test_speech_that_gives_no_sample_yet_gives_no_frame() -> None:
    found = Ear(1, rate=48_000).hears(heard(0), translated(0), audio(0, 0, pcm=tone(1, 16_000), rate=16_000))

    assert played(found) == []
    assert [type(what) for what in said(found)] == [Transcript, Translation, SpeechBegins]


# --- another attempt takes over ---


def test_the_sentence_that_was_cut_off_is_heard_again_from_its_start() -> None:
    ear = Ear(1)
    found = ear.hears(heard(0), translated(0), *spoken(0, sentences=(1, 2))[:2], again(0, 1, sentence=1))
    found += ear.hears(audio(0, 0, 1, attempt=1), audio(0, 1, 1, attempt=1, last=True), done(0, 2, "es", 1))

    assert [(mark.sentence, mark.attempt) for mark in sound(found, 0)] == (
        [(0, 0)] * 4 + [(1, 0)] * 4 + [(1, 1)] * 8
    )
    assert len(said(found, SpeechBegins)) == len(said(found, SpeechEnds)) == 1


def test_what_waits_in_a_pause_is_replaced_by_the_attempt_that_takes_over() -> None:
    ear = Ear(1)
    ear.hears(heard(0), translated(0), wish("paused"), *spoken(0, sentences=(1, 2))[:2])
    ear.hears(again(0, 1, sentence=1), audio(0, 0, 1, attempt=1, last=True), done(0, 1, "es", 1))
    found = ear.hears(wish("resumed"))

    assert [(mark.sentence, mark.attempt) for mark in sound(found, 0)] == [(0, 0)] * 4 + [(1, 1)] * 4


# --- failures ---


def test_what_fails_is_told_and_the_next_segment_goes_on() -> None:
    ear = Ear(2)
    ear.hears(*whole(1))

    found = nouns(ear.hears(gave_up(0)))
    assert found[0] == Failed(0, "es", "tts", "broken", "It broke.", True)
    assert isinstance(found[1], Done)
    assert found[2:5] == speech_of(1)


def test_a_failure_midway_ends_the_speech_that_had_begun() -> None:
    ear = Ear(1)
    ear.hears(heard(0), translated(0), audio(0, 0))

    assert [type(what) for what in said(ear.hears(gave_up(0)))] == [Failed, SpeechEnds, Done]


def test_a_failure_of_all_leaves_the_speech_that_was_whole() -> None:
    ear = Ear(2, ("es", "ca"))
    ear.hears(heard(1), translated(1), *spoken(1))

    assert [type(what) for what in said(ear.hears(gave_up(1, None)))] == [Failed]
    assert nouns(ear.hears(gave_up(0, None, "stt")))[1:4] == speech_of(1)


def test_after_a_failure_neither_caption_nor_speech_comes() -> None:
    ear = Ear(1)
    ear.hears(gave_up(0, None, "stt"))

    assert ear.hears(*whole(0), gave_up(0, None, "stt")) == []


# --- pause, resume, stop, end ---


def test_a_pause_holds_speech_but_no_caption_and_no_failure() -> None:
    ear = Ear(2)
    obeyed = ear.hears(wish("paused"))

    assert nouns(obeyed) == [Obeyed("paused", 3)]
    assert [type(what) for what in said(ear.hears(*whole(0)))] == [Transcript, Translation]
    assert [type(what) for what in said(ear.hears(gave_up(1)))] == [Failed]
    found = nouns(ear.hears(wish("resumed")))
    assert found[:3] == speech_of(0)
    assert [type(what) for what in found[3:]] == [Done, Done, Obeyed]
    assert found[-1] == Obeyed("resumed", 5)


def test_stop_purges_ends_what_was_heard_and_drops_the_rest() -> None:
    ear = Ear(3, ("es", "ca"))
    ear.hears(heard(0), translated(0, "es"), audio(0, 0))

    found = ear.hears(wish("stopped", before=2))

    assert found[0] == Purge(2)
    assert [type(what) for what in said(found)] == [SpeechEnds, Done, Done, Obeyed]
    assert ear.hears(audio(0, 1), *whole(1, "ca")) == []
    assert nouns(ear.hears(*whole(2)))[2:5] == speech_of(2)


def test_a_stop_in_a_pause_leaves_it_paused() -> None:
    ear = Ear(2)
    ear.hears(wish("paused"), *whole(0))

    assert [type(what) for what in said(ear.hears(wish("stopped", before=1)))] == [Done, Obeyed]
    assert played(ear.hears(*whole(1))) == []
    assert nouns(ear.hears(wish("resumed")))[:3] == speech_of(1)


def test_a_segment_cut_for_nobody_is_told_and_over() -> None:
    ear = Ear()
    found = nouns(ear.hears(began(0), Decision("cut", SESSION, segment=0, endpoint_ms=5.0)))

    assert [type(what) for what in found] == [SpeechStarted, SpeechStopped, Done]
    assert nouns(ear.hears(cut(1), *whole(1)))[3:6] == speech_of(1)


def test_a_pause_that_holds_too_many_segments_announces_what_it_drops() -> None:
    ear = Ear(HELD_SEGMENTS + 1)
    ear.hears(wish("paused"), *(event for n in range(HELD_SEGMENTS) for event in whole(n)))

    (failed, over) = said(ear.hears(*whole(HELD_SEGMENTS)), Failed, Done)
    assert (failed.segment, failed.code, failed.stage, failed.target) == (0, "held_too_long", "tts", None)
    assert failed.message
    assert over.segment == 0
    assert nouns(ear.hears(wish("resumed")))[:3] == speech_of(1)


def test_a_pause_that_holds_too_many_bytes_announces_what_it_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "HELD_BYTES", len(spoken(0)[0].pcm) * 2)
    ear = Ear(3)
    ear.hears(wish("paused"), *whole(0), *whole(1))

    (failed,) = said(ear.hears(*whole(2)), Failed)
    assert (failed.segment, failed.code) == (0, "held_too_long")


def test_the_end_tells_how_many_segments_there_were() -> None:
    assert nouns(Ear().hears(wish("ended"))) == [Ended(0)]
    assert nouns(Ear(3).hears(wish("ended"))) == [Ended(3)]


def test_what_a_pause_holds_at_the_end_is_heard_before_it() -> None:
    ear = Ear(1)
    ear.hears(wish("paused"), *whole(0))

    found = nouns(ear.hears(wish("ended")))
    assert found[:3] == speech_of(0)
    assert found[-1] == Ended(1)


# --- times ---


def test_times_are_those_of_the_entries() -> None:
    ear = Ear()
    ear.hears(cut(0, endpoint_ms=500.0), at=START)
    ear.hears(started(0), heard(0), translated(0), at=START + 0.1)
    ear.hears(audio(0, 0, last=True, running_ms=33.0), at=START + 0.25)
    (over,) = said(ear.hears(done(0, 1), at=START + 2), Done)

    assert over.timings_ms == {
        "endpoint": 500.0,
        "draft": None,
        "queue": 0.0,
        "stt": 0.0,
        "translation": 0.0,
        "tts": 33.0,
        "first_audio": 750.0,
        "total": 2500.0,
    }


def test_the_way_of_a_cut_into_the_journal_counts_as_waiting() -> None:
    ear = Ear()
    ear.hears(cut(0, endpoint_ms=500.0, at=START - 0.08), at=START)
    ear.hears(heard(0), translated(0), audio(0, 0, last=True), at=START + 0.02)
    (over,) = said(ear.hears(done(0, 1), at=START + 0.1), Done)

    assert over.timings_ms["first_audio"] == 600.0
    assert over.timings_ms["total"] == 680.0


def test_speech_that_was_held_is_first_heard_when_it_goes_on() -> None:
    ear = Ear(1)
    ear.hears(wish("paused"), *whole(0), at=START)
    (over,) = said(ear.hears(wish("resumed"), at=START + 7), Done)

    assert over.timings_ms["first_audio"] == over.timings_ms["total"] == 7000.0


def test_nothing_is_kept_of_segments_that_are_over() -> None:
    ear = Ear(20, ("es", "ca"))
    for segment in range(20):
        ear.hears(*(whole(segment, "es", "ca") if segment % 2 else [gave_up(segment, None, "stt")]))

    kept = repr(vars(ear.reading.listener))
    assert "Timeline" not in kept and "Stream(" not in kept and "Decision(" not in kept

"""Speech sentence by sentence, in pieces that a reader can follow strictly by their number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from celery.exceptions import Ignore

from bridge.errors import ProviderError
from bridge.tasks import tts
from bridge.tasks.run import Runtime, run
from bridge.tasks.tts import PIECE_MS, Pieces
from bridge.types import SPEECH_RATE, Audio, Event, Utterance, Work
from tests.bridge.rooms import Room

RATE = 24_000
CHUNK = Audio(bytes(RATE // 50 * 2), RATE)  # 20 ms
WORK = Work("alice", 0, "room", target="es", voice="low", text="Uno. Dos dos. Tres!")


class Voice:
    """Says each sentence as it was told to: a list of chunks, or an error, by its text."""

    def __init__(self, **sounds: list[Audio] | Exception) -> None:
        self.sounds = sounds
        self.said: list[Utterance] = []

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        self.said.append(utterance)
        sound = self.sounds.get(utterance.text[:3].lower(), [CHUNK])
        if isinstance(sound, Exception):
            raise sound
        yield from sound


def speak(voice: Voice, work: Work = WORK) -> list[dict[str, Any]]:
    return list(tts._results(voice, work, None))  # type: ignore[arg-type]


def audio(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["kind"] == "audio"]


def test_each_sentence_is_one_call_of_the_engine() -> None:
    voice = Voice()
    speak(voice)

    assert voice.said == [
        Utterance("Uno.", "es", "low", soon=True),
        Utterance("Dos dos.", "es", "low"),
        Utterance("Tres!", "es", "low"),
    ]


@pytest.mark.parametrize(("more", "soon"), [({}, [True, False]), ({"part": 1}, [False, False])])
def test_only_a_sentence_that_nothing_is_heard_before_is_wanted_soon(
    more: dict[str, int], soon: list[bool]
) -> None:
    voice = Voice()
    speak(voice, WORK.but(sentence=1, speed=1.2, **more))

    assert [utterance.soon for utterance in voice.said] == soon
    assert [utterance.speed for utterance in voice.said] == [1.2, 1.2]


def test_a_voice_gets_what_people_would_read_and_sentences_keep_the_numbers_of_the_text() -> None:
    voice = Voice()
    pieces = audio(speak(voice, WORK.but(text="Son **5 €**. 😀! Vale 1/2.")))

    assert [utterance.text for utterance in voice.said] == ["Son 5 euros.", "Vale un medio."]
    assert [piece["sentence"] for piece in pieces if piece["last"]] == [0, 1, 2]


def test_pieces_are_numbered_through_and_every_sentence_has_one_last() -> None:
    events = speak(Voice(uno=[CHUNK] * 30, dos=[], tre=[CHUNK]))
    pieces, done = audio(events), events[-1]

    assert [piece["index"] for piece in pieces] == list(range(len(pieces)))
    assert [piece["sentence"] for piece in pieces if piece["last"]] == [0, 1, 2]
    for one, next_ in pairwise(pieces):
        assert next_["sentence"] == one["sentence"] + one["last"]
    assert (done["kind"], done["index"]) == ("done", len(pieces))
    assert sum(len(piece["pcm"]) for piece in pieces) == 31 * len(CHUNK.pcm)


def test_a_sentence_without_sound_is_one_empty_piece_that_is_its_last() -> None:
    pieces = audio(speak(Voice(uno=[], dos=[CHUNK], tre=[Audio(b"", RATE)])))

    assert [(piece["sentence"], len(piece["pcm"]), piece["last"]) for piece in pieces] == [
        (0, 0, True),
        (1, len(CHUNK.pcm), False),
        (1, 0, True),
        (2, 0, True),
    ]
    assert all(piece["rate"] > 0 for piece in pieces)


def test_an_attempt_that_is_sent_again_begins_with_its_sentence_and_counts_pieces_anew() -> None:
    voice = Voice()
    pieces = audio(speak(voice, WORK.but(sentence=2)))

    assert [utterance.text for utterance in voice.said] == ["Tres!"]
    assert [(piece["sentence"], piece["index"]) for piece in pieces] == [(2, 0), (2, 1)]


def test_the_rest_goes_on_behind_the_head_and_a_head_without_a_mark_is_a_sentence_of_its_own() -> None:
    rest = Voice()
    pieces = audio(speak(rest, WORK.but(text="Uno Dos dos. Tres!", head="Uno", part=1, sentence=1)))

    assert [utterance.text for utterance in rest.said] == ["Dos dos.", "Tres!"]
    assert [(piece["sentence"], piece["index"]) for piece in pieces if piece["last"]] == [(1, 1), (2, 3)]

    again = Voice()
    speak(again, WORK.but(text="Uno Dos dos. Tres!", head="Uno", sentence=0))
    assert [utterance.text for utterance in again.said] == ["Uno", "Dos dos.", "Tres!"]


@pytest.mark.parametrize("work", [WORK.but(text=""), WORK.but(text=" \n"), WORK.but(sentence=3)])
def test_nothing_to_say_is_done_at_once(work: Work) -> None:
    voice = Voice()
    assert speak(voice, work) == [{"kind": "done", "index": 0, "rate": SPEECH_RATE}]
    assert voice.said == []


def test_the_first_chunk_of_a_sentence_leaves_at_once_and_later_ones_are_joined() -> None:
    taken: list[int] = []

    def sound() -> Iterator[Audio]:
        for number in range(42):
            taken.append(number)
            yield CHUNK

    pieces = Pieces().of(0, sound())
    assert len(next(pieces)["pcm"]) == len(CHUNK.pcm)
    assert taken == [0]
    sizes = [len(piece["pcm"]) // len(CHUNK.pcm) for piece in pieces]
    assert sizes == [PIECE_MS // 20] * 4 + [1]


def test_speech_has_the_rate_of_its_voice_also_when_that_changes() -> None:
    low = Audio(bytes(16_000 // 50 * 2), 16_000)
    pieces = audio(speak(Voice(uno=[CHUNK], dos=[low, low, CHUNK, CHUNK], tre=[low])))

    assert [(piece["sentence"], piece["rate"], len(piece["pcm"])) for piece in pieces] == [
        (0, RATE, 960),
        (0, RATE, 0),
        (1, 16_000, 640),
        (1, 16_000, 640),
        (1, RATE, 1_920),
        (2, 16_000, 640),
        (2, 16_000, 0),
    ]


@pytest.mark.redis
def test_what_was_said_before_an_engine_fails_is_in_the_journal(runtime: Runtime, room: Room) -> None:
    runtime.provider = Voice(dos=ProviderError("The voice cracked."))
    with pytest.raises(Ignore):
        run("tts", WORK.message(), tts._results)
    kinds = [(event.kind, event.sentence, event.last) for event in room.events()]

    assert kinds == [("started", 0, False), ("audio", 0, False), ("audio", 0, True), ("failed", 0, False)]


@pytest.mark.redis
def test_speech_arrives_in_the_journal_as_it_was_made(runtime: Runtime, room: Room) -> None:
    runtime.provider = Voice(tre=[Audio(b"\x01\x02" * 100, 22_050)])
    with pytest.raises(Ignore):
        run("tts", WORK.but(sentence=2).message(), tts._results)
    _, piece, last, done = room.events()

    assert (piece.pcm, piece.rate, piece.sentence, piece.index) == (b"\x01\x02" * 100, 22_050, 2, 0)
    assert (last.pcm, last.last, last.index) == (b"", True, 1)
    assert done == Event(
        "done", "tts", "alice", 0, target="es", index=2, rate=22_050, worker="w", running_ms=done.running_ms
    )

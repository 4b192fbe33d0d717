"""Order and completeness whatever order the events of twins, redeliveries and losses come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.types import Decision, Event
from gateway.core import effects
from gateway.core.effects import Effect, Say
from tests.gateway.core.checks import check_frames, check_voice, voices
from tests.gateway.core.effort import EFFORT
from tests.gateway.events import (
    TARGETS,
    Ear,
    again,
    audio,
    cut,
    done,
    heard,
    translated,
    wish,
)

SENTENCES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
"""Pieces in each sentence."""


@dataclass(frozen=True)
class Attempt:
    """One worker's way through a target: which of its pieces are lost, whether it dies, what comes twice."""

    segment: int
    target: str
    number: int
    sentences: tuple[int, ...]
    lost: frozenset[int] = frozenset()
    dies: int | None = None
    twice: frozenset[int] = frozenset()

    def events(self, begin: int = 0) -> list[Event]:
        """All that reaches the journal, from sentence `begin` on."""
        found: list[Event] = []
        for sentence, count in list(enumerate(self.sentences))[begin:]:
            for n in range(count):
                found.append(
                    audio(
                        self.segment,
                        len(found),
                        sentence,
                        self.target,
                        self.number,
                        last=n == count - 1,
                        places=(n * 2, n * 2 + 2),
                    )
                )
        found.append(done(self.segment, len(found), self.target, self.number))
        found = found[: self.dies]
        return [
            event
            for number, event in enumerate(found)
            if number not in self.lost
            for _ in range(2 if number in self.twice else 1)
        ]


@st.composite
def lanes(draw: st.DrawFn) -> list[list[Attempt]]:
    """The attempts of each segment and target."""
    made = []
    targets = TARGETS[: draw(st.integers(1, 2))]
    for segment in range(draw(st.integers(1, 3))):
        for target in targets:
            sentences = draw(SENTENCES)
            numbers = st.frozensets(st.integers(0, sum(sentences)), max_size=3)
            lane = []
            for number in range(draw(st.integers(1, 3))):
                dies = draw(st.one_of(st.none(), st.integers(0, sum(sentences))))
                lane.append(Attempt(segment, target, number, sentences, draw(numbers), dies, draw(numbers)))
            made.append(lane)
    return made


def mixed(lane: Sequence[Attempt], random: Random) -> list[Event | Decision]:
    """The entries of one lane: each attempt in its order, none before it was decided, all else by chance."""
    streams = [[*attempt.events()] for attempt in lane]
    first = lane[0]
    found: list[Event | Decision] = [translated(first.segment, first.target)]
    running = 1
    while any(streams[:running]) or running < len(lane):
        if running < len(lane) and (random.random() < 0.3 or not any(streams[:running])):
            found.append(again(first.segment, running, "tts", first.target))
            running += 1
        else:
            found.append(random.choice([s for s in streams[:running] if s]).pop(0))
    return found


def interleaved(streams: list[list[Event | Decision]], random: Random) -> Iterator[Event | Decision]:
    waiting = [list(stream) for stream in streams if stream]
    while waiting:
        stream = random.choice(waiting)
        yield stream.pop(0)
        if not stream:
            waiting.remove(stream)


def supervised(ear: Ear, lane: Sequence[Attempt]) -> list[Event | Decision]:
    """What is not whole is sent once more, from the sentence that was cut off on, and then all goes well."""
    first = lane[0]
    voice = ear.reading.room.ledger("a").voice(first.segment, first.target)
    if voice is None or voice.finished:
        return []
    last = Attempt(first.segment, first.target, len(lane), first.sentences)
    return [
        again(first.segment, last.number, "tts", first.target, voice.sentences),
        *last.events(voice.sentences),
    ]


@EFFORT
@given(lanes(), st.integers(0, 2**32).map(Random), st.booleans())
def test_each_target_is_heard_once_in_order_and_never_of_two_attempts_within_a_sentence(
    made: list[list[Attempt]], random: Random, pauses: bool
) -> None:
    segments = 1 + max(lane[0].segment for lane in made)
    ear = Ear()
    found: list[Effect] = []
    for segment in range(segments):
        of = [lane[0].target for lane in made if lane[0].segment == segment]
        found += ear.hears(cut(segment, *of), heard(segment))
    for item in interleaved([mixed(lane, random) for lane in made], random):
        if pauses and random.random() < 0.3:
            found += ear.hears(wish(random.choice(["paused", "resumed"])))
        found += ear.hears(item)
    for lane in made:
        found += ear.hears(*supervised(ear, lane))
    found += ear.hears(wish("resumed"))

    check_frames(found)
    for lane in made:
        first = lane[0]
        marks = [2 * pieces for pieces in first.sentences]
        check_voice(voices(found)[first.segment, first.target], first.segment, first.target, marks)
    translations = [e.what for e in found if isinstance(e, Say) and isinstance(e.what, effects.Translation)]
    assert len(translations) == len(made)
    assert {e.what.segment for e in found if isinstance(e, Say) and isinstance(e.what, effects.Done)} == set(
        range(segments)
    )

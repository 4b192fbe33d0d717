"""Events and decisions as they stand in a journal, and speech whose every sample tells where it is from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bridge.audio import Resampler
from bridge.types import Decision, Entry, Event, Rate, Stage, Target
from gateway.core.effects import Effect, Play, Say
from gateway.core.room import Room, effects_of
from gateway.core.tuning import Tuning

SESSION = "a"
RATE: Rate = 24_000
START = 1000.0
"""When the first entry of a test's journal is written, in seconds on the clock of Redis."""
TARGETS = ("es", "ca", "fr")

_BITS = (("segment", 12), ("target", 2), ("attempt", 8), ("sentence", 4), ("place", 6))


class Mark(NamedTuple):
    """Two samples of speech: a random voice sounds otherwise in every attempt."""

    segment: int
    target: int
    attempt: int
    sentence: int
    place: int


def speech(segment: int, sentence: int, start: int, end: int, target: str = "es", attempt: int = 0) -> bytes:
    """The marks from `start` to `end` of a sentence, two samples each."""
    marks = (Mark(segment, TARGETS.index(target), attempt, sentence, place) for place in range(start, end))
    return array("I", map(_number, marks)).tobytes()


def marks(pcm: bytes) -> list[Mark]:
    """What `speech` was made of."""
    return [_mark(number) for number in array("I", pcm)]


def _number(mark: Mark) -> int:
    number = 0
    for value, (_, bits) in zip(mark, _BITS, strict=True):
        number = number << bits | value
    return number


def _mark(number: int) -> Mark:
    values = []
    for _, bits in reversed(_BITS):
        values.append(number & (1 << bits) - 1)
        number >>= bits
    return Mark(*reversed(values))


# --- what workers say ---


def started(
    segment: int,
    stage: Stage = "stt",
    target: str | None = None,
    attempt: int = 0,
    worker: str = "w",
    part: int = 0,
) -> Event:
    return Event("started", stage, SESSION, segment, attempt=attempt, target=target, worker=worker, part=part)


def heard(segment: int, text: str = "go", attempt: int = 0, **more: Any) -> Event:
    return Event("text", "stt", SESSION, segment, text=text, language="en", attempt=attempt, **more)


def translated(segment: int, target: str = "es", attempt: int = 0, text: str = "va", **more: Any) -> Event:
    return Event("text", "translation", SESSION, segment, target=target, text=text, attempt=attempt, **more)


def headed(segment: int, attempt: int = 0, text: str = "va", skip: int = 30) -> Event:
    """The first sentence goes to tts before the rest is translated."""
    return Event(
        "head",
        "translation",
        SESSION,
        segment,
        target="es",
        text=text,
        attempt=attempt,
        skip=skip,
        worker="tr",
    )


def rest(segment: int, attempt: int = 0, text: str = "va y vuelve", skip: int = 30) -> Event:
    """What becomes whole behind a head."""
    return Event(
        "text",
        "translation",
        SESSION,
        segment,
        target="es",
        text=text,
        attempt=attempt,
        skip=skip,
        worker="tr",
    )


def audio(
    segment: int,
    index: int,
    sentence: int = 0,
    target: str = "es",
    attempt: int = 0,
    last: bool = False,
    places: tuple[int, int] | None = None,
    **more: Any,
) -> Event:
    """Piece `index` of an attempt; without `places` it holds four marks, by its index."""
    start, end = places or (index * 4, index * 4 + 4)
    pcm = speech(segment, sentence, start, end, target, attempt)
    values = {"index": index, "sentence": sentence, "last": last, "pcm": pcm, "rate": RATE, "worker": "w"}
    return Event("audio", "tts", SESSION, segment, attempt=attempt, target=target, **{**values, **more})


def done(segment: int, pieces: int, target: str = "es", attempt: int = 0, part: int = 0) -> Event:
    return Event(
        "done", "tts", SESSION, segment, attempt=attempt, target=target, rate=RATE, index=pieces, part=part
    )


def failed(
    segment: int,
    stage: Stage = "tts",
    target: str | None = "es",
    attempt: int = 0,
    retryable: bool = True,
    code: str = "broken",
    message: str = "It broke.",
) -> Event:
    return Event(
        "failed",
        stage,
        SESSION,
        segment,
        attempt=attempt,
        target=target,
        code=code,
        message=message,
        retryable=retryable,
    )


def spoken(
    segment: int, target: str = "es", attempt: int = 0, sentences: Sequence[int] = (1,)
) -> list[Event]:
    """All the speech of a target: so many pieces in each sentence, and the end."""
    pieces: list[Event] = []
    for sentence, count in enumerate(sentences):
        for n in range(count):
            places = (n * 4, n * 4 + 4)
            pieces.append(
                audio(segment, len(pieces), sentence, target, attempt, last=n == count - 1, places=places)
            )
    return [*pieces, done(segment, len(pieces), target, attempt)]


def whole(segment: int, *targets: str, attempt: int = 0) -> list[Event]:
    """Everything that workers say of a segment."""
    found = [heard(segment, attempt=attempt)]
    for target in targets or ("es",):
        found += [translated(segment, target, attempt), *spoken(segment, target, attempt)]
    return found


# --- what the speaker's gateway says ---


def joined(rate: int = RATE) -> Decision:
    return Decision("joined", SESSION, rate=rate)


def cut(segment: int, *targets: str, **more: Any) -> Decision:
    wanted = tuple(map(Target, targets or ("es",)))
    return Decision("cut", SESSION, segment=segment, targets=wanted, **more)


def again(
    segment: int, attempt: int, stage: Stage = "tts", target: str | None = "es", sentence: int = 0
) -> Decision:
    return Decision(
        "again", SESSION, segment=segment, stage=stage, target=target, attempt=attempt, sentence=sentence
    )


def gave_up(segment: int, target: str | None = "es", stage: Stage = "tts") -> Decision:
    return Decision(
        "gave_up",
        SESSION,
        segment=segment,
        stage=stage,
        target=target,
        code="broken",
        message="It broke.",
        retryable=True,
    )


def wish(kind: Any, before: int = 0) -> Decision:
    """`paused`, `resumed`, or `stopped` of what comes before a segment; also `ended`."""
    return Decision(kind, SESSION, segment=before)


class Journal:
    """Stamps entries as Redis does, numbers decisions as their gateway does."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._decisions = 0

    def write(self, *items: Event | Decision, at: float | None = None) -> list[Entry]:
        """The entries that were written, at `at` or with the last one before."""
        last = self.entries[-1].at if self.entries else START
        ms = round((last if at is None else at) * 1000)
        made = [Entry(f"{ms}-{len(self.entries) + n}", self._numbered(item)) for n, item in enumerate(items)]
        self.entries += made
        return made

    def _numbered(self, item: Event | Decision) -> Event | Decision:
        if not isinstance(item, Decision) or item.number >= 0:
            return item
        self._decisions += 1
        return replace(item, number=self._decisions - 1)


class Reading:
    """A gateway that holds nobody of a room of one: it only reads its journal."""

    def __init__(self, session: str = SESSION, rate: Rate = RATE) -> None:
        self.room = Room(Resampler)
        self.listener = self.room.tune(Tuning("itself", "", rate, session))

    def fold(self, entry: Entry) -> list[Effect]:
        """What the client would get of an entry."""
        return effects_of(self.room.handle(entry, 0.0))


class Ear:
    """A listener and the journal it reads: items in, effects out."""

    def __init__(self, segments: int = 0, targets: Sequence[str] = ("es",), rate: Rate = RATE) -> None:
        self.journal = Journal()
        self.reading = Reading(rate=rate)
        self.hears(joined(rate), *(cut(segment, *targets) for segment in range(segments)))

    def hears(self, *items: Event | Decision, at: float | None = None) -> list[Effect]:
        """What the items, written one after the other, bring about."""
        return [effect for entry in self.journal.write(*items, at=at) for effect in self.reading.fold(entry)]


def nouns(effects: Iterable[Effect]) -> list[Any]:
    """What is said, and the marks of what is played, without numbers; neighbours in sound are joined."""
    found: list[Any] = []
    for effect in effects:
        if isinstance(effect, Say):
            found.append(effect.what)
        elif isinstance(effect, Play) and effect.pcm:
            if found and isinstance(found[-1], list):
                found[-1] += marks(effect.pcm)
            else:
                found.append(marks(effect.pcm))
    return found


def sound(effects: Iterable[Effect], segment: int, target: int = 0) -> list[Mark]:
    """All that is heard of a segment in one target."""
    played = (e for e in effects if isinstance(e, Play) and (e.segment, e.target) == (segment, target))
    return [mark for play in played for mark in marks(play.pcm)]


def said(effects: Iterable[Effect], *kinds: type) -> list[Any]:
    """What is said, of these kinds or of all."""
    return [e.what for e in effects if isinstance(e, Say) and (not kinds or isinstance(e.what, kinds))]

"""Order and completeness under every interleaving of two attempts, whoever dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bridge.types import SAMPLE_BYTES, Event
from gateway.sequencer import (
    Done,
    Release,
    Sequencer,
    SpeechBegins,
    SpeechEnds,
    SpeechPiece,
    Translated,
)
from tests.gateway.events import (
    RATE,
    audio,
    done,
    speech,
    translated,
)


@dataclass(frozen=True)
class Attempt:
    """One worker's way through a target: how long its speech is, how it is cut, what gets lost of it."""

    segment: int
    target: str
    number: int
    samples: int
    cuts: tuple[int, ...]
    lost: frozenset[int] = frozenset()

    def events(self) -> Iterator[Event]:
        edges = sorted({0, self.samples, *(cut for cut in self.cuts if cut < self.samples)})
        yield translated(self.segment, self.target, self.number)
        for start, end in pairwise(edges):
            yield audio(self.segment, start, end, self.target, self.number)
        yield done(self.segment, self.samples, self.target, self.number)

    def arriving(self) -> list[Event]:
        return [event for number, event in enumerate(self.events()) if number not in self.lost]


CUTS = st.lists(st.integers(1, 24), max_size=4).map(tuple)
LOST = st.one_of(
    st.just(frozenset[int]()),
    st.integers(0, 6).map(lambda first: frozenset(range(first, 9))),
    st.frozensets(st.integers(1, 6)),
)


@st.composite
def attempts(draw: st.DrawFn) -> list[Attempt]:
    """Twins of each segment and target; of one twin anything may be lost, of the other nothing."""
    made = []
    for segment in range(draw(st.integers(1, 3))):
        for target in ("es", "ca", "fr")[: draw(st.integers(1, 3))]:
            length, difference = draw(st.integers(0, 20)), draw(st.integers(0, 3))
            lossy = draw(st.integers(0, 1))
            for number in (0, 1):
                lost = draw(LOST) if number == lossy else frozenset()
                made.append(Attempt(segment, target, number, length + number * difference, draw(CUTS), lost))
    return made


def interleave(streams: list[list[Event]], random: Random) -> Iterator[Event]:
    waiting = [list(stream) for stream in streams if stream]
    while waiting:
        stream = random.choice(waiting)
        yield stream.pop(0)
        if not stream:
            waiting.remove(stream)


def expecting(twins: Sequence[Attempt]) -> Sequencer:
    order = Sequencer()
    for segment in sorted({twin.segment for twin in twins}):
        order.expect(segment, [t.target for t in twins if t.segment == segment and t.number == 0])
    return order


def check_speech(released: Sequence[Release], twins: Sequence[Attempt], segment: int, target: str) -> None:
    """One beginning, pieces without a gap, one end, and the right samples."""
    of = [item for item in released if getattr(item, "target", "") == target and item.segment == segment]
    voice = [item for item in of if not isinstance(item, Translated)]
    pair = [twin for twin in twins if (twin.segment, twin.target) == (segment, target)]
    pieces = [item for item in voice if isinstance(item, SpeechPiece)]
    pcm = b"".join(item.pcm for item in pieces)
    samples = len(pcm) // SAMPLE_BYTES
    assert [item.offset for item in pieces] == [
        sum(len(before.pcm) for before in pieces[:number]) // SAMPLE_BYTES for number in range(len(pieces))
    ]
    assert pcm == speech(segment, target, 0, samples)
    assert min(twin.samples for twin in pair) <= samples <= max(twin.samples for twin in pair)
    if voice:
        assert voice[0] == SpeechBegins(segment, target, RATE)
        assert voice[1:-1] == pieces
        assert voice[-1] == SpeechEnds(segment, target, RATE, samples)
    assert sum(isinstance(item, Translated) for item in of) == 1


def check_order(released: Sequence[Release], target: str) -> None:
    """No speech of a segment before the end of the one before it."""
    voices = [
        item.segment
        for item in released
        if isinstance(item, SpeechBegins | SpeechPiece | SpeechEnds) and item.target == target
    ]
    assert voices == sorted(voices)


@given(attempts(), st.randoms(use_true_random=False), st.booleans())
def test_each_segment_is_heard_once_and_in_order_however_its_twins_interleave(
    twins: list[Attempt], random: Random, pauses: bool
) -> None:
    order = expecting(twins)
    released: list[Release] = []
    captioned: set[tuple[int, str | None]] = set()
    for event in interleave([twin.arriving() for twin in twins], random):
        if pauses and random.random() < 0.2:
            order.pause()
        elif pauses and random.random() < 0.2:
            released += order.resume()
        now = order.accept(event)
        released += now
        key = (event.segment, event.target)
        first = event.kind == "text" and key not in captioned
        assert any(isinstance(item, Translated) for item in now) == first
        if first:
            captioned.add(key)
    released += order.resume()

    assert order.segments == []
    for segment, target in {(twin.segment, twin.target) for twin in twins}:
        check_speech(released, twins, segment, target)
        check_order(released, target)
    endings = Counter(item.segment for item in released if isinstance(item, Done))
    assert endings == Counter({twin.segment for twin in twins})
    for place, item in enumerate(released):
        if isinstance(item, Done):
            assert all(later.segment != item.segment for later in released[place + 1 :])

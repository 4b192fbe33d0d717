"""Puts speech into the order in which it was spoken, and holds it while the listener wants a pause.

Sans-I/O: told what the ledger found, it returns what may be heard now. Speech of a later segment waits
until the earlier ones of its target are spoken, failed or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

HELD_SEGMENTS = 32
"""Finished segments kept for a listener who paused; beyond, the oldest is dropped and announced."""
HELD_BYTES = 16_000_000
"""Bytes of speech kept for one listener, five minutes at 24 kHz: the other bound of the same."""


@dataclass(frozen=True, slots=True)
class Begins:
    segment: int
    target: str


@dataclass(frozen=True, slots=True)
class Sound:
    """PCM s16le at `rate`, to be heard next."""

    segment: int
    target: str
    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class Ends:
    segment: int
    target: str


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more comes of this segment."""

    segment: int


@dataclass(frozen=True, slots=True)
class Overheld:
    """The pause lasts so long that this segment is not kept any more."""

    segment: int


Release = Begins | Sound | Ends | Over | Overheld


@dataclass(slots=True)
class _Voice:
    """The speech of one segment in one target: what waits, as (sentence, PCM, rate)."""

    waiting: list[tuple[int, bytes, int]] = field(default_factory=list)
    begun: bool = False
    finished: bool = False


class Sequencer:
    """One listener's order of the segments that it hears, of one speaker or of several."""

    def __init__(self) -> None:
        self._segments: dict[int, dict[str, _Voice]] = {}
        self._lanes: dict[str, list[int]] = {}
        self.pauses: frozenset[str] = frozenset()
        self._bytes = 0

    def expect(self, segment: int, targets: Sequence[str]) -> list[Release]:
        """A segment was cut and will be heard in `targets`, after all that were cut before."""
        if not targets:
            return [Over(segment)]
        self._segments[segment] = {target: _Voice() for target in targets}
        for target in self._segments[segment]:
            self._lanes.setdefault(target, []).append(segment)
        return []

    def add(self, segment: int, target: str, sentence: int, pcm: bytes, rate: int) -> list[Release]:
        """The next speech of a target."""
        voice = self._voice(segment, target)
        if voice is None or not pcm:
            return []
        voice.waiting.append((sentence, pcm, rate))
        self._bytes += len(pcm)
        return [*self._advance(target), *self._bound()]

    def rewind(self, segment: int, target: str, sentence: int) -> None:
        """What waits of sentence `sentence` and later ones will come anew."""
        if (voice := self._voice(segment, target)) is not None:
            kept = [piece for piece in voice.waiting if piece[0] < sentence]
            self._bytes -= sum(len(pcm) for _, pcm, _ in voice.waiting) - sum(len(pcm) for _, pcm, _ in kept)
            voice.waiting = kept

    def finish(self, segment: int, target: str | None) -> list[Release]:
        """No more speech comes of a target of a segment (None: of all), and the later ones may go on."""
        released: list[Release] = []
        for name, voice in list(self._segments.get(segment, {}).items()):
            if target in (None, name) and not voice.finished:
                voice.finished = True
                released += self._advance(name)
        return [*released, *self._bound()]

    def waits_for(self, segment: int) -> bool:
        """Whether more of the segment must come before later ones may be heard."""
        return any(not voice.finished for voice in self._segments.get(segment, {}).values())

    def pause(self, reason: str = "") -> None:
        """Holds speech back, until it is resumed for each reason for which it was paused."""
        self.pauses |= {reason}

    def resume(self, *reasons: str) -> list[Release]:
        """Ends the pauses for these reasons, all of them where none is named: speech goes on where it was
        held, unless another pause stands."""
        self.pauses = self.pauses - set(reasons) if reasons else frozenset()
        return self._all_advance()

    def stop(self, before: float) -> list[Release]:
        """Silences all segments before `before`: what was begun ends, and each is over."""
        released: list[Release] = []
        for number in [number for number in self._segments if number < before]:
            released += self._drop(number)
        return [*released, *self._all_advance()]

    def interrupt(self) -> list[Release]:
        """Silences the segments that began to be heard and are not over."""
        released: list[Release] = []
        for number in [n for n, voices in self._segments.items() if any(v.begun for v in voices.values())]:
            released += self._drop(number)
        return [*released, *self._all_advance()]

    def _all_advance(self) -> list[Release]:
        return [release for target in self._lanes for release in self._advance(target)]

    def _voice(self, segment: int, target: str) -> _Voice | None:
        return self._segments.get(segment, {}).get(target)

    def _advance(self, target: str) -> list[Release]:
        """What may be heard of a target now: the first segment as far as it is, then the next ones."""
        released: list[Release] = []
        lane = self._lanes.get(target, [])
        while lane and not self.pauses:
            voice = self._segments[lane[0]][target]
            released += self._speak(lane[0], target, voice)
            if not voice.finished:
                break
            released += self._close(lane[0], target)
        return released

    def _speak(self, number: int, target: str, voice: _Voice) -> list[Release]:
        released: list[Release] = []
        if voice.waiting and not voice.begun:
            voice.begun = True
            released.append(Begins(number, target))
        for _, pcm, rate in voice.waiting:
            self._bytes -= len(pcm)
            released.append(Sound(number, target, pcm, rate))
        voice.waiting.clear()
        return released

    def _close(self, number: int, target: str) -> list[Release]:
        released: list[Release] = []
        voice = self._segments[number].pop(target)
        self._bytes -= sum(len(pcm) for _, pcm, _ in voice.waiting)
        self._lanes[target].remove(number)
        if voice.begun:
            released.append(Ends(number, target))
        if not self._segments[number]:
            del self._segments[number]
            released.append(Over(number))
        return released

    def _drop(self, number: int) -> list[Release]:
        return [release for target in list(self._segments[number]) for release in self._close(number, target)]

    def _bound(self) -> list[Release]:
        """Drops the oldest segments that only wait for `resume` when there are too many of them."""
        released: list[Release] = []
        held = [n for n in self._segments if all(v.finished for v in self._segments[n].values())]
        while self.pauses and held and (len(held) > HELD_SEGMENTS or self._bytes > HELD_BYTES):
            released += [Overheld(held[0]), *self._drop(held.pop(0))]
        return released

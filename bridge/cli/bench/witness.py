"""What one session of `bench resume` heard, frame by frame, and how long it was away. Times are arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bridge.protocol import server_messages, wire
from bridge.types import SAMPLE_BYTES

Key = tuple[str, int, str, int]
"""Kind, segment, target and offset of a frame: no two of one session are alike."""


@dataclass(slots=True)
class Part:
    """One segment as it was heard: `lengths` in ms by the target's tag, `pcm` by the target's number."""

    text: str = ""
    start_ms: float = 0.0
    end_ms: float = 0.0
    failed: str = ""
    done: bool = False
    translations: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    pcm: dict[int, bytearray] = field(default_factory=dict)

    def lacks(self, other: Part) -> bool:
        """Whether something of `other` was not heard here to its end."""
        return (
            bool(self.failed)
            or not self.done
            or other.translations.keys() > self.translations.keys()
            or other.lengths.keys() > self.lengths.keys()
            or any(len(self.pcm.get(target, b"")) < len(pcm) for target, pcm in other.pcm.items())
        )


@dataclass(slots=True)
class Outage:
    """A connection that was lost by `kind` of fault; `at` its network is back, `resumed` the session goes on,
    and at `heard` a `first` frame came, if none other was lost before."""

    kind: str
    at: float
    resumed: float | None = None
    first: Key | None = None
    heard: float = 0.0


class Witness:
    """Follows one session. `began` is when its sample 0 was spoken, in seconds of time.monotonic()."""

    def __init__(self) -> None:
        self.began = 0.0
        self.parts: dict[int, Part] = {}
        self.arrivals: dict[Key, float] = {}
        self.outages: list[Outage] = []
        self.doubled = 0
        self.skipped = 0
        self.disordered = 0
        self.failure = ""
        self._last_seq = 0

    @property
    def away(self) -> bool:
        """Whether it has no connection."""
        return bool(self.outages) and self.outages[-1].resumed is None

    def lose(self, kind: str, at: float) -> None:
        """Its connection is lost; the network is back `at`."""
        self.outages.append(Outage(kind, at))

    def resume(self, now: float) -> None:
        """Another connection carries it on."""
        self.outages[-1].resumed = now

    def take(self, message: server_messages.ServerMessage | wire.AudioFrame, now: float) -> None:
        """Notes a frame; answers and other frames outside the stream are left out."""
        kind = "audio" if isinstance(message, wire.AudioFrame) else message.type
        if kind != "audio" and kind not in _NOTED:
            return
        key = _key(kind, message)
        self.doubled += key in self.arrivals
        self.disordered += message.seq <= self._last_seq
        self._last_seq = max(self._last_seq, message.seq)
        self.arrivals.setdefault(key, now)
        if self.outages and self.outages[-1].first is None and not self.away:
            self.outages[-1].first, self.outages[-1].heard = key, now
        part = self.parts.setdefault(key[1], Part())
        if isinstance(message, wire.AudioFrame):
            self._hear(part, message)
        else:
            _note(part, message)

    def _hear(self, part: Part, frame: wire.AudioFrame) -> None:
        pcm = part.pcm.setdefault(frame.target, bytearray())
        beyond = frame.offset - len(pcm) // SAMPLE_BYTES
        self.doubled += beyond < 0
        self.skipped += beyond > 0
        if beyond >= 0:
            pcm += frame.pcm


_NOTED = frozenset(
    {
        "speech.started",
        "speech.stopped",
        "transcript.final",
        "translation.final",
        "audio.start",
        "audio.end",
        "segment.done",
        "segment.failed",
    }
)


def _key(kind: str, message: Any) -> Key:
    place = message.offset * 2 + message.last if kind == "audio" else 0
    return kind, message.segment, str(getattr(message, "target", "")), place


def _note(part: Part, message: server_messages.ServerMessage) -> None:
    match message:
        case server_messages.TranscriptFinal():
            part.text, part.start_ms, part.end_ms = message.text, message.start_ms, message.end_ms
        case server_messages.TranslationFinal():
            part.translations[message.target] = message.text
        case server_messages.AudioEnd():
            part.lengths[message.target] = message.duration_ms
        case server_messages.SegmentFailed():
            part.failed = message.code
        case server_messages.SegmentDone():
            part.done = True


@dataclass(slots=True)
class Losses:
    """Segments of the undisturbed session, and of them those not heard whole (`missing`), or otherwise than
    there (`unlike`: words, place in the audio or PCM); frames that came twice, after a later one, or with a
    hole before them; speech that is in no segment, in ms; sessions that were not carried to their end."""

    segments: int = 0
    missing: int = 0
    unlike: int = 0
    doubled: int = 0
    out_of_order: int = 0
    skipped: int = 0
    lost_speech_ms: int = 0
    dropped: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def compared(undisturbed: Witness, heard: Witness) -> Losses:
    """What a session lost against one with the same audio to which nothing happened."""
    lacking = {
        number
        for number, part in undisturbed.parts.items()
        if number not in heard.parts or heard.parts[number].lacks(part)
    }
    spoken = [number for kind, number, _, _ in heard.arrivals if kind == "audio.start"]
    alike = {number for number, part in undisturbed.parts.items() if part == heard.parts.get(number)}
    return Losses(
        segments=len(undisturbed.parts),
        missing=len(lacking),
        unlike=len((undisturbed.parts.keys() | heard.parts.keys()) - lacking - alike),
        doubled=heard.doubled,
        out_of_order=heard.disordered + sum(before > after for before, after in pairwise(spoken)),
        skipped=heard.skipped,
        lost_speech_ms=round(_uncovered(_spans(undisturbed), _spans(heard))),
        dropped=bool(heard.failure),
    )


def again_ms(undisturbed: Witness, heard: Witness) -> list[tuple[str, float]]:
    """(kind, ms) of each outage after which the session went on: from when the network was back until it did,
    and until its next frame came, as far as that came later than in the undisturbed session."""
    found = []
    for outage in heard.outages:
        if outage.resumed is None:
            continue
        seconds = outage.resumed - outage.at
        usual = undisturbed.arrivals.get(outage.first) if outage.first else None
        if usual is not None:
            due = heard.began + usual - undisturbed.began
            seconds = max(seconds, outage.heard - max(outage.at, due))
        found.append((outage.kind, round(seconds * 1000, 2)))
    return found


def _spans(witness: Witness) -> list[tuple[float, float]]:
    return sorted((part.start_ms, part.end_ms) for part in witness.parts.values() if part.text)


def _uncovered(spoken: Iterable[tuple[float, float]], heard: list[tuple[float, float]]) -> float:
    """Of spans in ascending order, what no span of `heard` covers."""
    total = 0.0
    for start, end in spoken:
        at = start
        for begin, over in heard:
            if over > at and begin < end:
                total += max(0.0, begin - at)
                at = max(at, over)
        total += max(0.0, end - at)
    return total

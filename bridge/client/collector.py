"""Gathers what a session says into one result: text, speech and times of each segment."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.client.shelf import Shelf, Shelved
from bridge.errors import BridgeError
from bridge.protocol import server_messages, wire
from bridge.types import SAMPLE_BYTES, Audio, Sound


@dataclass(slots=True)
class Spoken:
    """One segment in one target: PCM s16le mono at `rate` Hz, empty where none came or it was laid aside.

    `first_audio_at` is when its first samples arrived, in seconds of time.monotonic().
    """

    text: str = ""
    rate: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    first_audio_at: float | None = None
    shelved: Shelved | None = None

    @property
    def audio(self) -> Sound:
        """Its speech, wherever that lies."""
        return self.shelved or Audio(bytes(self.pcm), self.rate)

    @property
    def audio_ms(self) -> float:
        size = self.shelved.size if self.shelved else len(self.pcm)
        return size // SAMPLE_BYTES * 1000 / self.rate if self.rate else 0.0

    def lay_aside(self, shelf: Shelf) -> None:
        """Keeps its speech on disk; raises OSError where that is full, and it stays in memory."""
        if self.pcm:
            self.shelved = shelf.put(self.pcm, self.rate)
            self.pcm = bytearray()


@dataclass(slots=True)
class Segment:
    """What came of one segment; `start_ms` and `end_ms` are places in the speaker's audio.

    In a room `speaker` is the number and `name` the name of who spoke.
    """

    seq: int
    text: str = ""
    language: str = ""
    start_ms: float = 0.0
    end_ms: float = 0.0
    translations: dict[str, Spoken] = field(default_factory=dict)
    timings_ms: dict[str, float] = field(default_factory=dict)
    failures: list[server_messages.SegmentFailed] = field(default_factory=list)
    speaker: int | None = None
    name: str = ""


@dataclass(slots=True)
class Result:
    """What came of a whole stream. `order` has the numbers of segments as they were first heard of.

    `began` is when its sample 0 was spoken (time.monotonic() seconds), `misplaced` counts audio frames
    that did not follow the one before, `notices` are the server's warnings and harmless errors, `failure`
    is why a recording was left before its end.
    """

    started: server_messages.SessionStarted
    segments: dict[int, Segment] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    notices: list[server_messages.Warning | server_messages.Error] = field(default_factory=list)
    misplaced: int = 0
    began: float = 0.0
    failure: BridgeError | None = None

    @property
    def targets(self) -> list[str]:
        """The languages in the order asked for, in the server's spelling."""
        return [target.language for target in self.started.config.targets]

    def first_audio_ms(self, segment: Segment, target: str) -> float | None:
        """End of speech to the arrival of its first translated sample; None where none came.

        True only of a stream sent in real time: otherwise speech is sent before it was spoken.
        """
        spoken = segment.translations.get(target)
        if spoken is None or spoken.first_audio_at is None:
            return None
        return (spoken.first_audio_at - self.began) * 1000 - segment.end_ms


class Collector:
    """Gathers what arrives into a Result. Times are arguments."""

    def __init__(self, started: server_messages.SessionStarted) -> None:
        self.result = Result(started)
        self._indexes: dict[tuple[int, int], str] = {}
        self._known: set[int] = set()

    def take(self, message: server_messages.ServerMessage | wire.AudioFrame, now: float) -> None:
        """Notes a message that arrived at `now`, in seconds of time.monotonic()."""
        match message:
            case wire.AudioFrame():
                self._audio(message, now)
            case server_messages.SpeechStarted():
                self._meet(message.segment)
            case server_messages.TranscriptFinal():
                segment = self._segment(message.segment)
                segment.speaker, segment.name = message.speaker, message.name or ""
                segment.text, segment.language = message.text, message.language
                segment.start_ms, segment.end_ms = message.start_ms, message.end_ms
            case server_messages.TranslationFinal():
                self._spoken(message.segment, message.target).text = message.text
            case server_messages.AudioStart():
                self._indexes[message.segment, message.index] = message.target
                self._spoken(message.segment, message.target).rate = message.rate
            case server_messages.SegmentDone():
                timings = message.timings_ms.model_dump(exclude_none=True)
                self._segment(message.segment).timings_ms = timings
            case server_messages.SegmentFailed():
                self._segment(message.segment).failures.append(message)
            case server_messages.Warning() | server_messages.Error():
                self.result.notices.append(message)

    def _meet(self, seq: int) -> None:
        if seq not in self._known:
            self._known.add(seq)
            self.result.order.append(seq)

    def _segment(self, seq: int) -> Segment:
        self._meet(seq)
        return self.result.segments.setdefault(seq, Segment(seq))

    def _spoken(self, seq: int, target: str) -> Spoken:
        return self._segment(seq).translations.setdefault(target, Spoken())

    def _audio(self, frame: wire.AudioFrame, now: float) -> None:
        target = self._indexes.get((frame.segment, frame.target))
        if target is None:
            self.result.misplaced += 1
            return
        spoken = self._spoken(frame.segment, target)
        at = frame.offset * SAMPLE_BYTES
        if at != len(spoken.pcm):
            self.result.misplaced += 1
            spoken.pcm.extend(bytes(max(0, at - len(spoken.pcm))))
        spoken.pcm[at : at + len(frame.pcm)] = frame.pcm
        if frame.pcm and spoken.first_audio_at is None:
            spoken.first_audio_at = now

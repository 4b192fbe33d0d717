"""Cuts a stream of audio into segments of speech; decides from samples alone, never from a clock.

Fed PCM s16le mono 16 kHz in pieces of any size, it judges windows of 32 ms by a probability
function given to it. All positions are samples since the start of the session.

    silence --voiced--> candidate --min_speech--> certain (Started) --min_silence--> Stopped, Cut
       ^                    |                        |  commit, end of stream  --> Stopped, Cut
       +----min_silence-----+ (noise)                +--max_segment, clause--> Stopped, Cut, the rest open
                                                     +--draft_silence--> Draft --voiced--> Resumed
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import AudioError
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.core.cuts import Cut, Draft, Part, Reason, Report, Resumed, Started, Stopped
from gateway.core.division import PAUSE, lasting, too_long
from gateway.core.quiet import WINDOW, windows
from gateway.core.stretch import Stretch
from gateway.core.terms import SegmenterConfig

_HYSTERESIS = 0.15  # as in Silero's own utility: speech ends at a lower probability than it begins


class Segmenter:
    """One stream of one speaker. `probability` is called once per window of 1024 bytes, in order.

    Numbers count up from 0; every number is reported as Started, Stopped, Cut, in this order. So many samples
    of `silence` end a segment: min_silence again for each, until it is set to less.
    """

    def __init__(
        self,
        config: SegmenterConfig,
        probability: Callable[[bytes], float],
        number: int = 0,
        at: int = 0,
        given: int = 0,
        voiced: bool = False,
    ) -> None:
        """`number` is that of the first segment, `at` the place of the first sample that will be fed; what
        lies before `given` was cut elsewhere and is only judged. `voiced`: speech went on before `at`."""
        self._probability = probability
        self._wanted = config
        self._number = number
        self._audio = bytearray()
        self._base = at  # position of the first sample in _audio
        self._judged = at  # position of the first sample not yet in a judged window
        self._given = max(at, given)  # position up to which audio belongs to segments already cut
        self._voiced = voiced
        self._open: Stretch | None = None
        self.live = True  # else it is a recording, whose segments are not cut for anybody's sake
        self._adopt()

    @property
    def held(self) -> int:
        """Samples in memory: in silence the padding, in speech the open segment; and what is unjudged."""
        return len(self._audio) // SAMPLE_BYTES

    @property
    def first(self) -> int:
        """The first sample that may become a part of a segment yet."""
        return self._base

    @property
    def voiced(self) -> bool:
        """Whether the last window held speech."""
        return self._voiced

    @property
    def received(self) -> int:
        """Samples of the session so far."""
        return self._base + self.held

    @property
    def speaking(self) -> bool:
        """Whether a segment is open, certain or not."""
        return self._open is not None

    @property
    def part(self) -> Part | None:
        """The segment that goes on, None as long as none is certain."""
        return self._open.part(self._judged) if self._open is not None else None

    def sound(self, part: Part) -> bytes:
        """What was said of it."""
        return self._bytes(part.start, part.end)

    def clause(self, segment: int, at: int) -> list[Report]:
        """A clause of segment `segment` ends near sample `at`: it is cut there once it has lasted."""
        reports: list[Report] = []
        if self._open is not None and self._open.number == segment:
            self._open.clause = at
            self._divide_by_clause(reports)
        return reports

    def configure(self, config: SegmenterConfig) -> None:
        """Uses `config` from the next segment on: at once in silence, else after the next cut."""
        self._wanted = config
        if self._open is None:
            self._adopt()

    def feed(self, pcm: bytes) -> list[Report]:
        """Takes the next samples, s16le, any number; what they bring about does not depend on
        how a stream is divided into calls. Raises AudioError for half a sample, taking nothing.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise AudioError(
                f"Audio of {len(pcm)} bytes ends inside a sample.",
                "Send PCM s16le: two bytes for each sample, never divided between messages.",
            )
        self._audio += pcm
        reports: list[Report] = []
        received = self.received
        while True:
            due = self._deadline()
            if due is not None and due <= self._judged:
                self._fall_silent(due, reports)
            elif received < self._judged + WINDOW:
                break
            else:
                self._judge(self._bytes(self._judged, self._judged + WINDOW), reports)
        return reports

    def commit(self) -> list[Report]:
        """Cuts now what is being said, however short; nothing happens in silence.

        What is said after it begins anew and must reach min_speech by itself.
        """
        reports: list[Report] = []
        if self._open is not None and 1 in self._open.voiced:
            self._begin(self._open, reports)
            self._end(self.received, "commit", reports)
        return reports

    def flush(self) -> list[Report]:
        """Ends the stream: judges the last samples as a window filled up with silence and cuts
        the open segment; speech shorter than min_speech is noise here too.
        """
        reports: list[Report] = []
        received = self.received
        if received > max(self._judged, self._given):
            self._judge(self._bytes(self._judged, received), reports)
        self._end(received, "end", reports)
        return reports

    def _deadline(self) -> int | None:
        """Where the open segment ends, or becomes a draft, unless speech comes before."""
        if self._open is None:
            return None
        early = self._config.notices and self._open.number is not None and not self._open.drafted
        silence = min(self._draft_silence, self.silence) if early else self._silence()[0]
        return self._open.speech_end + silence

    def _fall_silent(self, now: int, reports: list[Report]) -> None:
        """Silence has lasted up to `now`: for a draft, or for the end."""
        segment = self._open
        assert segment is not None
        silence, reason = self._silence()
        if now >= segment.speech_end + silence or segment.number is None:
            self._end(now, reason, reports)
        else:
            segment.drafted = True
            end = self._end_of(segment, now)
            pcm = self._bytes(segment.start, end)
            reports.append(Draft(segment.number, segment.start, end, segment.speech_end, pcm))

    def _end_of(self, segment: Stretch, now: int) -> int:
        """Where a segment ends that falls silent: no later than its draft did, so that it is the same."""
        return min(segment.speech_end + min(self._padding, self._draft_silence), now)

    def _silence(self) -> tuple[int, Reason]:
        """Samples of silence that end the open segment, fewer where it has lasted for a while."""
        it = self._open
        if it is None or not it.live or not self._clause or it.speech_end - it.start < self._clause:
            return self.silence, "silence"
        return min(self.silence, PAUSE), "clause"

    def _judge(self, window: bytes, reports: list[Report]) -> None:
        probability = self._probability(window.ljust(WINDOW * SAMPLE_BYTES, b"\0"))
        leave = max(self._config.threshold - _HYSTERESIS, 0.01)
        self._voiced = probability >= (leave if self._voiced else self._config.threshold)
        at = self._judged
        self._judged += len(window) // SAMPLE_BYTES
        if self._open is None and self._voiced and self._judged > self._given:
            start = max(self._given, at - self._padding)
            self._open = Stretch(start, at + self._max_segment, self._min_speech, at, at)
        if self._open is None:
            self._trim()
        else:
            self._extend(self._open, probability, reports)

    def _extend(self, segment: Stretch, probability: float, reports: list[Report]) -> None:
        segment.live &= self.live
        segment.probabilities.append(probability)
        segment.voiced.append(self._voiced)
        if self._voiced:
            if segment.drafted and segment.number is not None:
                reports.append(Resumed(segment.number, self._judged - WINDOW - segment.speech_end))
            segment.drafted = False
            segment.speech_end = self._judged
            segment.needed -= WINDOW
            if segment.needed <= 0:
                self._begin(segment, reports)
        while self._open is not None and self._judged >= self._open.limit:
            at = too_long(self._open, self._max_segment, self._bytes)
            self._divide(self._open, at, "length", reports)
        self._divide_by_clause(reports)

    def _divide_by_clause(self, reports: list[Report]) -> None:
        it = self._open
        # Where it falls silent just now, that may be its end.
        if it is not None and it.live and not it.drafted and it.number is not None and self._clause:
            at = lasting(it, self._judged, self._clause, self._bytes)
            if at is not None:
                self._divide(it, at, "clause", reports)

    def _begin(self, segment: Stretch, reports: list[Report]) -> None:
        """Makes the segment certain: gives it a number, once."""
        if segment.number is None:
            segment.number = self._number
            self._number += 1
            reports.append(Started(segment.number, segment.onset, segment.start))

    def _end(self, now: int, reason: Reason, reports: list[Report]) -> None:
        """Closes the open segment with the silence up to `now`, or drops it as noise."""
        segment = self._open
        if segment is not None and segment.number is not None:
            end = self._end_of(segment, now)
            self._cut(segment, segment.number, end, segment.speech_end, reason, reports, segment.drafted)
        self._open = None
        self._adopt()
        self._trim()

    def _divide(self, segment: Stretch, at: int, reason: Reason, reports: list[Report]) -> None:
        """Cuts a segment that lasts too long at sample `at`; the rest stays open."""
        if segment.number is None:
            self._end(self._judged, reason, reports)
            return
        number: int | None = segment.number
        if (speech_end := segment.speech_before(at)) is not None:
            self._cut(segment, segment.number, at, speech_end, reason, reports)
            number = None
        self._adopt()
        rest = self._open = segment.rest(at, at + self._max_segment, number)
        if rest.speech_end > at:
            self._begin(rest, reports)
        self._trim()

    def _cut(
        self,
        segment: Stretch,
        number: int,
        end: int,
        speech_end: int,
        reason: Reason,
        reports: list[Report],
        drafted: bool = False,
    ) -> None:
        pcm = self._bytes(segment.start, end)
        reports.append(Stopped(number, speech_end))
        reports.append(Cut(number, segment.start, end, speech_end, pcm, reason, drafted=drafted))
        self._given = end

    def _adopt(self) -> None:
        """Puts the wanted configuration in force, in samples."""
        self._config = self._wanted
        self._min_speech = _samples(self._config.min_speech_ms)
        self.silence = windows(self._config.min_silence_ms)
        self._draft_silence = windows(self._config.draft_silence_ms)
        self._padding = _samples(self._config.padding_ms)
        self._max_segment = _samples(self._config.max_segment_ms)
        self._clause = _samples(self._config.clause_ms)

    def _bytes(self, start: int, end: int) -> bytes:
        offset = self._base * SAMPLE_BYTES
        return bytes(self._audio[start * SAMPLE_BYTES - offset : end * SAMPLE_BYTES - offset])

    def _trim(self) -> None:
        """Forgets what neither a segment, nor a pre-roll, nor the next window needs."""
        first = self._judged - self._padding
        if self._open is not None:
            first = self._open.start
        first = max(self._base, first)
        del self._audio[: (first - self._base) * SAMPLE_BYTES]
        self._base = first


def _samples(ms: int) -> int:
    return ms * SPEECH_RATE // 1000

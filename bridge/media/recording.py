"""An opened recording: which track of it is heard, how long it is, and its speech with true times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import AudioError
from bridge.extras import install
from bridge.media.pcm import RATES, Speech, form
from bridge.media.source import READABLE, name_of, source
from bridge.media.timeline import Timeline
from bridge.media.tracks import Track, choose, listed
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Block

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BUFFER = 8_192
"""Bytes read at a time: a quarter of a second of speech, as far as a pipe is behind what it is given."""
SILENCE_S = 2.0
"""Silence that stands for a longer gap: it ends a segment, and the times tell the rest."""
ABSOLUTE = ("mov", "matroska")
"""Formats whose times count from the beginning of the film; others may begin anywhere (a broadcast)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file or stream that was opened; `track` is heard, `tracks` are all it has.

    `duration_ms` is the end of the sound by the header, None where that does not say.
    """

    path: Path
    track: Track
    tracks: tuple[Track, ...]
    duration_ms: float | None
    _container: InputContainer
    _stream: AudioStream
    _timeline: Timeline
    _remedy: str

    def blocks(self) -> Iterator[Block]:
        """The speech, once, in blocks of a tenth of a second or more, as it is read.

        Raises AudioError where no sample can be decoded. What is damaged is left out, and a file that
        ends too early gives what can be read of it.
        """
        heard = False
        for block in _speech(_decoded(self._container, self._stream), self._timeline):
            heard = True
            yield block
        if not heard:
            raise AudioError(
                f"No sample of {name_of(self.path)} can be decoded: it is damaged or cut off.", self._remedy
            )


def decode(path: Path) -> Iterator[bytes]:
    """A file as blocks of mono PCM s16le 16 kHz. Raises AudioError like `opened` and `Recording.blocks`."""
    with opened(path) as recording:
        for block in recording.blocks():
            yield block.pcm


@contextmanager
def opened(path: Path, language: str | None = None, track: int | None = None) -> Iterator[Recording]:
    """Opens a recording and chooses the sound track: `track`, or what fits the language spoken.

    Raises AudioError for what is missing, empty, no recording or has no such sound track.
    """
    try:
        import av
    except ImportError:
        raise AudioError("Audio files cannot be read without PyAV.", install("client")) from None
    with source(path) as content:
        try:
            # Damaged text beside the sound is no reason not to hear it.
            container = av.open(
                content, "r", options=content.options, metadata_errors="replace", buffer_size=BUFFER
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AudioError(f"{name_of(path)} cannot be read as audio: {reason}.", content.remedy) from None
        with container:
            streams = container.streams.audio
            if not streams:
                raise AudioError(f"{name_of(path)} has no sound track.", READABLE)
            tracks = listed(streams)
            chosen = choose(name_of(path), tracks, language, track)
            stream = streams[chosen.number - 1]
            begin, end = origin(container), _end(container, stream)
            length_ms = None if end is None else (end - begin) * 1000
            timeline = Timeline(begin, end)
            yield Recording(path, chosen, tracks, length_ms, container, stream, timeline, content.remedy)


def origin(container: InputContainer) -> float:
    """The second at which the recording begins, as its own times count."""
    return 0.0 if container.format.name.startswith(ABSOLUTE) else (container.start_time or 0) / 1_000_000


def _end(container: InputContainer, stream: AudioStream) -> float | None:
    """The second at which the sound ends by the header."""
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    if container.duration is None:
        return None
    return ((container.start_time or 0) + container.duration) / 1_000_000


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """What can be read: a damaged packet is left out, and where the container breaks is the end."""
    from av import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError, OSError):
            return
        with suppress(FFmpegError, ValueError):
            for frame in packet.decode():
                if frame.samples and frame.rate in RATES:
                    yield frame


def _speech(frames: Iterator[AudioFrame], timeline: Timeline) -> Iterator[Block]:
    """Blocks with the times of their first samples; a joined file may change its form on the way."""
    run: _Run | None = None
    for frame in frames:
        gap = timeline.gap(frame.time)
        if run is not None and (gap or run.form != form(frame)):
            yield from run.end()
            run = None
        if gap:
            silence = bytes(int(min(gap, SILENCE_S) * SPEECH_RATE) * SAMPLE_BYTES)
            yield Block(silence, (timeline.now - gap) * 1000)
        run = run or _Run(frame)
        yield from run.feed(frame, timeline.now)
        timeline.advance(frame.samples / frame.rate)
    if run is not None:
        yield from run.end()


class _Run:
    """Frames of one form that follow each other, and where their speech stands in time."""

    def __init__(self, frame: AudioFrame) -> None:
        self.form = form(frame)
        self._speech = Speech(frame, SPEECH_RATE)
        self._begin = 0.0
        self._taken = 0.0
        self._given = 0

    def feed(self, frame: AudioFrame, now: float) -> Iterator[Block]:
        """`now` is when the frame is presented: where that drifts from the count of samples, it holds."""
        self._begin = now - self._taken
        self._taken += frame.samples / frame.rate
        yield from self._block(self._speech.feed(frame))

    def end(self) -> Iterator[Block]:
        yield from self._block(self._speech.end())

    def _block(self, pcm: bytes) -> Iterator[Block]:
        if pcm:
            yield Block(pcm, (self._begin + self._given / SPEECH_RATE) * 1000)
            self._given += len(pcm) // SAMPLE_BYTES

"""A copy of a film with the spoken translation as one more sound track; nothing of it is encoded anew."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.dubbing.track import Track
from bridge.errors import AudioError
from bridge.extras import install
from bridge.media import origin, source

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

BIT_RATE = 96_000
"""Transparent for one voice."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EISDIR)
FRAME = 1024
"""Samples of one AAC packet."""


@dataclass(frozen=True, slots=True)
class Dub:
    """The track to be added, with the ISO 639-2 code and the title that players show.

    `spoken` is the code of the language that is heard in the film, for a sound track that has none.
    """

    track: Track
    language: str
    title: str
    spoken: str | None = None


def extension(film: Path) -> str:
    """What the copy's name ends with: that of a film, or of a recording without pictures.

    Raises AudioError for what is no recording.
    """
    import av

    try:
        with source(film) as content, av.open(content, "r", metadata_errors="replace") as opened:
            return "mkv" if opened.streams.video else "mka"
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{film} cannot be read as a film: {reason}.") from None


def add(film: Path, dub: Dub, copy: Path) -> list[str]:
    """Writes `copy`, a Matroska file with all tracks of `film` and the dub, which players take by default.

    The dub begins where the times of the film do. Gives what was left out, in words. Raises AudioError
    for a film that cannot be copied and OSError where `copy` cannot be written.
    """
    try:
        import av
    except ImportError:
        raise AudioError("Films cannot be written without PyAV.", install("client")) from None
    with ExitStack() as files:
        content = files.enter_context(source(film))
        try:
            opened = files.enter_context(av.open(content, "r", metadata_errors="replace"))
            with av.open(str(copy.absolute()), "w", format="matroska") as output:
                mux = _Mux(opened, output, dub)
                mux.copy()
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in UNWRITABLE:
                raise OSError(error.errno, error.strerror, str(copy)) from None
            raise AudioError(
                f"{film} cannot be copied with its translation: {getattr(error, 'strerror', None) or error}.",
                "Leave out --dub and add the track of -o with a video editor.",
            ) from None
    return mux.left_out


@dataclass(slots=True)
class _Mux:
    source: InputContainer
    output: OutputContainer
    dub: Dub
    left_out: list[str] = field(default_factory=list)
    damaged: int = 0
    _streams: dict[int, Any] = field(default_factory=dict)

    def copy(self) -> None:
        """All packets of the film, and those of the dub as they come due."""
        self.output.metadata.update(self.source.metadata)
        for stream in self.source.streams:
            self._adopt(stream)
        voice = self._voice()
        if chapters := self.source.chapters():
            self.output.set_chapters(chapters)
        self.output.start_encoding()
        speech = _encoded(voice, self.dub.track)
        waiting = next(speech, None)
        for packet in _packets(self.source, list(self._streams)):
            while waiting is not None and _seconds(waiting) <= _seconds(packet):
                self.output.mux(waiting)
                waiting = next(speech, None)
            packet.stream = self._streams[packet.stream.index]
            self._mux(packet)
        while waiting is not None:
            self.output.mux(waiting)
            waiting = next(speech, None)
        if self.damaged:
            self.left_out.append(f"{self.damaged} damaged packets")

    def _mux(self, packet: Packet[Any]) -> None:
        """What is damaged is left out; a disk that is full is not."""
        from av import FFmpegError

        try:
            self.output.mux(packet)
        except FFmpegError as error:
            if error.errno in UNWRITABLE:
                raise
            self.damaged += 1

    def _adopt(self, stream: Stream) -> None:
        from av.stream import Disposition

        name = stream.codec_context.name if stream.codec_context else None
        if stream.type not in ("video", "audio", "subtitle") or name not in self.output.supported_codecs:
            track = f"{stream.type} track {stream.index + 1} ({name or 'unknown'})"
            self.left_out.append(f"{track}, which Matroska cannot hold")
            return
        made = self.output.add_stream_from_template(stream)
        made.metadata.update(stream.metadata)
        made.disposition = stream.disposition
        if stream.type == "audio":
            made.disposition = Disposition(stream.disposition & ~Disposition.default)
            alone = len(self.source.streams.audio) == 1
            if alone and self.dub.spoken and stream.metadata.get("language", "und") == "und":
                made.metadata["language"] = self.dub.spoken
        self._streams[stream.index] = made

    def _voice(self) -> AudioStream:
        from av.stream import Disposition

        voice = self.output.add_stream("aac", rate=self.dub.track.rate)
        voice.layout = "mono"
        voice.bit_rate = BIT_RATE
        voice.metadata["language"] = self.dub.language
        voice.metadata["title"] = self.dub.title
        voice.disposition = Disposition.default
        return voice


def _packets(film: InputContainer, indexes: list[int]) -> Iterator[Packet[Any]]:
    """What is in the film, up to where it is damaged, with times that count from its beginning."""
    from av import FFmpegError

    begin = origin(film)
    streams = [film.streams[index] for index in indexes]
    packets = film.demux(streams)
    reached: dict[int, int] = {}
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        except IndexError:  # PyAV met a track that begins later than the others
            packets = film.demux(streams)
            continue
        decoded, shown = packet.dts, packet.pts
        if decoded is None:
            decoded = shown
        index = packet.stream.index
        if decoded is None or index not in indexes:
            continue
        late = round(begin / float(packet.time_base))
        # Damaged and joined films have times that go back, which no container takes.
        packet.dts = reached[index] = max(decoded - late, reached.get(index, decoded - late - 1) + 1)
        packet.pts = max((decoded if shown is None else shown) - late, packet.dts)
        yield packet


def _encoded(voice: AudioStream, track: Track) -> Iterator[Packet[Any]]:
    """The dub as packets.

    The first one only primes the decoder and would begin before the film, which would shift all of it.
    """
    import numpy as np
    from av import AudioFrame

    at = 0
    for block in track.blocks():
        samples = np.frombuffer(block, "<i2")
        for start in range(0, len(samples), FRAME):
            piece = samples[start : start + FRAME]
            frame = AudioFrame.from_ndarray(piece[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = track.rate, at, Fraction(1, track.rate)
            at += len(piece)
            yield from (packet for packet in voice.encode(frame) if packet.pts is None or packet.pts >= 0)
    yield from voice.encode(None)


def _seconds(packet: Packet[Any]) -> float:
    return float((packet.dts or 0) * packet.time_base)

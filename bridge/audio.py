"""Sound in and out: files of any format to PCM, PCM to wav, one sample rate to another."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from bridge.errors import AudioError
from bridge.extras import install
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Audio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

READABLE = "Give a file with sound in it: wav, flac, mp3, ogg, opus, m4a or webm."


class Resampler:
    """Changes the rate of a stream of s16le mono PCM, piece by piece, without clicks at the borders."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        same = from_rate == to_rate
        self._stream = None if same else soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16")

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """The samples at the new rate that are ready; those still held back come with `last`.

        The filter holds back about 20 ms.
        """
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2")
        return bytes(self._stream.resample_chunk(samples, last=last).astype("<i2").tobytes())


def frames(pcm: bytes, rate: int, ms: int = 20) -> Iterator[bytes]:
    """Pieces of `ms` milliseconds each, the last one as short as it is."""
    size = rate * ms // 1000 * SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def wav(audio: Audio) -> bytes:
    """The content of a wav file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(audio.rate)
        file.writeframes(audio.pcm)
    return buffer.getvalue()


def decode(path: Path, rate: int = SPEECH_RATE) -> Iterator[bytes]:
    """The first sound track of a file as blocks of mono PCM s16le at `rate`.

    Stereo is mixed down. A file that ends too early gives what can be read of it. Raises
    AudioError, at the first block, for a file that is missing, empty, no recording or has no
    sound track, and where no sample can be read.
    """
    with _opened(path) as (container, stream):
        sound = False
        for block in _resampled(_decoded(container, stream), rate):
            sound = True
            yield block
        if not sound:
            raise AudioError(f"No sample of {path} can be decoded: it is damaged or cut off.", READABLE)


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """What can be read: a damaged packet is left out, and where the container breaks is the end."""
    from av import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        with suppress(FFmpegError):
            yield from packet.decode()


def _resampled(decoded: Iterator[AudioFrame], rate: int) -> Iterator[bytes]:
    """Mono s16 blocks; a file joined of several recordings may change its format on the way."""
    from av import AudioResampler

    for _, run in groupby(decoded, key=lambda frame: (frame.format.name, frame.layout.name, frame.rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in chain(run, (None,)):
            for block in resampler.resample(frame):
                if block.samples:
                    yield block.to_ndarray().tobytes()


def duration_ms(path: Path) -> float | None:
    """Length of a file's sound in milliseconds by its header, None where that does not say.

    Raises AudioError like `decode`.
    """
    with _opened(path) as (container, stream):
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base * 1000)
        return container.duration / 1000 if container.duration is not None else None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    try:
        import av
    except ImportError:
        raise AudioError("Audio files cannot be read without PyAV.", install("client")) from None
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", "Check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty.", READABLE)
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise AudioError(f"{path} cannot be read as audio: {error.strerror}.", READABLE) from None
    with container:
        if not container.streams.audio:
            raise AudioError(f"{path} has no sound track.", READABLE)
        yield container, container.streams.audio[0]

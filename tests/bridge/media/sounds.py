"""Small recordings and films of every format, written where a test wants them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.packet import Packet

CODECS = {
    "wav": ("pcm_s16le", "s16"),
    "flac": ("flac", "s16"),
    "mp3": ("libmp3lame", "s16p"),
    "ogg": ("libopus", "s16"),
    "m4a": ("aac", "fltp"),
    "mkv": ("libopus", "s16"),
    "webm": ("libopus", "s16"),
    "mp4": ("aac", "fltp"),
    "mov": ("pcm_s16le", "s16"),
    "ts": ("aac", "fltp"),
    "avi": ("pcm_s16le", "s16"),
    "aiff": ("pcm_s16be", "s16"),
}


def tone(hertz: float, rate: int, seconds: float = 1.0) -> npt.NDArray[np.int16]:
    return (np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate) * 10_000).astype("<i2")


def pitch(pcm: bytes, rate: int) -> float:
    """The strongest frequency in Hz."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum)) * rate / samples.size


def written(path: Path, rate: int, channels: int, hertz: float = 440, seconds: float = 1.0) -> Path:
    """An audio file in the format of its suffix."""
    samples = np.repeat(tone(hertz, rate, seconds), channels).reshape(1, -1)
    layout = "stereo" if channels == 2 else "mono"
    codec, form = CODECS[path.suffix[1:]]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.rate, frame.time_base = rate, Fraction(1, rate)
    with av.open(str(path), "w") as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout))
        stream.codec_context.open()
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(format=form, layout=layout, rate=rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path


def film(
    path: Path,
    sounds: Sequence[tuple[npt.NDArray[np.int16], float]],
    *,
    rate: int = 48_000,
    picture: bool = True,
    languages: Sequence[str] = (),
    default: int | None = None,
    gap: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """A film with a sound track for each of `sounds`: mono samples, and the second at which they begin.

    `gap` delays the sound from its first number on by its second, in seconds.
    """
    codec, form = CODECS[path.suffix[1:]]
    with av.open(str(path), "w") as container:
        packets = _picture(container, 1 + int(max(at + s.size / rate for s, at in sounds))) if picture else []
        for number, (samples, at) in enumerate(sounds):
            stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout="mono"))
            if languages:
                stream.metadata["language"] = languages[number]
            if default is not None:
                stream.disposition = cast(Any, int(number == default))
            stream.codec_context.open()
            packets += _delayed(_sound(stream, samples, at, rate, form), *gap)
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            container.mux(packet)
    return path


def _picture(container: av.container.OutputContainer, seconds: int) -> list[Packet[Any]]:
    stream = cast(Any, container.add_stream("mpeg4", rate=5))
    stream.width = stream.height = 16
    stream.pix_fmt = "yuv420p"
    packets = []
    for number in range(seconds * 5):
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 5)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _sound(
    stream: AudioStream, samples: npt.NDArray[np.int16], at: float, rate: int, form: str
) -> list[Packet[Any]]:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.rate, frame.time_base, frame.pts = rate, Fraction(1, rate), int(at * rate)
    size = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=form, layout="mono", rate=rate, frame_size=size)
    packets: list[Packet[Any]] = []
    for part in [*resampler.resample(frame), *resampler.resample(None), None]:
        packets += stream.encode(part)
    return [packet for packet in packets if packet.dts is not None]


def _delayed(packets: list[Packet[Any]], begin: float, length: float) -> list[Packet[Any]]:
    for packet in packets:
        if packet.pts is not None and packet.dts is not None and packet.pts * packet.time_base >= begin:
            packet.pts += int(length / packet.time_base)
            packet.dts += int(length / packet.time_base)
    return packets


def plain_wav(path: Path, samples: npt.NDArray[Any], rate: int = 16_000, tag: int = 1) -> Path:
    """A wav file of samples x channels of any type; `tag` 3 is float, 6 and 7 are G.711."""
    channels, width = samples.shape[1], samples.dtype.itemsize
    data = samples.tobytes()
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, width * 8)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", len(data)) + data
    )  # fmt: skip
    return path

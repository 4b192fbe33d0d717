"""Audio that is not the PCM that was agreed on, told by its first bytes and by its first second of sound."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.types import SAMPLE_BYTES, SPEECH_RATE

HEAD_BYTES = 4_096
"""Enough for two frames of MP3 at its highest rate, by which it is told from sound that begins alike."""
TYPE_BYTES = 64
"""Head of an EBML or Ogg file that is waited for to say what is in it."""
WAV_BYTES = 256
"""Header of a WAV file that is waited for to say what it holds."""
EXTENSIBLE = 0xFFFE
WINDOW_BYTES = SPEECH_RATE * SAMPLE_BYTES
WINDOWS = 30
"""Seconds of sound that tell nothing, such as noise, until no more are looked at."""
LOUD = 32
"""Mean amplitude from which the order of the bytes can be told."""
SMOOTH, ROUGH = 0.6, 0.9
"""Most speech changes from sample to sample by less than so much of its amplitude, mixed up bytes by 1.3."""
VALUES = 12
"""Of each second byte, where bytes stand for themselves: of quiet PCM the upper ones have few."""
LOUDER = 2.5
"""The lower byte of a sample is as good as random: taken for the higher one it is louder than most speech."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Finding:
    """What comes instead of PCM: `seen` by name; `certain` where it is a container."""

    seen: str
    certain: bool


class Disguise:
    """Looks at the audio of one session as it comes; once it is sure it looks no more."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._sound = bytearray()
        self._windows = 0
        self._named = False
        self.over = False

    def feed(self, frame: bytes) -> Finding | None:
        """What the audio is, if the next frame shows that it is no PCM. Call it until `over`."""
        found = None
        if not self._named:
            self._head += frame[: HEAD_BYTES - len(self._head)]
            seen = container(bytes(self._head))
            found = Finding(seen, True) if seen else None
            self._named = found is not None or len(self._head) == HEAD_BYTES
        if found is None and frame.count(0) < len(frame):
            self._sound += frame[: WINDOW_BYTES - len(self._sound)]
            if len(self._sound) == WINDOW_BYTES:
                found = self._judged()
        self.over = self.over or found is not None
        return found

    def _judged(self) -> Finding | None:
        window = np.frombuffer(bytes(self._sound), np.uint8)
        self._sound.clear()
        self._windows += 1
        seen = encoding(window)
        if seen is not None:
            return Finding(seen, False)
        self.over = self._windows >= WINDOWS or _bears_out(window, "<i2", ">i2")
        return None


def container(head: bytes) -> str:
    """The name of the container that begins with `head`, empty where it is none, or cannot be told yet.

    A WAV file that holds what is expected behind its header is let through.
    """
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name(head) if callable(name) else name
    return _frames(head)


def _ebml(head: bytes) -> str:
    if b"webm" in head[:TYPE_BYTES]:
        return "WebM (EBML)"
    return "Matroska or WebM (EBML)" if len(head) >= TYPE_BYTES else ""


def _ogg(head: bytes) -> str:
    codec = next((name for mark, name in _OGG.items() if mark in head[:TYPE_BYTES]), "")
    return f"Ogg {codec} (OggS)" if codec else "Ogg (OggS)" if len(head) >= TYPE_BYTES else ""


def _riff(head: bytes) -> str:
    """The form of a RIFF file; of WAV also what its header says, once it is there."""
    form = head[8:12]
    if form != b"WAVE":
        return f"RIFF/{form.decode('latin-1').strip()}" if len(form) == 4 else ""
    at = head.find(b"fmt ", 12)
    if not 0 <= at <= len(head) - 34:
        return "WAV (RIFF/WAVE)" if len(head) >= WAV_BYTES else ""
    encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at + 8)
    if encoding == EXTENSIBLE:
        (encoding,) = struct.unpack_from("<H", head, at + 32)
    if (encoding, channels, rate, bits) == (1, 1, SPEECH_RATE, 8 * SAMPLE_BYTES):
        return ""
    of = {1: "integer", 3: "float", 6: "A-law", 7: "µ-law"}.get(encoding, f"encoding {encoding}")
    return f"WAV (RIFF/WAVE: {rate} Hz, channels: {channels}, {bits}-bit {of})"


def _frames(head: bytes) -> str:
    """MP3 or AAC without a container: a frame that says where the next one begins, and there it is."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head[1] & 0xF6 == 0xF0:
        length, name = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5, "AAC (ADTS)"
    else:
        length, name = _mp3_length(head), "MP3"
    return name if length > 6 and head[length : length + 2] == head[:2] else ""


def _mp3_length(head: bytes) -> int:
    """Bytes of the frame of layer III that begins here; 0 for what is none."""
    version, layer, index, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != 1 or index in (0, 15) or rate == 3:
        return 0
    first = version == 3
    kbits = (_MPEG1 if first else _MPEG2)[index - 1]
    hertz = (44_100, 48_000, 32_000)[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if first else 72) * kbits * 1000 // hertz + (head[2] >> 1 & 1)


_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_OGG = {b"OpusHead": "Opus", b"\x01vorbis": "Vorbis", b"\x7fFLAC": "FLAC", b"Speex   ": "Speex"}
_MAGIC: tuple[tuple[int, bytes, str | Callable[[bytes], str]], ...] = (
    (0, b"\x1aE\xdf\xa3", _ebml),
    (0, b"OggS", _ogg),
    (0, b"RIFF", _riff),
    (0, b"RF64", "WAV (RF64)"),
    (0, b"RIFX", "WAV (RIFX)"),
    (0, b"ID3", "MP3 (ID3)"),
    (0, b"fLaC", "FLAC (fLaC)"),
    (4, b"ftyp", "MP4 (ftyp)"),
    (4, b"styp", "MP4 (styp)"),
    (4, b"moof", "MP4 (moof)"),
    (0, b"FORM", "AIFF (FORM)"),
    (0, b"caff", "CAF (caff)"),
    (0, b".snd", "AU (.snd)"),
    (0, b"#!AMR", "AMR (#!AMR)"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "WMA (ASF)"),
    (0, b"data:", "a data: URL"),
)


def encoding(window: Bytes) -> str | None:
    """How a second of sound is encoded if it is not what is expected, as far as its statistics tell."""
    for width, name in ((8, "64-bit float"), (4, "32-bit float")):
        if any(_is_float(window[start::width], width) for start in range(width - 1, 0, -SAMPLE_BYTES)):
            return f"{name} samples"
    if min(len(np.unique(window[0::2])), len(np.unique(window[1::2]))) >= VALUES:
        if _share(window & 0x80 == 0) == 1 and _share(window >= 0x20) > 0.95:
            return "text, perhaps base64"
        if _is_8_bit(window):
            return "8-bit samples, or G.711"
    if _bears_out(window, ">i2", "<i2"):
        return "samples whose bytes are swapped (big-endian), or shifted by one"
    return None


def _is_8_bit(window: Bytes) -> bool:
    """Whether every byte by itself lies where quiet sound lies: unsigned, µ-law or A-law."""
    quiet = (window - 0x60 < 0x40, window & 0x7F >= 0x40, (window ^ 0x55) & 0x7F < 0x40)
    return any(min(_share(each[0::2]), _share(each[1::2])) > 0.9 for each in quiet)


def _is_float(high: Bytes, width: int) -> bool:
    """Whether these bytes hold sign and exponent of floats between 1e-5 and 2."""
    magnitude = high & 0x7F
    sounding = magnitude[magnitude > 0]
    least = 0x36 if width == 4 else 0x3E
    return len(sounding) > len(high) // 16 and _share((sounding >= least) & (sounding <= 0x3F)) > 0.98


def _bears_out(window: Bytes, order: str, other: str) -> bool:
    """Whether the samples are sound in this order of bytes, and as good as noise in the other one."""
    high, low = (window[1::2], window[0::2]) if order == "<i2" else (window[0::2], window[1::2])
    if (high == high[0]).all() and not (low == low[0]).all():
        return False  # 8-bit sound in 16-bit samples has nothing in its lower byte
    samples, mixed = _samples(window, order), _samples(window, other)
    if _amplitude(samples) < LOUD:
        return False
    smooth = _roughness(samples) < SMOOTH < ROUGH < _roughness(mixed)
    return smooth or _amplitude(mixed) > LOUDER * _amplitude(samples)


def _samples(window: Bytes, kind: str) -> npt.NDArray[np.float32]:
    """Around their own centre: many a microphone is off it."""
    samples = np.frombuffer(window.tobytes(), kind).astype(np.float32)
    samples -= samples.mean()
    return samples


def _amplitude(samples: npt.NDArray[np.float32]) -> float:
    return float(np.abs(samples).mean())


def _roughness(samples: npt.NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(samples)).mean()) / max(1e-9, _amplitude(samples))


def _share(chosen: npt.NDArray[np.bool_]) -> float:
    return float(chosen.mean())

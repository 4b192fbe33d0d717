"""Joins clips of human speech, with longer or shorter pauses, for scripts that judge what becomes of them.

Each clip comes with its words and the time of each, as pocketsphinx finds them in the sound.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

from bridge.types import SPEECH_RATE
from gateway.core.quiet import WINDOW
from gateway.runtime.vad import Model

MS = SPEECH_RATE // 1000
PAUSE = 3
"""Windows of silence that count as a pause, 96 ms: what a draft is begun after."""

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Word:
    """As it is written, with its marks, and the sample in the midst of it."""

    written: str
    at: int

    @property
    def ends(self) -> bool:
        """Whether a sentence ends with it."""
        return self.written.rstrip("\"')")[-1] in ".!?"


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording, the probability of speech of its windows, its words."""

    pcm: Pcm
    speech: tuple[float, ...]
    words: tuple[Word, ...]


# Clips


def decoded(file: Path) -> Pcm:
    """The samples of a file, 16 kHz mono."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE)
    with av.open(str(file), format="g722" if file.suffix == ".g722" else None) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.int16)


def aligned(decoder: Decoder, pcm: Pcm, text: str) -> tuple[Word, ...]:
    """The words of `text` with their places; none where the recogniser does not know one of them."""
    written = text.split()
    spoken = [re.sub("[^a-z']", "", word.lower()) for word in written]
    if any(decoder.lookup_word(word) is None for word in spoken):
        return ()
    decoder.set_align_text(" ".join(spoken))
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    found = [part for part in decoder.seg() or () if not part.word.startswith(("<", "["))]
    if len(found) != len(written):
        return ()
    places = [(part.start_frame + part.end_frame + 1) * SPEECH_RATE // 200 for part in found]
    return tuple(map(Word, written, places))


def judged(model: Model, pcm: Pcm) -> tuple[float, ...]:
    """The probability of speech of each window, the last one filled up with silence."""
    stream, whole = model.stream(), np.concatenate([pcm, np.zeros(-len(pcm) % WINDOW, np.int16)])
    return tuple(stream.feed(whole[at : at + WINDOW].tobytes()) for at in range(0, len(whole), WINDOW))


def transcripts(words: Path) -> Iterator[tuple[str, str]]:
    """Clip and text: of JSON, where each clip is one sentence without marks, or of lines."""
    if words.suffix == ".json":
        for name, text in json.loads(words.read_text(encoding="utf-8")).items():
            yield name, text.capitalize() + "."
        return
    for line in words.read_text(encoding="utf-8").splitlines():
        name, colon, text = line.partition(": ")
        if colon and text.strip():
            yield name, text.strip()


def clips(model: Model, folder: Path, words: Path) -> list[Clip]:
    """The clips of a folder of which the words are known."""
    found, decoder = [], Decoder(samprate=SPEECH_RATE, loglevel="FATAL", lm=None)
    for name, text in transcripts(words):
        pcm = decoded(folder / name)
        placed = aligned(decoder, pcm, text)
        if placed:
            found.append(Clip(pcm, judged(model, pcm), placed))
        else:
            print(f"left out: {name}")  # noqa: T201
    return found


# Streams


def runs(speech: Sequence[float], threshold: float = 0.5) -> list[tuple[bool, int, int]]:
    """Voiced and silent windows: (voiced, first, behind the last)."""
    found: list[tuple[bool, int, int]] = []
    voiced = False
    for at, probability in enumerate(speech):
        voiced = probability >= (threshold - 0.15 if voiced else threshold)
        if found and found[-1][0] == voiced:
            found[-1] = (voiced, found[-1][1], at + 1)
        else:
            found.append((voiced, at, at + 1))
    return found


def pauses(clip: Clip) -> list[tuple[int, int]]:
    """The windows of its inner pauses."""
    found = [
        (first, last) for voiced, first, last in runs(clip.speech) if not voiced and last - first >= PAUSE
    ]
    return [(first, last) for first, last in found if first and last < len(clip.speech)]


def within(clip: Clip) -> list[float]:
    """Milliseconds of its pauses within a sentence."""
    middles = [((first + last) * WINDOW // 2, (last - first) * WINDOW / MS) for first, last in pauses(clip)]
    places = [word.at for word in clip.words]
    before = [(bisect(places, at), ms) for at, ms in middles]
    return [ms for index, ms in before if 0 < index < len(places) and not clip.words[index - 1].ends]


def stretched(clip: Clip, times: float) -> tuple[Pcm, list[Word]]:
    """The clip with each inner pause so many times as long, made of its own silence."""
    parts, moved, at, shift, rest = list[Pcm](), list[Word](), 0, 0, list(clip.words)
    for first, last in pauses(clip):
        middle, length = (first + last) * WINDOW // 2, (last - first) * WINDOW
        quiet = clip.pcm[first * WINDOW + length // 3 : last * WINDOW - length // 3]
        more = round(length * (times - 1))
        while rest and rest[0].at < middle:
            moved.append(replace(rest[0], at=rest[0].at + shift))
            del rest[0]
        parts.append(clip.pcm[at : middle + min(0, more // 2)])
        parts.append(np.resize(np.concatenate([quiet, quiet[::-1]]), max(0, more)))
        at, shift = middle - min(0, more - more // 2), shift + more
    moved += [replace(word, at=word.at + shift) for word in rest]
    return np.concatenate([*parts, clip.pcm[at:]]), moved


def joined(of: Iterable[Clip], times: float, between: int) -> tuple[Pcm, list[Word]]:
    """The clips one behind the other."""
    parts, words, at = list[Pcm](), list[Word](), 0
    for clip in of:
        pcm, its = stretched(clip, times)
        edge = pcm[-WINDOW:]
        gap = np.resize(np.concatenate([edge, edge[::-1]]), between * MS).astype(np.int16)
        words += [replace(word, at=word.at + at) for word in its]
        parts += [pcm, gap]
        at += len(pcm) + len(gap)
    return np.concatenate(parts), words

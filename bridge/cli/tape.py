"""What a listener heard, on one timeline: speech as a WAV file, words as subtitles of it."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bridge.cli.files import write_whole, writing
from bridge.errors import BridgeError
from bridge.protocol import server_messages, wire
from bridge.types import SAMPLE_BYTES

if TYPE_CHECKING:
    from bridge.captions import Said

LONGEST = 2**32 - 2**20
"""Bytes that a WAV file can hold: a day at 24 kHz."""
SILENCE = 2**16
UNSPOKEN_MS = 2_000.0
"""How long the words of a sentence are shown whose speech did not come."""


@dataclass(slots=True)
class _Heard:
    """One sentence; `begin` and `end` are places in the samples of the tape."""

    text: str = ""
    name: str = ""
    begin: int | None = None
    end: int = 0


class Tape:
    """Takes the messages of a session with their times in seconds since it began.

    Speech begins when it arrived, or when the one before it is over, as the listener hears it.
    """

    def __init__(self, language: str, rate: int, wav: Path | None = None, srt: Path | None = None) -> None:
        """Raises BridgeError where a file cannot be written."""
        self.language = language
        self.rate = rate
        self._srt = srt
        self._heard: dict[int, _Heard] = {}
        self._reached = 0
        self._file: wave.Wave_write | None = None
        self._open = ExitStack()
        self._wav = wav
        if wav is not None:
            with writing(wav.parent):
                file = self._open.enter_context(wav.open("wb"))
            self._file = self._open.enter_context(wave.open(file, "wb"))  # noqa: SIM115  # it is one
            self._file.setnchannels(1)
            self._file.setsampwidth(SAMPLE_BYTES)
            self._file.setframerate(rate)
        self._write_words()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The files are whole whenever nothing is being written."""
        self._write_words()
        with writing(Path()):
            self._open.close()

    def take(self, message: server_messages.ServerMessage | wire.AudioFrame, now: float) -> None:
        """Notes what arrived. Raises BridgeError where a file cannot be written, or is full."""
        match message:
            case wire.AudioFrame():
                self._speak(self._of(message.segment), message.pcm, now)
            case server_messages.TranslationFinal():
                heard = self._of(message.segment)
                heard.text, heard.name = message.text, message.name or ""
            case server_messages.SegmentDone() if message.segment in self._heard:
                self._finish(self._heard[message.segment], now)

    def said(self) -> Iterator[Said]:
        """The words, with the name of who said them where that is not who spoke before."""
        from bridge.captions import Said

        before = ""
        placed = [(each.begin, each) for each in self._heard.values() if each.begin is not None]
        for begin, heard in sorted(placed, key=lambda each: each[0]):
            named = f"{heard.name}: {heard.text}" if heard.name and heard.name != before else heard.text
            before = heard.name
            yield Said(begin * 1000 / self.rate, heard.end * 1000 / self.rate, named, self.language)

    def _of(self, segment: int) -> _Heard:
        return self._heard.setdefault(segment, _Heard())

    def _speak(self, heard: _Heard, pcm: bytes, now: float) -> None:
        if heard.begin is None:
            heard.begin = max(self._reached, int(now * self.rate))
            self._silence(heard.begin - self._reached)
        self._write(pcm)
        self._reached += len(pcm) // SAMPLE_BYTES
        heard.end = self._reached

    def _finish(self, heard: _Heard, now: float) -> None:
        if heard.begin is None:
            heard.begin = int(now * self.rate)
            heard.end = heard.begin + int(UNSPOKEN_MS * self.rate / 1000)
        self._write_words()

    def _silence(self, samples: int) -> None:
        self._reached += samples
        while samples > 0:
            self._write(bytes(min(samples, SILENCE) * SAMPLE_BYTES))
            samples -= SILENCE

    def _write(self, pcm: bytes) -> None:
        if self._file is None or not pcm:
            return
        if (self._file.tell() + SILENCE) * SAMPLE_BYTES > LONGEST:
            raise BridgeError(
                f"{self._wav} is full: a WAV file holds no more than 4 GB.",
                "Go on with another file.",
                code="bad_output",
            )
        with writing(self._wav.parent if self._wav else Path()):
            self._file.writeframes(pcm)

    def _write_words(self) -> None:
        if self._srt is None:
            return
        from bridge.captions import cues, srt

        content = srt(cues(self.said()))
        write_whole(self._srt, lambda path: path.write_text(content, "utf-8", newline="\n"))

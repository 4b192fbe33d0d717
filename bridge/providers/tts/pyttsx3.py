"""The pyttsx3 package, which on Linux is espeak-ng, without a sound card: each sentence by way of a file.

Whoever uses pyttsx3 hears the same here. It has no stream: a sentence is there as a whole after 12 ms, of
which it sleeps 10; the `espeak` engine gives the first piece of the same speech after 0.2 ms.
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from pydantic import Field

from bridge import languages, options
from bridge.errors import LanguageError, ProviderError, ProviderMissing
from bridge.extras import install
from bridge.text import clean, sentences
from bridge.types import Audio, Utterance

FASTEST = 450
"""Words per minute, above which espeak goes no faster."""

PATIENCE_S = 10
"""A minute of speech takes 0.3 s; a process that is silent for longer hangs."""

CHILD = Path(__file__).with_name("pyttsx3_child.py")


class Pyttsx3Options(options.Options):
    """How pyttsx3 sounds."""

    pyttsx3_rate: int = Field(200, ge=80, le=FASTEST, description="Speed of speech in words per minute.")
    pyttsx3_volume: float = Field(1.0, ge=0, le=1, description="Loudness; 1 is as designed.")


class Speaker:
    """The process that holds the package, one sentence at a time; begun anew where it ended."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder = TemporaryDirectory(prefix="pyttsx3-")
        self._file = Path(self._folder.name) / "speech.wav"
        try:
            self._process, self.voices = self._begin()
        except BaseException:
            self._folder.cleanup()
            raise

    def speak(self, text: str, **how: str | float) -> Audio:
        """The whole speech of `text`. Raises ProviderError."""
        with self._lock:
            if self._process.poll() is not None:
                _end(self._process)
                self._process, _ = self._begin()
            said = _asked(self._process, {**how, "text": text, "file": str(self._file)})
            if error := said.get("error") if said else "its process ended or hangs":
                raise ProviderError(f"pyttsx3 failed on a text of {len(text)} characters: {error}.")
            try:
                with wave.open(str(self._file)) as file:
                    return Audio(file.readframes(file.getnframes()), file.getframerate())
            except (OSError, EOFError, wave.Error) as error:
                raise ProviderError(f"pyttsx3 wrote no speech: {error}.") from error
            finally:
                self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the process once it has spoken."""
        with self._lock:
            _end(self._process)
            self._folder.cleanup()

    def _begin(self) -> tuple[subprocess.Popen[str], frozenset[str]]:
        process = subprocess.Popen(
            [sys.executable, "-P", str(CHILD)],  # its folder has a pyttsx3.py too: this one
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the worker, which lets it finish
        )
        said = _answer(process) or {}
        if "voices" not in said:
            _end(process)
            raise ProviderMissing(
                f"pyttsx3 does not start: {said.get('missing', 'no answer')}.", install("pyttsx3")
            )
        return process, frozenset(said["voices"])


def _asked(process: subprocess.Popen[str], question: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to a question; None where the process is gone."""
    assert process.stdin
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
    except OSError:
        return None
    return _answer(process)


def _answer(process: subprocess.Popen[str]) -> dict[str, Any] | None:
    """The next line, None at the end or when it does not come; then the process is over."""
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.kill()
        process.wait()
        return None
    said: dict[str, Any] = json.loads(line)
    return said


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin and process.stdout
    with contextlib.suppress(OSError):  # what is left in it has nobody to read it
        process.stdin.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


class Pyttsx3:
    """A view of one process of the package with its own speed and volume."""

    Options: type[options.Options] = Pyttsx3Options

    def __init__(self, options: Pyttsx3Options) -> None:
        self._options = options
        self._speaker = Speaker()
        # The package tells of each voice the first of its languages only: fr-fr, of fr-fr and fr.
        bases = {code.partition("-")[0] for code in self._speaker.voices}
        self._languages = frozenset(
            known.tag
            for known in languages.known()
            if known.espeak and (known.espeak in self._speaker.voices or known.espeak in bases)
        )

    def languages(self) -> frozenset[str]:
        """Tags of the languages that one of the package's voices speaks."""
        return self._languages

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """A piece per sentence at 22 050 Hz.

        `voice` is one of the package's by its language, such as es-419 or en-us. Raises LanguageError, and
        ProviderError for an unknown voice and where the package fails.
        """
        voice = self._voice(utterance)
        rate = min(FASTEST, round(self._options.pyttsx3_rate * utterance.speed))
        for sentence in sentences(clean(utterance.text), utterance.language):
            volume = self._options.pyttsx3_volume
            yield self._speaker.speak(sentence, voice=voice, rate=rate, volume=volume)

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Ends the process."""
        self._speaker.close()

    def _voice(self, utterance: Utterance) -> str:
        if voice := utterance.voice:
            if voice not in self._speaker.voices:
                raise ProviderError(
                    f"pyttsx3 has no voice {voice[:64]!r}.", "Use a language such as es-419 or en-us."
                )
            return voice
        if utterance.language not in self._languages:
            raise LanguageError(
                f"pyttsx3 has no voice for {utterance.language}.", "Choose another language or TTS_PROVIDER."
            )
        return languages.find(utterance.language).espeak or ""

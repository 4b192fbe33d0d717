"""Translation by rules where nothing may be downloaded: Apertium's programs, kept running as pipes.

A running pipe answers in about 1 ms, the `apertium` command in 140 to 210 ms.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import subprocess
import time
from pathlib import Path
from threading import Lock
from typing import IO

from pydantic import Field

from bridge import languages, options
from bridge.errors import LanguageError, ProviderBusy, ProviderError, ProviderMissing
from bridge.providers.translation import phrasebook
from bridge.types import Phrase, Translation

INSTALL = "apt-get install apertium apertium-eng-spa"

MODE = re.compile(r"([a-z]{2,3}(?:_\w+)?)-([a-z]{2,3}(?:_\w+)?)")
"""Names of the modes that translate; others such as `eng-spa-tagger` show one program's work."""

RESERVED = re.compile(r"([\\^$/<>{}\[\]@])")
"""Characters with a meaning in Apertium's stream format."""

END = "[][\n]"
"""Blank behind the text that makes every program pass on what it holds back."""


class ApertiumOptions(options.Options):
    """Where Apertium's pairs are and how long one may take."""

    apertium_modes: Path = Field(
        Path("/usr/share/apertium/modes"), description="Folder of the installed Apertium modes."
    )
    apertium_timeout_ms: int = Field(
        5_000, ge=50, description="Time for one translation, after which the pair's programs are replaced."
    )
    apertium_phrases: Path | None = Field(
        None,
        description="A file such as en-es.tsv, or a folder of them, whose phrases win over the bundled ones.",
    )


class Pipe:
    """The programs of one mode, chained and running; one text at a time."""

    def __init__(self, mode: Path, timeout_ms: int) -> None:
        self._mode = mode
        self._timeout = timeout_ms / 1000
        self._lock = Lock()
        self._programs: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        """Process ids of the chain in order; empty before the first text."""
        return [program.pid for program in self._programs]

    def translate(self, text: str) -> str:
        """The text through the chain. A chain that died is replaced and asked once more.

        Raises ProviderBusy where no answer comes in time, ProviderError where the chain dies again.
        """
        # A last word without a full stop is taken for a heading, and a lone "^" is never answered.
        stop = "" if text.endswith((".", "!", "?")) else "."
        data = _encoded(text + stop)
        deadline = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise self._late()
        try:
            for _ in range(2):
                self._start()
                try:
                    return _decoded(self._exchange(data, deadline)).removesuffix(stop).rstrip()
                except (EOFError, BrokenPipeError):
                    self._stop()
                except TimeoutError:
                    self._stop()
                    raise self._late() from None
        finally:
            self._lock.release()
        raise ProviderError(
            f"The programs of the Apertium mode {self._mode.stem} end instead of answering.",
            f"Try: echo house | apertium {self._mode.stem}",
        )

    def close(self) -> None:
        """Ends the programs."""
        with self._lock:
            self._stop()

    def _late(self) -> ProviderBusy:
        return ProviderBusy(
            f"Apertium {self._mode.stem} gave no translation within {self._timeout * 1000:.0f} ms.",
            "Its programs are started again with the next text. APERTIUM_TIMEOUT_MS sets the time.",
        )

    def _start(self) -> None:
        if self._programs and all(program.poll() is None for program in self._programs):
            return
        self._stop()
        source: int | IO[bytes] = subprocess.PIPE
        for command in _commands(self._mode):
            try:
                program = subprocess.Popen(
                    command,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    env=os.environ | {"LC_ALL": "C.UTF-8"},
                )
            except FileNotFoundError:
                self._stop()
                raise ProviderMissing(
                    f"{command[0]}, which Apertium's {self._mode.stem} needs, is not installed.", INSTALL
                ) from None
            if self._programs:
                # An end kept open here would hide from a program that its neighbour died.
                _open(self._programs[-1].stdout).close()
            self._programs.append(program)
            source = _open(program.stdout)
        os.set_blocking(_open(self._programs[0].stdin).fileno(), False)

    def _stop(self) -> None:
        for program in self._programs:
            program.kill()
        for program in self._programs:
            program.wait()
            for end in (program.stdin, program.stdout):
                if end:
                    end.close()
        self._programs = []

    def _exchange(self, data: bytes, deadline: float) -> bytes:
        """Writes and reads at once: a text longer than the pipes' buffers would block a writer."""
        given, made = _open(self._programs[0].stdin), _open(self._programs[-1].stdout)
        answer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(given, selectors.EVENT_WRITE)
            selector.register(made, selectors.EVENT_READ)
            while not answer.endswith(b"\0"):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fileobj is made:
                        answer += _read(key.fd)
                        continue
                    data = data[os.write(key.fd, data) :]
                    if not data:
                        selector.unregister(given)
        # Behind a program that was killed the others still end their output with a NUL.
        if not answer.endswith(f"{END}\0".encode()):
            raise EOFError
        return bytes(answer)


class Apertium:
    """The installed pairs, each started with its first text. No confidence: the engine has none."""

    Options: type[options.Options] = ApertiumOptions

    def __init__(self, options: ApertiumOptions) -> None:
        self._pipes = {
            pair: Pipe(mode, options.apertium_timeout_ms)
            for pair, mode in _modes(options.apertium_modes).items()
        }
        if not self._pipes:
            raise ProviderMissing(
                f"No Apertium pair of known languages is installed in {options.apertium_modes}.", INSTALL
            )
        self._books = phrasebook.books(options.apertium_phrases)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """The installed pairs of languages that the system knows."""
        return frozenset(self._pipes)

    def pipe(self, source: str, target: str) -> Pipe:
        """The chain of one pair. Raises LanguageError for a pair that is not installed."""
        try:
            return self._pipes[source, target]
        except KeyError:
            offered = ", ".join(sorted(f"{a} to {b}" for a, b in self._pipes))
            raise LanguageError(
                f"Apertium has no pair {source} to {target} here, only {offered}.",
                "apt-cache search apertium- lists the pairs that can be installed.",
            ) from None

    def translate(self, phrase: Phrase) -> Translation:
        """The text in the target language on one line; words without a rule stay as they are.

        Raises LanguageError, ProviderBusy after APERTIUM_TIMEOUT_MS, ProviderError.
        """
        pipe = self.pipe(phrase.source, phrase.target)
        text = " ".join(phrase.text.replace("\0", " ").split())
        if not text:
            return Translation("")
        book = self._books.get((phrase.source, phrase.target))
        return Translation(book.translate(text, pipe.translate) if book else pipe.translate(text))

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Ends all programs. Those of a killed worker end by themselves: their input is at its end."""
        for pipe in self._pipes.values():
            pipe.close()


def _modes(folder: Path) -> dict[tuple[str, str], Path]:
    modes: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.glob("*.mode")):
        if not (match := MODE.fullmatch(path.stem)):
            continue
        source, target = (languages.from_apertium(code) for code in match.groups())
        if source and target and source != target:
            modes.setdefault((source, target), path)
    return modes


def _commands(mode: Path) -> list[list[str]]:
    """The chain of a mode file: `-n` leaves the mark `*` off unknown words, `-z` ends a text at NUL."""
    script = mode.read_text().replace("$1", "-n").replace("$2", "")
    stages = [shlex.split(stage) for stage in script.split("|")]
    return [[program, "-z", *arguments] for program, *arguments in stages]


def _encoded(text: str) -> bytes:
    escaped = RESERVED.sub(r"\\\1", text)
    return f"{escaped}{END}\0".encode(errors="replace")


def _decoded(answer: bytes) -> str:
    text = answer.decode(errors="replace").removesuffix("\0").removesuffix(END)
    return " ".join(re.sub(r"\\(.)", r"\1", text).split())


def _open(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


def _read(descriptor: int) -> bytes:
    if block := os.read(descriptor, 65_536):
        return block
    raise EOFError

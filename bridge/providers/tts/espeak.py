"""Speech in over 100 languages where nothing may be downloaded: espeak-ng, library and data in one wheel.

The first piece exists after 0.2 ms, 4 s of speech after 2 ms. The library is one per process and
keeps voice and speed as global state, so one text is spoken at a time; it releases the GIL.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread

from pydantic import Field

from bridge import languages, options
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.types import Audio, Utterance

PIECE_MS = 200
"""Sound per call back: each one takes the GIL, which a busy thread gives up after 5 ms only."""

FASTEST = 450
"""Words per minute."""

SYNCHRONOUS = 2
RATE, PITCH = 1, 3
UTF8_AND_FINAL_PAUSE = 0x1001

VOICE = re.compile(r"(?P<base>[A-Za-z0-9-]*)(\+(?P<variant>[A-Za-z0-9_ -]+))?")

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakOptions(options.Options):
    """How espeak sounds."""

    espeak_rate: int = Field(175, ge=80, le=FASTEST, description="Speed of speech in words per minute.")
    espeak_pitch: int = Field(50, ge=0, le=99, description="Pitch of the voice; 50 is as designed.")
    espeak_variant: str = Field(
        "", description="Variant of the voice of every language, such as f4 or m3.", examples=["f4", "m3"]
    )


class Library:
    """The C library, initialised once in a process; `speak` runs one text at a time."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise ProviderMissing(
                "The espeakng-loader package is not installed.", install("espeak")
            ) from None
        data = Path(espeakng_loader.get_data_path())
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate: int = self._library.espeak_Initialize(SYNCHRONOUS, PIECE_MS, str(data).encode(), 0)
        if self.rate <= 0:
            raise ProviderMissing(
                f"espeak-ng cannot read its data in {data}.",
                install("espeak") + " --force-reinstall",
            )
        self.variants = frozenset(file.name for file in (data / "voices" / "!v").iterdir())
        self._lock = Lock()
        self._take: Callable[[bytes], bool] = bool
        self._failure: Exception | None = None
        self._callback = CALLBACK(self._received)  # the library keeps no reference of its own
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, rate: int, pitch: int, take: Callable[[bytes], bool]) -> None:
        """Hands the speech to `take` in pieces of PCM until that returns True or the text ends.

        Raises ProviderError for a voice that does not exist, where the library fails and where `take` does.
        """
        encoded = text.encode(errors="replace") + b"\0"
        with self._lock:
            # 2 for an unknown voice, and the one before would speak on.
            if self._library.espeak_SetVoiceByName(voice.encode(errors="replace")) != 0:
                raise ProviderError(
                    f"espeak has no voice {voice!r}.",
                    "Use a language such as es or en-us, with a variant if wanted: en-us+f4.",
                )
            self._library.espeak_SetParameter(RATE, rate, 0)
            self._library.espeak_SetParameter(PITCH, pitch, 0)
            self._take, self._failure = take, None
            code = self._library.espeak_Synth(
                encoded, len(encoded), 0, 0, 0, UTF8_AND_FINAL_PAUSE, None, None
            )
            self._library.espeak_Synchronize()
            if failure := self._failure or (f"code {code}" if code else None):
                raise ProviderError(f"espeak failed on a text of {len(text)} characters: {failure}.")

    def _received(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if count <= 0:
            return 0
        try:
            return int(self._take(ctypes.string_at(samples, count * ctypes.sizeof(ctypes.c_short))))
        except Exception as error:  # ctypes would print it, and the text go on without this piece
            self._failure = error
            return 1


_guard = Lock()
_library: Library | None = None


def library() -> Library:
    """The one library of the process. Raises ProviderMissing."""
    global _library
    with _guard:
        if _library is None:
            _library = Library()
        return _library


class Espeak:
    """A view of the process's one library with its own speed, pitch and variant."""

    Options: type[options.Options] = EspeakOptions

    def __init__(self, options: EspeakOptions) -> None:
        self._library = library()
        self._options = options
        self._languages = frozenset(known.tag for known in languages.known() if known.espeak)
        if options.espeak_variant and options.espeak_variant not in self._library.variants:
            raise SettingsError(
                f"ESPEAK_VARIANT={options.espeak_variant} is no variant of espeak.",
                f"Use one of: {', '.join(sorted(self._library.variants))}.",
            )

    def languages(self) -> frozenset[str]:
        """Tags of the languages that have a voice."""
        return self._languages

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces of 200 ms at 22 050 Hz; none for a text without a character.

        `voice` is a name of espeak's own such as `es-419` or `en-us+f4`; `+f4` alone changes the
        language's voice. Raises LanguageError, ProviderError for an unknown voice.
        """
        text = utterance.text.replace("\0", " ").strip()
        voice = self._voice(utterance)
        # Not bounded: waiting for a slow listener would hold the library's lock, and with it every
        # other speaker of this process, while the whole of a segment is a megabyte made in 10 ms.
        pieces: SimpleQueue[bytes | ProviderError | None] = SimpleQueue()
        stopped = Event()

        def take(pcm: bytes) -> bool:
            pieces.put(pcm)
            return stopped.is_set()

        def speak() -> None:
            try:
                rate = min(FASTEST, round(self._options.espeak_rate * utterance.speed))
                self._library.speak(text, voice, rate, self._options.espeak_pitch, take)
                pieces.put(None)
            except ProviderError as error:
                pieces.put(error)
            except BaseException as error:  # else the reader would wait for ever
                pieces.put(ProviderError(f"espeak failed on a text of {len(text)} characters: {error}."))

        if not text:
            return
        thread = Thread(target=speak, name="espeak")
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, ProviderError):
                    raise piece
                yield Audio(piece, self._library.rate)
        finally:
            stopped.set()
            thread.join()

    def _voice(self, utterance: Utterance) -> str:
        asked = utterance.voice or ""
        if not (parts := VOICE.fullmatch(asked)):
            raise ProviderError(
                f"espeak has no voice {asked!r}.", "Use a name such as es, en-us or en-us+f4."
            )
        base = parts["base"]
        if not base:
            if utterance.language not in self._languages:
                raise LanguageError(
                    f"espeak has no voice for {utterance.language}.",
                    "Choose another language or TTS_PROVIDER.",
                )
            base = languages.find(utterance.language).espeak or ""
        variant = parts["variant"] or ("" if parts["base"] else self._options.espeak_variant)
        if variant and variant not in self._library.variants:
            raise ProviderError(
                f"espeak has no variant {variant!r} of a voice.",
                f"Use one of: {', '.join(sorted(self._library.variants))}.",
            )
        return f"{base}+{variant}" if variant else base

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Leaves the library as it is: other instances of the process may be speaking."""

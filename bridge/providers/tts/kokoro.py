"""Natural speech of one small model for several languages: Kokoro, by kokoro-onnx on ONNX Runtime.

Its voices are named by language and sex, such as ef_dora. Japanese and Mandarin have voices too, and are
left out: espeak, which reads the texts, calls each kanji "Chinese letter" and loses the tones of Mandarin.
The package would read a whole text first, and speak the marks that espeak sets around foreign words, such as
"(en)", so texts are cut and read here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bridge import languages, options
from bridge.audio import s16
from bridge.errors import LanguageError, ProviderError, ProviderMissing
from bridge.extras import install
from bridge.models.pool import Limits, Pool, loading, out_of_memory
from bridge.providers.onnx import CUDA, no_gpu
from bridge.providers.tts import kokoro_voices
from bridge.providers.tts.kokoro_voices import TONGUES
from bridge.providers.tts.ort import OrtOptions, chosen, session_options
from bridge.settings import Settings
from bridge.text import clauses, clean, parts, sentences
from bridge.types import SAMPLE_BYTES, Audio, Utterance

if TYPE_CHECKING:
    from kokoro_onnx import Kokoro as Network

QUIET = logging.getLogger(f"{__name__}.reader")
"""It warns of each text in which espeak joins words, as it does in most."""
QUIET.setLevel(logging.ERROR)

FIRST = 24
"""Characters of the first clause that is spoken before the others, about 1.5 s."""
LONGEST = 300
"""Characters spoken at once, about 20 s; the model takes 510 phonemes."""
SLOWEST, FASTEST = 0.5, 2.0
"""What the package accepts."""
SENTENCE_S, CLAUSE_S = 0.25, 0.1
"""Pauses, as the package sets them between its own pieces, whose ends it trims."""


class KokoroOptions(OrtOptions):
    """Which model and whose voices speak."""

    kokoro_model: str = Field(
        "v1.0",
        description="Model, by the name of a pulled one, its folder, or its .onnx with the voices beside it.",
    )
    kokoro_voices: str = Field(
        "",
        description="Voices that stand for their languages instead of the best ones, comma-separated.",
        examples=["am_michael,em_alex"],
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model, and what it reads and speaks with; thread-safe but for what `lock` guards."""

    network: Network
    lock: Lock = field(default_factory=Lock)
    readers: dict[str, Any] = field(default_factory=dict)
    styles: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def phonemes(self, text: str, espeak: str) -> str:
        """How the text is said; empty where nothing of it is said."""
        from phonemizer.backend import EspeakBackend

        with self.lock:
            if espeak not in self.readers:
                self.readers[espeak] = EspeakBackend(
                    espeak,
                    preserve_punctuation=True,
                    with_stress=True,
                    language_switch="remove-flags",
                    logger=QUIET,
                )
            said = " ".join(self.readers[espeak].phonemize([text]))
        known = "".join(phoneme for phoneme in said if phoneme in self.network.tokenizer.vocab).strip()
        return known if any(phoneme.isalpha() for phoneme in known) else ""

    def style(self, voice: str) -> npt.NDArray[np.float32]:
        """The voice itself, read once from its file, which knows one reader at a time."""
        with self.lock:
            if voice not in self.styles:
                self.styles[voice] = self.network.get_voice_style(voice)
            return self.styles[voice]

    def close(self) -> None:
        """Closes the file of the voices."""
        file: Any = self.network.voices  # the package takes it for an array
        file.close()


class Kokoro:
    """One model for all its voices, loaded once. Releases the GIL while it computes."""

    Options: type[options.Options] = KokoroOptions

    def __init__(self, options: KokoroOptions) -> None:
        try:
            import onnxruntime
            from kokoro_onnx.log import log
        except ImportError:
            raise ProviderMissing("The kokoro-onnx package is not installed.", install("kokoro")) from None
        log.handlers.clear()  # it would write beside our own lines, in a form of its own
        self._options = options
        self._providers = chosen(options, onnxruntime.get_available_providers())
        self._model, self._file = kokoro_voices.files(options.kokoro_model)
        self._known = kokoro_voices.names(self._file)
        self._spoken = kokoro_voices.spoken(kokoro_voices.preferred(options.kokoro_voices, self._known))
        core = Settings.read()
        self._pool = Pool("tts", Limits.of(core))
        try:
            self.preload([self._model.stem])
        except BaseException:
            self._pool.close()
            raise

    def languages(self) -> frozenset[str]:
        """Tags of the languages that a voice of the file speaks, with their regions."""
        return frozenset(self._spoken)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """A piece per sentence at 24 kHz, per clause of the first one where its sound is waited for.

        `voice` is another voice of the language, such as em_alex. A speed beyond half or double is the
        nearest of these. Raises LanguageError, and ProviderError for an unknown voice and where the engine
        fails.
        """
        voice = self._choose(utterance)
        espeak = TONGUES[voice[0]].espeak
        speed = min(FASTEST, max(SLOWEST, self._options.tts_speed * utterance.speed))
        silence: float = 0
        with self._lease() as model:
            for text, pause in _pieces(utterance):
                if not (phonemes := model.phonemes(text, espeak)):
                    continue
                yield _speak(model, phonemes, voice, speed, silence)
                silence = pause / speed

    def preload(self, models: Sequence[str]) -> None:
        """Loads the model. Raises ProviderMissing for another name."""
        for name in models:
            if name != self._model.stem:
                raise ProviderMissing(
                    f"The model here is {self._model.stem}, not {name}.", "KOKORO_MODEL names another one."
                )
            with self._lease():
                pass

    def resident(self) -> tuple[str, ...]:
        """The name of the model while it is loaded."""
        return self._pool.resident()

    def close(self) -> None:
        """Frees the model, unless it speaks."""
        self._pool.close()

    def _choose(self, utterance: Utterance) -> str:
        if utterance.language not in self._spoken:
            raise LanguageError(
                f"Kokoro has no voice for {utterance.language}.",
                f"It speaks {', '.join(sorted(self._spoken))}.",
            )
        if not (asked := utterance.voice):
            return self._spoken[utterance.language]
        base = languages.find(utterance.language).base
        fitting = [name for name in self._known if languages.find(TONGUES[name[0]].tag).base == base]
        if asked not in fitting:
            raise ProviderError(
                f"Kokoro has no voice {asked[:64]!r} for {utterance.language}.",
                f"Use one of: {', '.join(fitting)}.",
            )
        return asked

    def _lease(self) -> AbstractContextManager[Loaded]:
        return self._pool.lease(self._model.stem, self._load, Loaded.close)

    def _load(self) -> Loaded:
        import onnxruntime
        from kokoro_onnx import Kokoro as Network

        with loading(f"The model {self._model}", "Fetch it again: speechbridge models pull kokoro v1.0"):
            session = onnxruntime.InferenceSession(
                str(self._model), sess_options=session_options(self._options), providers=self._providers
            )
            network = Network.from_session(session, str(self._file))
        loaded, asked, used = Loaded(network), self._options.tts_device, session.get_providers()
        if asked.startswith("cuda") and CUDA not in used:
            loaded.close()
            raise no_gpu("tts", asked, used)
        return loaded


def _pieces(utterance: Utterance) -> Iterator[tuple[str, float]]:
    """What is spoken at once, and the pause behind it."""
    for number, sentence in enumerate(sentences(clean(utterance.text), utterance.language)):
        soon = utterance.soon and number == 0
        said = [
            part
            for clause in (clauses(sentence, FIRST) if soon else [sentence])
            for part in parts(clause, lambda text: len(text) <= LONGEST)
        ]
        yield from ((part, CLAUSE_S) for part in said[:-1])
        yield said[-1], SENTENCE_S


def _speak(model: Loaded, phonemes: str, voice: str, speed: float, silence: float) -> Audio:
    """The speech of a piece behind so many seconds of silence."""
    try:
        samples, rate = model.network.create(
            phonemes, model.style(voice), speed, is_phonemes=True, sentence_pause=0, clause_pause=0
        )
    except Exception as error:  # ONNX Runtime's have no common type
        raise ProviderError(
            f"Kokoro failed on {len(phonemes)} phonemes: {type(error).__name__}.",
            code="out_of_memory" if out_of_memory(error) else None,
        ) from error
    return Audio(bytes(round(silence * rate) * SAMPLE_BYTES) + s16(samples), rate)

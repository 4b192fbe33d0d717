"""Speech in the voice of a recording, in 17 languages: XTTS by coqui-tts on torch. Not for commercial use.

It needs a Python of its own: coqui-tts 0.28.0 streams with transformers 4.57.6 and not with 5.24.0, and
nllb-transformers wants 5. The model keeps the text that it speaks, so one text is spoken at a time.
Source: Casanova et al., "XTTS: a Massively Multilingual Zero-Shot Text-to-Speech Model", Interspeech 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import Field

from bridge import languages, options
from bridge.audio import s16
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models import library
from bridge.models.pool import Limits, Pool, loading, out_of_memory
from bridge.models.terms import CoquiTerms, agreed
from bridge.providers.device import device, place
from bridge.settings import Settings
from bridge.text import clauses, clean, parts, sentences
from bridge.types import Audio, Utterance

FIRST = 24
"""Characters of the first clause that is spoken before the others."""

READERS = {"ja": "cutlet", "zh": "pypinyin"}
"""Packages without which a language cannot be read."""


class CoquiOptions(CoquiTerms):
    """Which checkpoint, and whose voice."""

    coqui_model: str = Field(
        "xtts_v2",
        description="Model, by the name of a pulled one or the folder of its config.json, model.pth and "
        "vocab.json.",
    )
    coqui_speaker: str = Field(
        "", description="Speaker of the model, where the segment names no voice; empty, its first."
    )
    coqui_speaker_wav: Path | None = Field(
        None, description="Recording whose voice speaks instead of one of the model, some seconds long."
    )
    coqui_piece_tokens: int = Field(
        20,
        ge=5,
        le=200,
        description="Steps of the model per piece of sound; fewer come sooner, at more cost.",
    )
    coqui_temperature: float = Field(
        0.75, gt=0, le=1, description="Liveliness of the speech; less is steadier and flatter."
    )
    tts_speed: float = Field(1.0, ge=0.25, le=4, description="Speed of speech; 2 is twice as fast.")
    tts_device: str = device(
        "tts", "Where the voices run: cpu, cuda, cuda:1; auto takes a GPU where torch can."
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model, the voice of the recording where there is one, and whose turn it is."""

    network: Any
    rate: int
    recorded: tuple[Any, Any] | None
    turn: Lock = field(default_factory=Lock)

    def voice(self, name: str) -> tuple[Any, Any]:
        """Latents and embedding of a speaker, or of the first one. Raises ProviderError for an unknown."""
        if not name and self.recorded:
            return self.recorded
        manager = self.network.speaker_manager
        speakers = manager.speakers if manager else {}
        found = speakers.get(name or next(iter(speakers), ""))
        if found is None:
            raise ProviderError(
                f"XTTS has no speaker {name[:64]!r}.",
                f"Use one of: {', '.join(sorted(speakers))}." if speakers else "Set COQUI_SPEAKER_WAV.",
            )
        return found["gpt_cond_latent"], found["speaker_embedding"]


class Coqui:
    """One checkpoint for all languages and voices."""

    Options: type[options.Options] = CoquiOptions

    def __init__(self, options: CoquiOptions) -> None:
        agreed(options)
        try:
            from TTS.tts.models.xtts import Xtts  # noqa: F401, I001  # torch is the slower one to miss
            import torch
        except (ImportError, OSError) as error:  # the latter for libraries of torchaudio and torchcodec
            raise ProviderMissing(
                f"The coqui-tts package is not installed, or lacks a part: {error}.",
                f"Into a Python of its own: {install('coqui')}",
            ) from None
        self._options = options
        self._device = place("tts", options.tts_device, torch.cuda.device_count())
        self._folder = library.locate("coqui", options.coqui_model)
        self._name = self._folder.name
        self._pool = Pool("tts", Limits.of(Settings.read()))
        try:
            with self._lease() as model:
                self._codes = _codes(model.network.config.languages)
                model.voice(options.coqui_speaker)
        except ProviderMissing:
            self._pool.close()
            raise
        except ProviderError as error:
            self._pool.close()
            raise SettingsError(f"COQUI_SPEAKER: {error}", error.hint) from None
        except BaseException:
            self._pool.close()
            raise

    def languages(self) -> frozenset[str]:
        """Tags of the checkpoint's languages, with their regions, that the installed packages can read."""
        return frozenset(self._codes)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces at 24 kHz while the model speaks; the first clause by itself where its sound is waited for.

        `voice` is a speaker of the model. Raises LanguageError, and ProviderError for an unknown speaker and
        where the engine fails.
        """
        code = self._codes.get(utterance.language)
        if code is None:
            raise LanguageError(
                f"XTTS does not speak {utterance.language}.",
                f"It speaks {', '.join(sorted(self._codes))}.",
            )
        speed = self._options.tts_speed * utterance.speed
        with self._lease() as model:
            voice = model.voice(utterance.voice or self._options.coqui_speaker)
            limit = model.network.tokenizer.char_limits.get(code.partition("-")[0], 200)
            for text in _pieces(utterance, limit):
                with model.turn:
                    yield from self._speak(model, text, code, voice, speed)

    def preload(self, models: Sequence[str]) -> None:
        """Loads the model. Raises ProviderMissing for another name."""
        for name in models:
            if name != self._name:
                raise ProviderMissing(
                    f"The model here is {self._name}, not {name}.", "COQUI_MODEL names another one."
                )
            with self._lease():
                pass

    def resident(self) -> tuple[str, ...]:
        """The name of the model while it is loaded."""
        return self._pool.resident()

    def close(self) -> None:
        """Frees the model, unless it speaks."""
        self._pool.close()

    def _speak(
        self, model: Loaded, text: str, code: str, voice: tuple[Any, Any], speed: float
    ) -> Iterator[Audio]:
        pieces = model.network.inference_stream(
            text,
            code,
            *voice,
            stream_chunk_size=self._options.coqui_piece_tokens,
            temperature=self._options.coqui_temperature,
            speed=speed,
        )
        try:
            for piece in pieces:
                if piece.numel():
                    yield Audio(s16(piece.float().cpu().numpy()), model.rate)
        except Exception as error:  # those of torch have no common type
            raise ProviderError(
                f"XTTS failed on {len(text)} characters: {type(error).__name__}.",
                code="out_of_memory" if out_of_memory(error) else None,
            ) from error
        finally:
            pieces.close()

    def _lease(self) -> AbstractContextManager[Loaded]:
        return self._pool.lease(self._name, self._load)

    def _load(self) -> Loaded:
        from TTS.tts.configs.xtts_config import XttsConfig
        from TTS.tts.models.xtts import Xtts

        hint = "Give COQUI_MODEL a whole folder, or fetch it: speechbridge models pull coqui xtts_v2"
        with loading(f"The model {self._folder}", hint):
            config = XttsConfig()
            config.load_json(str(self._folder / "config.json"))
            network = Xtts.init_from_config(config)
            network.load_checkpoint(config, checkpoint_dir=str(self._folder), eval=True)
            kind, number = self._device
            network.to(f"cuda:{number}" if kind == "cuda" else "cpu")
        return Loaded(network, config.audio.output_sample_rate, self._recorded(network, config))

    def _recorded(self, network: Any, config: Any) -> tuple[Any, Any] | None:
        if (path := self._options.coqui_speaker_wav) is None:
            return None
        try:
            latents, embedding = network.get_conditioning_latents(
                audio_path=str(path),
                gpt_cond_len=config.gpt_cond_len,
                gpt_cond_chunk_len=config.gpt_cond_chunk_len,
                max_ref_length=config.max_ref_len,
                sound_norm_refs=config.sound_norm_refs,
            )
        except Exception as error:  # those of torch and FFmpeg have no common type
            raise SettingsError(
                f"COQUI_SPEAKER_WAV={path} gives no voice: {error}.",
                "Name a recording of 3 to 30 s in which one person speaks. torchcodec reads it, by FFmpeg.",
            ) from error
        return latents, embedding


def _codes(offered: Sequence[str]) -> dict[str, str]:
    """The model's code of each tag that it can read here."""
    readers = {code: READERS.get(code.partition("-")[0]) for code in offered}
    codes = {
        languages.find(code).tag: code
        for code, reader in readers.items()
        if reader is None or find_spec(reader) is not None
    }
    return {
        known.tag: code
        for known in languages.known()
        if (code := codes.get(known.tag) or codes.get(known.base)) is not None
    }


def _pieces(utterance: Utterance, limit: int) -> Iterator[str]:
    for number, sentence in enumerate(sentences(clean(utterance.text), utterance.language)):
        soon = utterance.soon and number == 0
        for said in clauses(sentence, FIRST) if soon else [sentence]:
            yield from parts(said, lambda part: len(part) <= limit)

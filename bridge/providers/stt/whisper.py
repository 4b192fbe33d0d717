"""One loaded Whisper model, driven by its encoder and its decoder.

faster-whisper's own `transcribe` encodes twice where the language is unknown, pads every segment to
30 s and takes one segment at a time; the encoder is most of the time of a short segment.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import ProviderError, ProviderMissing
from bridge.models.pool import loading
from bridge.providers import flash
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Speech

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel

Samples = NDArray[np.float32]
"""Mono at 16 kHz, -1 to 1."""

Features = NDArray[np.float32]
"""Log-mel spectrogram, shape (80 or 128, frames of 10 ms)."""

WINDOW = 30 * SPEECH_RATE
"""Samples that the encoder takes at once: it was trained on 30 s."""

FRAMES = 3_000
"""Frames of those 30 s."""

SEEK = 10 * SPEECH_RATE
"""How far back from the end of a full window the cut may lie."""

BLOCK = SPEECH_RATE // 10

FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Heard:
    """What was decoded of one window.

    `log_prob` is the sum over its `tokens`, the end included; `code` Whisper's name of the language; `ids`
    the tokens without the end.
    """

    text: str
    code: str
    log_prob: float
    tokens: int
    no_speech: float
    ids: tuple[int, ...] = ()

    @property
    def mean_log_prob(self) -> float:
        return self.log_prob / self.tokens

    @property
    def compression(self) -> float:
        """How many times shorter zlib makes the text: a loop of one phrase compresses well."""
        encoded = self.text.encode()
        return len(encoded) / len(zlib.compress(encoded))


def check(folder: Path, name: str) -> None:
    """Raises ProviderMissing where a file of the model lacks: for the tokenizer the engine asks the hub."""
    lacking = [file for file in FILES if not (folder / file).is_file()]
    if lacking:
        raise ProviderMissing(
            f"The Whisper model {name} in {folder} lacks {', '.join(lacking)}.",
            "Give a folder in CTranslate2's format with its tokenizer.json,"
            f" or run: speechbridge models pull whisper {name}",
        )


def load(
    folder: Path, short_window: bool, *, device: str, flash_attention: bool = False, **where: Any
) -> Whisper:
    """The model of a checked folder; `where` are the engine's arguments of device, format and threads.

    Raises ProviderMissing for files that are no Whisper model, SettingsError for flash attention that
    cannot be had; what memory is missing passes through.
    """
    from faster_whisper import WhisperModel

    flash.check("stt", flash_attention, device)
    where |= {"device": device, "flash_attention": flash_attention}
    hint = "Convert the model again with ct2-transformers-converter, or pull it again."
    with loading(f"The Whisper model in {folder}", hint), flash.tried("stt"):
        model = WhisperModel(str(folder), local_files_only=True, **where)
    bands, wanted = len(model.feature_extractor.mel_filters), model.model.n_mels
    if bands != wanted:
        raise ProviderMissing(
            f"The Whisper model in {folder} takes {wanted} mel bands, but is described with {bands}.",
            "Put the model's own preprocessor_config.json beside it.",
        )
    if model.model.is_multilingual and not json.loads((folder / "config.json").read_text()).get("lang_ids"):
        raise ProviderMissing(
            f"The Whisper model in {folder} cannot tell languages: its config.json lists no lang_ids.",
            "Convert the model again from a folder whose generation_config.json has lang_to_id.",
        )
    whisper = Whisper(model, short_window)
    if flash_attention:
        with flash.tried("stt"):
            whisper.encode([np.zeros((wanted, 1), np.float32)])
    return whisper


class Whisper:
    """Thread-safe: CTranslate2 queues what comes while its workers are busy, and releases the GIL."""

    def __init__(self, model: WhisperModel, short_window: bool) -> None:
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        self.model = model
        self.multilingual: bool = model.model.is_multilingual
        self._short = short_window
        self._tokenizer = Tokenizer(model.hf_tokenizer, self.multilingual, task="transcribe", language="en")
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])

    def has(self, code: str) -> bool:
        """Whether the model can be told that `code` is spoken."""
        if not self.multilingual:
            return code == "en"
        return self.model.hf_tokenizer.token_to_id(f"<|{code}|>") is not None

    def features(self, samples: Samples) -> Features:
        """The spectrogram of at most 30 s."""
        features: Features = self.model.feature_extractor(samples)[:, :-1]
        return features

    def encode(self, batch: Sequence[Features]) -> StorageView:
        """The encoder's view of some windows, each filled up with nothing to the same length."""
        from ctranslate2 import StorageView

        longest = max(features.shape[1] for features in batch)
        frames = min(FRAMES, window(longest)) if self._short else FRAMES
        padded = np.stack([np.pad(each, ((0, 0), (0, frames - each.shape[1]))) for each in batch])
        return self.model.model.encode(StorageView.from_array(np.ascontiguousarray(padded)))

    def languages(self, encoded: StorageView) -> list[dict[str, float]]:
        """How likely each code is, for each window."""
        return [
            {token[2:-2]: probability for token, probability in ranked}
            for ranked in self.model.model.detect_language(encoded)
        ]

    def decode(
        self, encoded: StorageView, codes: Sequence[str], search: dict[str, Any], hints: str = ""
    ) -> list[Heard]:
        """The text of each window; `search` are CTranslate2's arguments of how to look for it, `hints` words
        that are likelier: the same for all, since CTranslate2 wants the speech to begin at the same token."""
        before = self._before(hints) if hints else []
        results = self.model.model.generate(
            encoded,
            [before + self._prompt(code) for code in codes],
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            **search,
        )
        return [self._heard(code, result) for code, result in zip(codes, results, strict=True)]

    def ends(self, encoded: StorageView, heard: Heard, frames: int) -> tuple[int, ...]:
        """When each word of a window of so many frames ended, as in Hypothesis: one more decoding."""
        from faster_whisper.tokenizer import Tokenizer

        # By the language it is known whether words have spaces between them.
        tokenizer = Tokenizer(self.model.hf_tokenizer, self.multilingual, "transcribe", heard.code)
        found = self.model.find_alignment(tokenizer, [list(heard.ids)], encoded, frames)[0]
        marks, before = list[int](), ""
        for word in found:
            before += word["word"]
            marks += (len(before.strip()), round(word["end"] * 1000))
        return tuple(marks)

    def close(self) -> None:
        """Frees the memory of the model."""
        self.model.model.unload_model()

    def _before(self, hints: str) -> list[int]:
        """The hints as what was said before, in so many tokens as there is room for."""
        tokens = self._tokenizer.encode(f" {hints}")
        return [self._tokenizer.sot_prev, *tokens[: self.model.max_length // 2 - 1]]

    def _prompt(self, code: str) -> list[int]:
        tokenizer = self._tokenizer
        told = []
        if self.multilingual:
            told = [self.model.hf_tokenizer.token_to_id(f"<|{code}|>"), tokenizer.transcribe]
        return [tokenizer.sot, *told, tokenizer.no_timestamps]

    def _heard(self, code: str, result: Any) -> Heard:
        tokens = result.sequences_ids[0]
        text = self._tokenizer.decode(tokens).strip()
        # The score is the mean over the tokens of a sum that counts the end as well.
        log_prob = result.scores[0] * len(tokens)
        return Heard(text, code, log_prob, len(tokens) + 1, result.no_speech_prob, tuple(tokens))


def window(frames: int) -> int:
    """Frames to encode for speech of so many in a short window: whole seconds, and one more."""
    return -(-frames // 100) * 100 + 100


def windows(samples: Samples) -> Iterator[Samples]:
    """Pieces of at most 30 s, cut where the last third of each is quietest."""
    while samples.size > WINDOW:
        blocks = samples[WINDOW - SEEK : WINDOW].reshape(-1, BLOCK)
        quietest = int(np.argmin(np.square(blocks).sum(axis=1)))
        cut = WINDOW - SEEK + quietest * BLOCK + BLOCK // 2
        yield samples[:cut]
        samples = samples[cut:]
    if samples.size:
        yield samples


def samples_of(speech: Speech) -> Samples:
    """The speech as numbers from -1 to 1. Raises ProviderError where it is not what Whisper takes."""
    if speech.audio.rate != SPEECH_RATE:
        raise ProviderError(
            f"Whisper takes {SPEECH_RATE} Hz, not {speech.audio.rate} Hz.", "Resample the audio first."
        )
    if len(speech.audio.pcm) % SAMPLE_BYTES:
        raise ProviderError("The audio does not consist of whole samples.", "Send PCM of 16 bits.")
    samples: Samples = np.frombuffer(speech.audio.pcm, dtype="<i2").astype(np.float32)
    samples /= 32_768
    return samples


def voiced(samples: Samples, threshold: float) -> Samples:
    """The speech of a segment without the pauses; empty where there is none."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found = get_speech_timestamps(samples, VadOptions(threshold=threshold))
    return np.concatenate([samples[part["start"] : part["end"]] for part in found] or [samples[:0]])

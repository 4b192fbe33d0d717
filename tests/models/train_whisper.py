"""Trains a Whisper of 3.7 million weights that knows 40 phrases, so that tests run the real engine.

    OMP_NUM_THREADS=1 python -m tests.models.train_whisper openai_whisper-20250625.tar.gz

writes tests/models/whisper-tiny-test.tar.xz (our own work, Apache-2.0; its vocabulary is MIT, see
whisper_tokenizer.py) in seven minutes on a quiet core. The model knows espeak's voices, not people; a
phrase of up to 3 s, after at most 0.5 s of silence and before at most 0.8 s. All else that is spoken
becomes one of the 40 phrases too.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from ctranslate2.converters import TransformersConverter
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import WhisperConfig, WhisperForConditionalGeneration

from bridge.types import SPEECH_RATE
from tests.models.archive import pack
from tests.models.phrases import ENGLISH, SPANISH
from tests.models.sounds import Random, sound
from tests.models.speech import VARIANTS, VOICES, Samples, Voice, say
from tests.models.whisper_tokenizer import SIZE, build

NAME = "whisper-tiny-test"

TAKES = {"en": 25, "es": 60}
"""Utterances of each phrase by each voice."""

SHORT, LONG = 3, 30
"""Seconds of sound the encoder takes: 3 for most of the training, a tenth of the work of the true 30."""

SILENT = "\n"
"""The text of no speech: the engine forbids an empty one, and drops one of white space."""

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Item:
    """A sound's log-mel features, shape (80, frames), and what is said in it from 0 to `end` seconds."""

    features: NDArray[np.float32]
    language: str
    text: str
    end: float

    @property
    def speech(self) -> bool:
        return self.text != SILENT


class Vocabulary:
    """The few tokens that training needs, numbered from 0; all others share the number `junk`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        names = [
            "endoftext",
            "startoftranscript",
            "en",
            "es",
            "transcribe",
            "startofprev",
            "nospeech",
            "notimestamps",
        ]
        self.special = {name: self._token(name) for name in names}
        texts = [SILENT, *(f" {phrase}" for phrase in ENGLISH + SPANISH)]
        words = {token for text in texts for token in self._encode(text)}
        times = {self._time(step / 50) for step in range(SHORT * 50 + 1)}
        self.active = sorted(words | times | set(self.special.values()))
        self.junk = len(self.active)
        self._numbers = {token: number for number, token in enumerate(self.active)}

    def sequence(self, item: Item, random: Random) -> tuple[list[int], list[int]]:
        """What the decoder reads and what it shall say next, half of the time with time stamps."""
        timed = random.random() < 0.5
        special = self.special
        tokens = [special["startoftranscript"], special[item.language], special["transcribe"]]
        tokens += [self._time(0)] if timed else [special["notimestamps"]]
        tokens += self._encode(f" {item.text}" if item.speech else SILENT)
        tokens += [self._time(item.end)] if timed else []
        read = [self._numbers[token] for token in tokens]
        said = [*read[1:], self._numbers[special["endoftext"]]]
        said[1] = IGNORED
        if not timed:
            said[2] = IGNORED
        if not item.speech:
            said[0] = self._numbers[special["nospeech"]]
        if random.random() < 0.1:
            prompt = self._prompt(random)
            read, said = prompt + read, [IGNORED] * len(prompt) + said
        return read, said

    def _prompt(self, random: Random) -> list[int]:
        """A few tokens as if said before: a prompt must not change what is heard."""
        numbers = random.integers(self.junk + 1, size=random.integers(1, 12)).tolist()
        return [self._numbers[self.special["startofprev"]], *numbers]

    def _encode(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def _time(self, seconds: float) -> int:
        return self._token(f"{min(round(seconds * 50), SHORT * 50) / 50:.2f}")

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            raise ValueError(f"the tokenizer has no token <|{name}|>")
        return int(token)


def spoken(random: Random, extract: FeatureExtractor) -> Iterator[Item]:
    """Every phrase by every voice, each time at another speed, pitch, loudness and noise."""
    for language, phrases in (("en", ENGLISH), ("es", SPANISH)):
        for text in phrases:
            for base in VOICES[language] * TAKES[language]:
                voice = Voice(
                    f"{base}+{random.choice(VARIANTS)}",
                    int(random.integers(145, 225)),
                    int(random.integers(20, 80)),
                )
                samples = worn(random, trimmed(say(text, voice)))
                padded = np.pad(samples, (random.integers(6000), random.integers(6000)))[
                    : SHORT * SPEECH_RATE
                ]
                level = np.abs(samples).max() * 10 ** random.uniform(-4, -1.5)
                noise = level * random.standard_normal(len(padded))
                heard = (padded + noise).astype(np.float32)
                yield Item(features(extract, heard), language, text, len(heard) / SPEECH_RATE)


def silent(random: Random, extract: FeatureExtractor, number: int, seconds: float) -> Iterator[Item]:
    """Sounds of up to `seconds` that are no speech."""
    for _ in range(number):
        length = random.uniform(0.1, seconds)
        language = str(random.choice(list(VOICES)))
        yield Item(features(extract, sound(random, length)), language, SILENT, length)


def trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    return samples[loud[0] : loud[-1] + 1]


def worn(random: Random, samples: Samples) -> Samples:
    """The same speech as by another microphone: louder or softer, brighter or duller."""
    if random.random() < 0.3:
        samples = np.append(samples[:1], samples[1:] - 0.9 * samples[:-1])
    if random.random() < 0.3:
        samples = np.convolve(samples, np.ones(3) / 3).astype(np.float32)
    peak: float = np.abs(samples).max()
    return (samples / peak * 10 ** random.uniform(-1.6, -0.05)).astype(np.float32)


def features(extract: FeatureExtractor, samples: Samples) -> NDArray[np.float32]:
    """As the engine makes them in `transcribe`."""
    made: NDArray[np.float32] = extract(samples, padding=160)[:, :-1]
    return made[:, : LONG * 100]


def batch(items: Sequence[Item], seconds: int, random: Random) -> Tensor:
    """Features of shape (items, 80, 100 x seconds), each made louder or brighter, a few bands masked."""
    made = np.zeros((len(items), 80, seconds * 100), np.float32)
    for row, item in zip(made, items, strict=True):
        frames = (
            item.features
            + random.uniform(-0.2, 0.2)
            + np.linspace(-1, 1, 80)[:, None] * random.uniform(-0.2, 0.2)
        )
        frames = frames[:, : seconds * 100]
        row[:, : frames.shape[1]] = frames
        low = random.integers(80)
        row[low : low + random.integers(11)] = 0
    return torch.from_numpy(made)


def model(vocabulary: int, seconds: int) -> WhisperForConditionalGeneration:
    """Random weights; the encoder's positions are sines, of which 3 s has the first tenth."""
    return WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=vocabulary,
            d_model=64,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=256,
            decoder_ffn_dim=256,
            max_source_positions=seconds * 50,
            dropout=0.0,
            pad_token_id=None if vocabulary < SIZE else 50257,
            bos_token_id=50257,
            eos_token_id=50257,
            decoder_start_token_id=50258,
        )
    )


@dataclass(frozen=True, slots=True)
class Course:
    """How long an encoder is trained, `size` items at a time, and at which highest rate."""

    seconds: int
    steps: int
    size: int
    rate: float

    def rate_at(self, step: int) -> float:
        """50 steps of warm-up, then in a line to a twentieth."""
        return self.rate * min((step + 1) / 50, 1 - 0.95 * step / self.steps)


SHORT_COURSE = Course(SHORT, steps=5200, size=16, rate=2.5e-3)
LONG_COURSE = Course(LONG, steps=320, size=4, rate=4e-4)


def train(
    network: WhisperForConditionalGeneration,
    vocabulary: Vocabulary,
    items: Sequence[Item],
    course: Course,
    random: Random,
) -> None:
    """Teaches the network to say what is in the items."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=course.rate, weight_decay=0.01)
    others = torch.zeros(vocabulary.junk + 1)
    others[vocabulary.junk] = math.log(SIZE - vocabulary.junk)  # one row stands for all of them
    started, order = time.monotonic(), np.array([], int)
    for step in range(course.steps):
        if len(order) < course.size:
            order = np.append(order, random.permutation(len(items)))
        chosen, order = [items[at] for at in order[: course.size]], order[course.size :]
        pairs = [vocabulary.sequence(item, random) for item in chosen]
        read = _padded([pair[0] for pair in pairs], 0)
        said = _padded([pair[1] for pair in pairs], IGNORED)
        heard = batch(chosen, course.seconds, random)
        state = network.model(heard, decoder_input_ids=read).last_hidden_state
        scores = state @ network.model.decoder.embed_tokens.weight.T + others
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), said.flatten(), ignore_index=IGNORED)
        for group in optimizer.param_groups:
            group["lr"] = course.rate_at(step)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"{step:5}: loss {loss.item():.4f}, {time.monotonic() - started:.0f} s", flush=True)


def _padded(rows: Sequence[list[int]], filler: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def grown(small: WhisperForConditionalGeneration, seconds: int) -> WhisperForConditionalGeneration:
    """The same weights with an encoder for `seconds`."""
    large = model(small.config.vocab_size, seconds)
    weights = small.state_dict()
    del weights["model.encoder.embed_positions.weight"]
    large.load_state_dict(weights, strict=False)
    return large


def whole(small: WhisperForConditionalGeneration, vocabulary: Vocabulary) -> WhisperForConditionalGeneration:
    """The same weights with all 51 865 tokens: those never trained are all the junk one."""
    large = model(SIZE, LONG)
    weights = small.state_dict()
    few = weights["model.decoder.embed_tokens.weight"]
    tokens = few[vocabulary.junk].repeat(SIZE, 1)
    tokens[vocabulary.active] = few[: vocabulary.junk]
    weights["model.decoder.embed_tokens.weight"] = weights["proj_out.weight"] = tokens
    large.load_state_dict(weights)
    return large


def save(network: WhisperForConditionalGeneration, tokenizer: Tokenizer) -> None:
    """Writes the model as CTranslate2 runs it, in 8 bits."""
    generation = {
        "lang_to_id": {tokenizer.id_to_token(token): token for token in range(50259, 50358)},
        "task_to_id": {"translate": 50358, "transcribe": 50359},
        "no_timestamps_token_id": 50363,
        "is_multilingual": True,
        "suppress_tokens": [],
        "begin_suppress_tokens": [220, 50257],
        "alignment_heads": [[1, 0]],
        "decoder_start_token_id": 50258,
        "eos_token_id": 50257,
        "bos_token_id": 50257,
        "pad_token_id": 50257,
    }
    preprocessor = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "sampling_rate": SPEECH_RATE,
        "hop_length": 160,
        "chunk_length": LONG,
        "n_fft": 400,
    }
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch, "hf"), Path(scratch, "ct2")
        network.save_pretrained(source)
        (source / "generation_config.json").write_text(json.dumps(generation))
        tokenizer.save(str(source / "tokenizer.json"))
        (source / "preprocessor_config.json").write_text(json.dumps(preprocessor))
        copied = ["tokenizer.json", "preprocessor_config.json"]
        TransformersConverter(str(source), copy_files=copied).convert(str(made), quantization="int8")
        print(pack(made, NAME))


def main(source: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(7)
    random = np.random.default_rng(7)
    tokenizer = build(source)
    vocabulary, extract = Vocabulary(tokenizer), FeatureExtractor()
    speech = list(spoken(random, extract))
    quiet = list(silent(random, extract, 1000, SHORT))
    print(f"{len(speech)} utterances, {len(quiet)} other sounds, {vocabulary.junk} tokens", flush=True)
    network = model(vocabulary.junk + 1, SHORT)
    train(network, vocabulary, speech + quiet, SHORT_COURSE, random)
    network = grown(network, LONG)
    heard = [speech[at] for at in random.permutation(len(speech))[:900]]
    quiet = quiet[:150] + list(silent(random, extract, 150, LONG))
    train(network, vocabulary, heard + quiet, LONG_COURSE, random)
    save(whole(network.train(False), vocabulary), tokenizer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""NLLB on ONNX Runtime, for the execution providers it has and CTranslate2 lacks, with a search of our own.

A model is a folder as Hugging Face's optimum exports it. ONNX Runtime computes one step of the decoder
and no more, so the beams are followed here, in numpy; the caches pass through the CPU's memory at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from bridge.errors import ProviderMissing, SettingsError
from bridge.models.pool import loading
from bridge.providers.device import split
from bridge.providers.onnx import CUDA, TENSORRT, execution
from bridge.providers.translation.decoding import Answer, Search, failure
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.providers.translation.vocabulary import Vocabulary

log = structlog.get_logger(__name__)

Array = np.ndarray[Any, Any]

ENCODER, FIRST, LATER = "encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"

FILES = (ENCODER, FIRST, "tokenizer.json")
"""What a folder must have; without LATER each step computes all tokens before it again."""


class Onnx:
    """One loaded model. Several threads may call it."""

    def __init__(self, folder: Path, options: NllbOptions) -> None:
        _check(folder)
        import onnxruntime

        if options.translation_precision != "auto":
            raise SettingsError(
                f"TRANSLATION_PRECISION={options.translation_precision} cannot be had with USE_ONNX=true.",
                "Leave it at auto: the precision of an ONNX model is that of its files.",
            )
        if options.translation_flash_attention:
            raise SettingsError(
                "TRANSLATION_FLASH_ATTENTION=true cannot be had with USE_ONNX=true.",
                "Leave it out: the attention of an ONNX model is that of its files.",
            )
        providers = chosen(options, onnxruntime.get_available_providers())
        self.vocabulary = Vocabulary(folder / "tokenizer.json")
        self._batch = options.translation_max_batch_size
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.translation_threads
        with loading(f"The model in {folder}", "Export it again."):
            self._graphs = {
                name: onnxruntime.InferenceSession(str(folder / name), settings, providers=providers)
                for name in (ENCODER, FIRST, LATER)
                if (folder / name).is_file()
            }
        used = self._graphs[FIRST].get_providers()
        if lost := [name for name, _ in providers if name not in used]:
            log.warning("ONNX Runtime could not start these providers", lost=lost, used=used)
        self.precision = f"onnx on {', '.join(used)}"
        self.slow = not {CUDA, TENSORRT} & set(used)

    def decode(self, sources: Sequence[list[str]], source: str, target: str, search: Search) -> list[Answer]:
        """See `Decoder`. Raises ProviderError."""
        made: list[Answer] = []
        end, padding, language, spoken = self.vocabulary.ids(
            [Vocabulary.END, Vocabulary.PADDING, target, source]
        )
        for start in range(0, len(sources), self._batch):
            rows = [
                [spoken, *self.vocabulary.ids(tokens), end] for tokens in sources[start : start + self._batch]
            ]
            try:
                steps = Steps(self._graphs, rows, padding)
                found = follow(steps, len(rows), end, language, search)
            except Exception as error:  # ONNX Runtime's have no common type
                raise failure(RuntimeError(str(error))) from error
            made += [self._answer(beam) for beam in found]
        return made

    def _answer(self, beam: Beam) -> Answer:
        made = self.vocabulary.tokens(beam.tokens)
        scored = len(made) + beam.finished
        return Answer(self.vocabulary.decode(made), made, beam.score, scored, beam.finished)

    def close(self) -> None:
        """Frees the weights."""
        self._graphs.clear()


class Steps:
    """The network on one batch: the probabilities of the next token, one step at a time."""

    def __init__(self, graphs: dict[str, Any], rows: list[list[int]], padding: int) -> None:
        longest = max(map(len, rows))
        tokens = np.array([row + [padding] * (longest - len(row)) for row in rows], dtype=np.int64)
        lengths = np.array([[len(row)] for row in rows])
        mask = (np.arange(longest) < lengths).astype(np.int64)
        self._graphs = graphs
        states = graphs[ENCODER].run(None, {"input_ids": tokens, "attention_mask": mask})[0]
        self._known: dict[str, Array] = {"encoder_attention_mask": mask, "encoder_hidden_states": states}
        self._past: Array | None = None

    def logits(self, order: list[int], tokens: Array) -> Array:
        """What may follow `tokens` [rows, n], float32 [rows, vocabulary].

        Row i continues row order[i] of the call before, or of the sentences in the first call.
        """
        if list(order) != list(range(len(self._known["encoder_attention_mask"]))):
            self._known = {name: value[order] for name, value in self._known.items()}
        whole = tokens if self._past is None else np.concatenate([self._past[order], tokens], axis=1)
        again = self._past is None or LATER not in self._graphs
        graph, given = (self._graphs[FIRST], whole) if again else (self._graphs[LATER], tokens)
        self._past = whole
        wanted = {node.name for node in graph.get_inputs()}
        inputs = {name: value for name, value in self._known.items() if name in wanted}
        names = [node.name for node in graph.get_outputs()] if LATER in self._graphs else ["logits"]
        found = dict(zip(names, graph.run(names, inputs | {"input_ids": given}), strict=True))
        logits: Array = found.pop("logits")[:, -1].astype(np.float32)
        self._known |= {name.replace("present", "past_key_values"): value for name, value in found.items()}
        return logits


@dataclass(frozen=True, slots=True)
class Beam:
    """Tokens made so far without language and end, and the sum of the logarithms of their probabilities."""

    tokens: list[int]
    score: float
    finished: bool = False

    def rank(self, penalty: float) -> float:
        """The score by length, language and end counted as CTranslate2 does."""
        return float(self.score / (len(self.tokens) + 1 + self.finished) ** penalty)


@dataclass(slots=True)
class Hypotheses:
    """The beams of one sentence."""

    live: list[Beam] = field(default_factory=lambda: [Beam([], 0.0)])
    done: list[Beam] = field(default_factory=list)

    def grow(self, scores: Array, end: int, search: Search) -> list[int]:
        """Goes on with the best of `scores` [live, vocabulary]; gives the live beam each new one continues.

        Empty when the sentence is finished: as many beams as are followed have reached the end, or the
        network gave nothing that is a number.
        """
        total = (scores + np.array([[beam.score] for beam in self.live])).ravel()
        count = min(2 * search.beams, total.size)
        best = np.argpartition(-total, count - 1)[:count]
        grown: list[tuple[int, Beam]] = []
        for rank, index in enumerate(best[np.argsort(-total[best], kind="stable")]):
            parent, token = divmod(int(index), scores.shape[1])
            tokens, score = self.live[parent].tokens, float(total[index])
            if not np.isfinite(score):
                break
            if token != end:
                grown.append((parent, Beam([*tokens, token], score)))
            elif rank < search.beams:
                self.done.append(Beam(tokens, score, finished=True))
        if len(self.done) >= search.beams or not grown:
            return []
        self.live = [beam for _, beam in grown[: search.beams]]
        return [parent for parent, _ in grown[: search.beams]]

    def best(self, penalty: float) -> Beam:
        """The likeliest that reached the end, else the likeliest of all."""
        return max(self.done or self.live, key=lambda beam: beam.rank(penalty))


def follow(steps: Steps, sentences: int, end: int, language: int, search: Search) -> list[Beam]:
    """The best beam of each sentence, none longer than the limit with its language.

    Beam search that ends, as in CTranslate2, when as many beams are finished as are followed; with one
    beam it is greedy.
    """
    found = [Hypotheses() for _ in range(sentences)]
    active = found
    order = list(range(sentences))
    tokens = np.array([[end, language]] * sentences, dtype=np.int64)  # NLLB's decoder starts with the end
    for _ in range(search.limit - 1):  # the language is one of the tokens
        scores = _log_softmax(penalized(steps.logits(order, tokens), active, search))
        order, going, row = [], [], 0
        for sentence in active:
            count = len(sentence.live)
            if parents := sentence.grow(scores[row : row + count], end, search):
                order += [row + parent for parent in parents]
                going.append(sentence)
            row += count
        active = going
        if not active:
            break
        tokens = np.array([[beam.tokens[-1]] for each in active for beam in each.live], dtype=np.int64)
    return [sentence.best(search.length_penalty) for sentence in found]


def penalized(logits: Array, active: list[Hypotheses], search: Search) -> Array:
    """Changes `logits` [live beams, vocabulary] against repetition.

    What a beam said already becomes less likely, and what would make a run of tokens come twice impossible.
    """
    size = search.no_repeat_ngram
    for row, beam in enumerate(beam for sentence in active for beam in sentence.live):
        said = list(set(beam.tokens))
        old = logits[row, said]
        logits[row, said] = np.where(
            old > 0, old / search.repetition_penalty, old * search.repetition_penalty
        )
        if size and len(beam.tokens) >= size:
            last = beam.tokens[len(beam.tokens) - size + 1 :]
            starts = range(len(beam.tokens) - size + 1)
            runs = [beam.tokens[start : start + size] for start in starts]
            logits[row, [run[-1] for run in runs if run[:-1] == last]] = -np.inf
    return logits


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    made: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return made


def chosen(options: NllbOptions, available: Sequence[str]) -> list[tuple[str, dict[str, int]]]:
    """The execution providers of ONNX Runtime with their options, in the order to try.

    Those that ONNX_PROVIDERS names and this ONNX Runtime lacks are reported and left out. Raises
    SettingsError where none is left, and for a GPU of TRANSLATION_DEVICE without a provider for it.
    """
    asked = [name.strip() for name in options.onnx_providers.split(",") if name.strip()]
    names = asked or execution("translation", options.translation_device, available)
    if missing := [name for name in names if name not in available]:
        log.warning("ONNX_PROVIDERS names what ONNX Runtime lacks", missing=missing, available=available)
    if not (kept := [name for name in dict.fromkeys(names) if name in available]):
        raise SettingsError(
            f"ONNX_PROVIDERS={options.onnx_providers} names no provider of this ONNX Runtime.",
            f"Use some of: {', '.join(available)}; onnxruntime-gpu has {CUDA}.",
        )
    _, number = split(options.translation_device)
    return [(name, {"device_id": number} if name in (CUDA, TENSORRT) else {}) for name in kept]


def _check(folder: Path) -> None:
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise ProviderMissing(
            f"The model folder {folder} lacks {', '.join(missing)}, which USE_ONNX=true needs.",
            "Export one: optimum-cli export onnx --model facebook/nllb-200-distilled-600M "
            "--task text2text-generation-with-past FOLDER, and set TRANSLATION_MODEL=FOLDER.",
        )

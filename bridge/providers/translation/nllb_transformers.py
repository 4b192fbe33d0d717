"""NLLB on transformers and torch, for models that are not converted: slower, but exact in float32.

On two cores it takes 2 to 4 times as long and 4 times the memory of CTranslate2 in int8. torch releases the
GIL in each operation and takes it again after: two calls at once need 0.6 of the time of two in turn,
but one thread busy with Python makes a call 6 times slower. Give it a worker of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field

from bridge import options
from bridge.errors import ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models.catalogue import Kind
from bridge.models.library import locate
from bridge.models.pool import loading
from bridge.providers import flash
from bridge.providers.device import place
from bridge.providers.translation.decoding import Answer, Decoder, Search, failure
from bridge.providers.translation.nllb import Nllb
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.providers.translation.vocabulary import Vocabulary

FILES = ("config.json", "tokenizer.json")

Precision = Literal["auto", "float16", "bfloat16", "float32", "int4"]


class NllbTransformersOptions(NllbOptions):
    """Those of nllb, and how transformers computes."""

    translation_precision: Precision = Field(  # type: ignore[assignment]  # others than CTranslate2's
        "auto",
        validation_alias=AliasChoices("translation_precision", "precision"),
        description="Numbers the model computes with; auto takes float32 on a CPU and float16 on a GPU, int4 "
        "(weights by bitsandbytes, float16 between them) needs a GPU and the extra nllb-int4.",
    )
    translation_attention: Literal["sdpa", "eager"] = Field(
        "sdpa", description="Attention of transformers: torch's fused one, or the plain one to compare with."
    )


class Transformers:
    """One loaded model. Several threads may call it."""

    def __init__(self, folder: Path, options: NllbTransformersOptions) -> None:
        _check(folder)
        import torch
        from transformers import AutoModelForSeq2SeqLM
        from transformers.utils import logging

        device, index = place("translation", options.translation_device, torch.cuda.device_count())
        precision, attention = _precision(options, device), _attention(options, device)
        if options.translation_threads:
            torch.set_num_threads(options.translation_threads)
        self.precision = f"{precision}, {attention}"
        self.slow = device == "cpu"
        self.vocabulary = Vocabulary(folder / "tokenizer.json")
        self._batch = options.translation_max_batch_size
        self._device = f"cuda:{index}" if device == "cuda" else "cpu"
        be_quiet: Any = logging.disable_progress_bar
        be_quiet()
        with loading(f"The model in {folder}", "Pull or download it again."):
            self._model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                folder,
                local_files_only=True,
                attn_implementation=attention,
                **_weights(precision, self._device),
            )
            if precision != "int4":  # those are put there as they are packed
                self._model.to(self._device)
            self._model.eval()
            self._model.generation_config.max_length = None  # else it warns of two limits at each text

    def decode(self, sources: Sequence[list[str]], source: str, target: str, search: Search) -> list[Answer]:
        """See `Decoder`. Raises ProviderError."""
        made: list[Answer] = []
        for start in range(0, len(sources), self._batch):
            batch = [[source, *tokens, Vocabulary.END] for tokens in sources[start : start + self._batch]]
            try:
                made += self._generate([self.vocabulary.ids(tokens) for tokens in batch], target, search)
            except RuntimeError as error:
                raise failure(error) from error
        return made

    def _generate(self, batch: list[list[int]], target: str, search: Search) -> list[Answer]:
        import torch

        (padding, end, language) = self.vocabulary.ids([Vocabulary.PADDING, Vocabulary.END, target])
        longest = max(map(len, batch))
        padded = torch.tensor([ids + [padding] * (longest - len(ids)) for ids in batch])
        lengths = torch.tensor([[len(ids)] for ids in batch])
        with torch.inference_mode():
            found = self._model.generate(
                input_ids=padded.to(self._device),
                attention_mask=(torch.arange(longest) < lengths).long().to(self._device),
                forced_bos_token_id=language,
                do_sample=False,
                num_beams=search.beams,
                max_new_tokens=search.limit,
                length_penalty=search.length_penalty,
                no_repeat_ngram_size=search.no_repeat_ngram,
                repetition_penalty=search.repetition_penalty,
                early_stopping=search.beams > 1,  # with one beam it warns of the flag
                return_dict_in_generate=True,
                output_scores=True,
            )
            steps = self._model.compute_transition_scores(
                found.sequences, found.scores, found.get("beam_indices"), normalize_logits=True
            )
        rows = zip(found.sequences.tolist(), steps.tolist(), strict=True)
        return [self._answer(ids, scores, end) for ids, scores in rows]

    def _answer(self, ids: list[int], scores: list[float], end: int) -> Answer:
        """`ids` begin with the decoder's start and the language; `scores` with that of the language."""
        finished = end in ids[2:]
        length = ids.index(end, 2) if finished else len(ids)
        made = self.vocabulary.tokens(ids[2:length])
        scored = scores[1 : length if finished else length - 1]
        return Answer(self.vocabulary.decode(made), made, sum(scored), len(scored), finished)

    def close(self) -> None:
        """Frees the weights; on a GPU they go back to torch's own reserve."""
        del self._model


class NllbTransformers(Nllb):
    """As `nllb`, by another engine: same sentences, same checks, same languages."""

    Options: type[options.Options] = NllbTransformersOptions
    kind: Kind = "nllb-transformers"
    packages = ("torch", "transformers")

    def _load(self) -> Decoder:
        assert isinstance(self._options, NllbTransformersOptions)
        return Transformers(locate(self.kind, self._options.translation_model), self._options)


def _precision(options: NllbTransformersOptions, device: str) -> str:
    """Raises SettingsError for int4 without a GPU, ProviderMissing where a package for it lacks."""
    precision = options.translation_precision
    if precision == "auto":
        return "float16" if device == "cuda" else "float32"
    if precision == "int4":
        if device != "cuda":
            raise SettingsError(
                f"TRANSLATION_PRECISION=int4 needs a GPU, and the model would run on the {device}.",
                "Use auto there; TRANSLATION_PROVIDER=nllb computes in int8 on a CPU.",
            )
        _require("bitsandbytes", "accelerate", command=install("nllb-int4"))
    return precision


def _attention(options: NllbTransformersOptions, device: str) -> str:
    """Raises SettingsError where flash attention cannot be had, ProviderMissing where its package lacks."""
    flash.check("translation", options.translation_flash_attention, device)
    if not options.translation_flash_attention:
        return options.translation_attention
    if options.translation_precision == "float32":
        raise SettingsError(
            "TRANSLATION_FLASH_ATTENTION=true does not go with TRANSLATION_PRECISION=float32.",
            "Use auto, float16 or bfloat16.",
        )
    _require("flash_attn", command="pip install flash-attn --no-build-isolation")
    return "flash_attention_2"


def _require(*packages: str, command: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ProviderMissing(f"The {package} package is not installed.", command)


def _weights(precision: str, device: str) -> dict[str, Any]:
    """How transformers is to load them."""
    import torch

    if precision != "int4":
        return {"dtype": getattr(torch, precision)}
    from transformers import BitsAndBytesConfig

    config: Any = BitsAndBytesConfig
    quantized = config(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float16)
    return {"dtype": torch.float16, "device_map": {"": device}, "quantization_config": quantized}


def _check(folder: Path) -> None:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("pytorch_model*.bin")):
        missing.append("model.safetensors")
    if missing:
        raise ProviderMissing(
            f"The model folder {folder} lacks {', '.join(missing)}.",
            "Pull it again: speechbridge models pull nllb-transformers NAME. A folder with model.bin is for"
            " TRANSLATION_PROVIDER=nllb.",
        )

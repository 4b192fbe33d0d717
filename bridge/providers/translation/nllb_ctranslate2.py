"""NLLB on CTranslate2: the fastest on a CPU, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.errors import ProviderMissing, SettingsError
from bridge.models.pool import loading
from bridge.providers import flash
from bridge.providers.device import place
from bridge.providers.translation.decoding import Answer, Search, failure
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.providers.translation.sentencepieces import Sentencepieces, found
from bridge.providers.translation.vocabulary import Tokens, Vocabulary

FILES = ("model.bin", "config.json")
TOKENIZER = "tokenizer.json"


class CTranslate2:
    """One loaded model. Several threads may call it; one text is decoded at a time."""

    def __init__(self, folder: Path, options: NllbOptions) -> None:
        check(folder)
        import ctranslate2

        device, index = place("translation", options.translation_device, ctranslate2.get_cuda_device_count())
        precision = _precision(options, device, ctranslate2.get_supported_compute_types(device, index))
        self.precision = precision
        self.slow = device == "cpu"
        self.vocabulary = _tokens(folder)
        self._batch = options.translation_max_batch_size
        flash.check("translation", options.translation_flash_attention, device)
        with loading(f"The model in {folder}", "Pull or convert it again."), flash.tried("translation"):
            self._translator: Any = ctranslate2.Translator(
                str(folder),
                device=device,
                device_index=index,
                compute_type=precision,
                intra_threads=options.translation_threads,
                flash_attention=options.translation_flash_attention,
            )
            if options.translation_flash_attention:
                self._translator.translate_batch([[Vocabulary.END]], max_decoding_length=1)

    def decode(self, sources: Sequence[list[str]], source: str, target: str, search: Search) -> list[Answer]:
        """See `Decoder`. Raises ProviderError."""
        end = Vocabulary.END
        try:
            results = self._translator.translate_batch(
                [[source, *tokens, end] for tokens in sources],
                target_prefix=[[target]] * len(sources),
                max_batch_size=self._batch,
                beam_size=search.beams,
                length_penalty=search.length_penalty,
                no_repeat_ngram_size=search.no_repeat_ngram,
                repetition_penalty=search.repetition_penalty,
                max_decoding_length=search.limit,
                max_input_length=0,  # by default it drops what is beyond 1024 tokens, in silence
                return_scores=True,
                return_end_token=True,
            )
        except RuntimeError as error:
            raise failure(error) from error
        return [self._answer(result.hypotheses[0], result.scores[0], search) for result in results]

    def _answer(self, tokens: list[str], score: float, search: Search) -> Answer:
        # The first token is the language, which cost nothing, but counts in the length of the score.
        total = score * len(tokens) ** search.length_penalty
        finished = tokens[-1] == Vocabulary.END
        made = tokens[1:-1] if finished else tokens[1:]
        return Answer(self.vocabulary.decode(made), made, total, len(tokens) - 1, finished)

    def close(self) -> None:
        """Frees the weights."""
        self._translator.unload_model()


def check(folder: Path) -> None:
    """Raises ProviderMissing naming what `folder` lacks of a model for CTranslate2."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not (folder / TOKENIZER).is_file() and not found(folder):
        missing.append(f"{TOKENIZER} or sentencepiece.bpe.model")
    if not any(folder.glob("shared_vocabulary.*")):
        missing.append("shared_vocabulary.json")
    if not missing:
        return
    transformers = any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
    raise ProviderMissing(
        f"The model folder {folder} lacks {', '.join(missing)}.",
        f"It is a model for transformers: use TRANSLATION_PROVIDER=nllb-transformers, or convert it: "
        f"ct2-transformers-converter --model {folder} --output_dir NEW --quantization int8 "
        f"--copy_files tokenizer.json"
        if transformers
        else "Pull it again: speechbridge models pull nllb NAME, or name the folder of a whole model.",
    )


def _tokens(folder: Path) -> Tokens:
    """By tokenizer.json; by sentencepiece, as models were published before, where there is none."""
    path = folder / TOKENIZER
    return Vocabulary(path) if path.is_file() else Sentencepieces(folder)


def _precision(options: NllbOptions, device: str, supported: set[str]) -> str:
    asked = options.translation_precision
    if asked == "auto":
        return "int8_float16" if "int8_float16" in supported else "int8"
    if asked not in supported:
        known = ", ".join(sorted(supported & {"int8", "int8_float16", "float16", "bfloat16", "float32"}))
        raise SettingsError(
            f"TRANSLATION_PRECISION={asked} is nothing that {device} computes with here.",
            f"Use one of: auto, {known}.",
        )
    return asked

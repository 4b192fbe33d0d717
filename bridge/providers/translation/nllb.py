"""Neural translation between 200 languages on CPU or GPU: NLLB on CTranslate2, without torch.

With 600 million parameters in int8 a sentence of 20 tokens takes 0.8 s on two cores and 740 MB. The
models are under CC-BY-NC-4.0: not for commercial use. CTranslate2 releases the GIL while it decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import structlog
from pydantic import AliasChoices, Field

from bridge import languages, settings
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.library import Kind, locate
from bridge.models import Limits, Pool, out_of_memory
from bridge.providers.translation.decoding import Answer, Decoder, Rendering, Search, confidence
from bridge.providers.translation.pieces import join
from bridge.providers.translation.vocabulary import Vocabulary
from bridge.settings import Settings
from bridge.types import Phrase, Translation

log = structlog.get_logger(__name__)

# fmt: off
COMMON = (
    "ar", "bn", "ca", "cs", "de", "el", "en", "es", "fa", "fr", "he", "hi", "id", "it", "ja", "ko",
    "nl", "pl", "pt", "ro", "ru", "sv", "sw", "tr", "uk", "ur", "vi", "zh",
)
# fmt: on
"""The languages offered by default. All 120 of the table would make 14 000 pairs in each heartbeat."""

FILES = ("model.bin", "config.json", "tokenizer.json")


class NllbOptions(settings.Options):
    """Which model translates, where, and how carefully."""

    translation_model: str = Field(
        "facebook/nllb-200-distilled-600M",
        description="NLLB model: the name of one that was pulled, or a folder.",
    )
    translation_device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        validation_alias=AliasChoices("translation_device", "device"),
        description="Where the model runs: cpu, cuda, cuda:1, or auto for a GPU if there is one.",
    )
    translation_precision: Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"] = Field(
        "auto",
        validation_alias=AliasChoices("translation_precision", "precision"),
        description="Numbers the model computes with; auto takes the fastest that the device is good at.",
    )
    translation_num_beams: int = Field(
        1,
        ge=1,
        le=16,
        validation_alias=AliasChoices("translation_num_beams", "num_beams"),
        description="Alternatives followed while decoding: more is better and slower.",
    )
    translation_max_length: int = Field(
        200,
        ge=16,
        le=400,
        validation_alias=AliasChoices("translation_max_length", "max_length"),
        description="Tokens of one translated sentence; a longer sentence is translated in parts.",
    )
    translation_length_penalty: float = Field(
        1.0,
        ge=-5,
        le=5,
        validation_alias=AliasChoices("translation_length_penalty", "length_penalty"),
        description="Above 1 longer translations win, below 1 shorter ones; only with several beams.",
    )
    translation_max_batch_size: int = Field(
        8,
        ge=1,
        le=256,
        validation_alias=AliasChoices("translation_max_batch_size", "max_batch_size"),
        description="Sentences of one text decoded at once.",
    )
    translation_threads: int = Field(
        0, ge=0, description="Threads of one translation on CPU; 0 leaves the number to the engine."
    )
    translation_languages: str = Field(
        "",
        description="Tags of the languages offered, comma-separated, or all; empty offers 28 common ones.",
        examples=["en,es,ca"],
    )
    use_onnx: bool = Field(
        False,
        description="Run nllb, and it alone, on ONNX Runtime; TRANSLATION_MODEL is a folder made by optimum.",
    )
    onnx_providers: str = Field(
        "",
        description="ONNX Runtime's execution providers in the order to try, comma-separated, with USE_ONNX; "
        "empty follows TRANSLATION_DEVICE, whose GPU number holds anyway.",
        examples=["CUDAExecutionProvider,CPUExecutionProvider"],
    )


class CTranslate2:
    """One loaded model. Several threads may call it; one text is decoded at a time."""

    def __init__(self, folder: Path, options: NllbOptions) -> None:
        check(folder)
        import ctranslate2

        device, index = place(options.translation_device, ctranslate2.get_cuda_device_count())
        precision = _precision(options, device, ctranslate2.get_supported_compute_types(device, index))
        self.precision = precision
        self.vocabulary = Vocabulary(folder / "tokenizer.json")
        self._batch = options.translation_max_batch_size
        try:
            self._translator: Any = ctranslate2.Translator(
                str(folder),
                device=device,
                device_index=index,
                compute_type=precision,
                intra_threads=options.translation_threads,
            )
        except RuntimeError as error:
            if out_of_memory(error):
                raise  # the pool makes room and tries again
            raise ProviderMissing(
                f"The model in {folder} cannot be loaded: {error}.", "Pull or convert it again."
            ) from error

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


class Nllb:
    """Every pair of the offered languages, by one model that is loaded before the first text."""

    Options: type[settings.Options] = NllbOptions
    kind: Kind = "nllb"
    packages: tuple[str, ...] = ("ctranslate2", "tokenizers")
    extra: str = ""
    """What installs the packages, where it is not called like the kind."""

    def __init__(self, options: NllbOptions) -> None:
        self._options = options
        self._search = Search(
            options.translation_num_beams,
            options.translation_max_length,
            options.translation_length_penalty,
        )
        if options.translation_num_beams == 1 and options.translation_length_penalty != 1:
            log.warning("TRANSLATION_LENGTH_PENALTY has no effect with TRANSLATION_NUM_BEAMS=1")
        if options.use_onnx:
            self._choose_onnx()
        self._require()
        self._pool = Pool(Limits.of(Settings.read()))
        try:
            with self._lease() as decoder:
                self._codes = offered(options, decoder.vocabulary)
                weights = locate(self.kind, options.translation_model).glob("*.*")
                files = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in weights)
                engine = [(package, import_module(package).__version__) for package in self.packages]
                self._fingerprint = repr((engine, files, decoder.precision, self._search))
            self._pool.keep(options.translation_model)
        except BaseException:
            self._pool.close()
            raise

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every two of TRANSLATION_LANGUAGES that the model tells apart."""
        return frozenset(
            (source, target)
            for source, spoken in self._codes.items()
            for target, written in self._codes.items()
            if spoken != written
        )

    def translate(self, phrase: Phrase) -> Translation:
        """All sentences in the target language on one line, with the decoder's own confidence.

        Raises LanguageError, ProviderError where the model fails or finds no translation.
        """
        source, target = self._code(phrase.source), self._code(phrase.target)
        if source == target:
            raise LanguageError(
                f"The model does not tell {phrase.source} from {phrase.target}.", "Choose another target."
            )
        with self._lease() as decoder:
            answers = Rendering(decoder, source, target, self._search).of(phrase.text, phrase.source)
        text = join((answer.text for answer in answers), phrase.target)
        return Translation(text, confidence(answers))

    def fingerprint(self) -> str:
        """All that an answer depends on: engine, weights, precision and search."""
        return self._fingerprint

    def resident(self) -> tuple[str, ...]:
        """The name of the model while it is loaded."""
        return self._pool.resident()

    def close(self) -> None:
        """Frees the model."""
        self._pool.close()

    def _lease(self) -> AbstractContextManager[Decoder]:
        return self._pool.lease(self._options.translation_model, self._load, lambda model: model.close())

    def _load(self) -> Decoder:
        folder = locate(self.kind, self._options.translation_model)
        if self._options.use_onnx:
            from bridge.providers.translation.nllb_onnx import Onnx

            return Onnx(folder, self._options)
        return CTranslate2(folder, self._options)

    def _choose_onnx(self) -> None:
        if self.kind != "nllb":
            raise SettingsError(
                f"USE_ONNX=true does not go with TRANSLATION_PROVIDER={self.kind}.",
                "Use TRANSLATION_PROVIDER=nllb, or leave USE_ONNX out.",
            )
        self.packages, self.extra = ("onnxruntime", "tokenizers"), "nllb-onnx"

    def _require(self) -> None:
        try:
            for package in self.packages:
                import_module(package)
        except ImportError as error:
            raise ProviderMissing(
                f"The {error.name} package is not installed.", install(self.extra or self.kind)
            ) from None

    def _code(self, tag: str) -> str:
        if code := self._codes.get(tag):
            return code
        raise LanguageError(
            f"The translation model does not offer {tag}, only {', '.join(self._codes)}.",
            "TRANSLATION_LANGUAGES names the languages that are offered.",
        )


def check(folder: Path) -> None:
    """Raises ProviderMissing naming what `folder` lacks of a model for CTranslate2."""
    missing = [name for name in FILES if not (folder / name).is_file()]
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


def place(asked: str, gpus: int) -> tuple[str, int]:
    """The device and its index for TRANSLATION_DEVICE. Raises SettingsError for a GPU that is not there."""
    device, _, index = asked.partition(":")
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    if device == "cuda" and int(index or 0) >= gpus:
        raise SettingsError(
            f"TRANSLATION_DEVICE={asked} is not there: this process sees {gpus} GPUs.",
            "Use cpu or auto; CUDA_VISIBLE_DEVICES says which GPUs a process sees.",
        )
    return device, int(index or 0)


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


def offered(options: NllbOptions, vocabulary: Vocabulary) -> dict[str, str]:
    """The tag and code of each language to offer.

    Raises SettingsError for a language of TRANSLATION_LANGUAGES that is unknown or that the model lacks,
    and for a model that has none of the codes.
    """
    asked = options.translation_languages.strip()
    strict = asked not in ("", "all")
    tags = [tag.strip() for tag in asked.split(",") if tag.strip()] if strict else COMMON
    known = languages.known() if asked == "all" else [_find(tag) for tag in tags]
    codes = {each.tag: each.nllb for each in known if each.nllb and each.nllb in vocabulary}
    if lacking := [each.tag for each in known if each.tag not in codes and strict]:
        raise SettingsError(
            f"TRANSLATION_LANGUAGES: {options.translation_model} has no token for {', '.join(lacking)}.",
            "Leave them out, or use a model that has them.",
        )
    if len(set(codes.values())) < 2:
        raise SettingsError(
            f"TRANSLATION_MODEL={options.translation_model} has tokens for {len(codes)} of the languages.",
            "Use a model of NLLB-200, whose languages have tokens such as eng_Latn, and two languages.",
        )
    return codes


def _find(tag: str) -> languages.Language:
    try:
        return languages.find(tag)
    except LanguageError as error:
        raise SettingsError(f"TRANSLATION_LANGUAGES: {error.message}", error.hint) from None


def failure(error: RuntimeError) -> ProviderError:
    """What a model says that failed on one text."""
    if out_of_memory(error):
        return ProviderError(
            "There is not enough memory to translate this text.",
            "Lower TRANSLATION_MAX_BATCH_SIZE or TRANSLATION_NUM_BEAMS.",
            code="out_of_memory",
        )
    return ProviderError(
        f"The translation model failed: {error}.",
        "If it is about positions, TRANSLATION_MAX_LENGTH is more than half of what the model was made for.",
    )

"""Neural translation between 200 languages on CPU or GPU: NLLB on CTranslate2, without torch.

With 600 million parameters in int8 a sentence of 20 tokens takes 0.8 s on two cores and 740 MB. The
models are under CC-BY-NC-4.0: not for commercial use. CTranslate2 releases the GIL while it decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module

import structlog

from bridge import options
from bridge.errors import LanguageError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models.catalogue import Kind
from bridge.models.library import locate
from bridge.models.pool import Limits, Pool
from bridge.providers.translation.decoding import BESIDE, Decoder, Rendering, Search, confidence
from bridge.providers.translation.nllb_ctranslate2 import CTranslate2
from bridge.providers.translation.nllb_onnx import Onnx
from bridge.providers.translation.nllb_options import NllbOptions, offered
from bridge.settings import Settings
from bridge.text import join
from bridge.types import Phrase, Translation

log = structlog.get_logger(__name__)


class Nllb:
    """Every pair of the offered languages, by one model that is loaded before the first text."""

    Options: type[options.Options] = NllbOptions
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
        self._pool = Pool("translation", Limits.of(Settings.read()))
        try:
            with self._lease() as decoder:
                self._codes = offered(options, decoder.vocabulary)
                self._slow = decoder.slow
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
        search = replace(self._search, beams=1) if phrase.quick else self._search
        with self._lease() as decoder:
            answers = Rendering(decoder, source, target, search).of(phrase.text, phrase.source)
        text = join((answer.text for answer in answers), phrase.target)
        return Translation(text, confidence(answers))

    def share(self, lengths: Sequence[int]) -> float:
        """Sentences are decoded side by side, so the longest one tells how long all of them take."""
        together = max(lengths) * (1 + BESIDE * (len(lengths) - 1))
        return lengths[0] / together if self._slow else 1.0

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

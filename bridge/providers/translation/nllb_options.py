"""The variables of both NLLBs, and the languages that they offer of those a model has."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field

from bridge import languages, options
from bridge.errors import LanguageError, SettingsError
from bridge.providers.device import device
from bridge.providers.flash import flash_attention
from bridge.providers.translation.vocabulary import Tokens

# fmt: off
COMMON = (
    "ar", "bn", "ca", "cs", "de", "el", "en", "es", "fa", "fr", "he", "hi", "id", "it", "ja", "ko",
    "nl", "pl", "pt", "ro", "ru", "sv", "sw", "tr", "uk", "ur", "vi", "zh",
)
# fmt: on
"""The languages offered by default. All 120 of the table would make 14 000 pairs in each heartbeat."""


class NllbOptions(options.Options):
    """Which model translates, where, and how carefully."""

    translation_model: str = Field(
        "facebook/nllb-200-distilled-600M",
        description="NLLB model: the name of one that was pulled, or a folder.",
    )
    translation_device: str = device(
        "translation", "Where the model runs: cpu, cuda, cuda:1, or auto for a GPU if there is one."
    )
    translation_precision: Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"] = Field(
        "auto",
        validation_alias=AliasChoices("translation_precision", "precision"),
        description="Numbers the model computes with; auto takes the fastest that the device is good at.",
    )
    translation_flash_attention: bool = flash_attention(
        "translation",
        "Attention that takes less of a GPU's memory: CTranslate2's where it was built with it, with "
        "nllb-transformers that of the package flash-attn; refused where it cannot be had.",
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


def offered(options: NllbOptions, vocabulary: Tokens) -> dict[str, str]:
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

"""Speech to text by Deepgram's API: a segment is sent whole, as a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, SecretStr

from bridge import languages, options
from bridge.errors import LanguageError
from bridge.providers import http, http_options
from bridge.providers.stt import detection
from bridge.providers.wav import wav
from bridge.text import clean
from bridge.types import Audio, Speech, Transcript

OFFERED = (
    "be,bg,bn,bs,ca,cs,da,de,el,en,es,et,fa,fi,fr,gu,he,hi,hr,hu,id,it,ja,kk,kn,ko,lt,lv,mk,mr,ms,nl,no,pl,pt,"
    "ro,ru,sk,sl,sr,sv,ta,te,th,tl,tr,uk,ur,vi,yue,zh"
)
"""Those that Deepgram's changelog names for Nova-3, up to September 2026; it adds some every month."""

DETECTED = (
    "bg,ca,cs,da,de,el,en,es,et,fi,fr,hi,hu,id,it,ja,ko,lt,lv,ms,nl,no,pl,pt,ro,ru,sk,sv,th,tr,uk,vi,zh"
)
"""Those among which Deepgram finds the spoken one, by its page of language detection, November 2025."""

CODES = {"en-GB": "en-GB", "es-419": "es-419", "pt-BR": "pt-BR", "yue": "zh-HK", "zh-Hant": "zh-TW"}
"""What Deepgram calls languages that it does not call by their tag without a region."""


class DeepgramOptions(options.Options):
    """The account, and which model listens."""

    deepgram_api_key: SecretStr | None = Field(None, description="Key of the account.")
    deepgram_base_url: str = Field(
        "https://api.deepgram.com",
        pattern=http_options.URL,
        description="The server, without /v1.",
        examples=["https://api.eu.deepgram.com"],
    )
    deepgram_model: str = Field("nova-3", min_length=1, description="Model that recognises speech.")
    deepgram_languages: str = Field(OFFERED, description="Languages that the model recognises, by tag.")
    deepgram_connect_ms: int = http_options.connect_ms()
    deepgram_first_byte_ms: int = http_options.first_byte_ms(4_000)
    deepgram_total_ms: int = http_options.total_ms(8_000)
    deepgram_patience_ms: int = http_options.patience_ms()


class Deepgram:
    """`/v1/listen` with punctuation."""

    Options: type[options.Options] = DeepgramOptions
    detects = True

    @staticmethod
    def billed(options: DeepgramOptions) -> str:
        """The model."""
        return options.deepgram_model

    def __init__(self, options: DeepgramOptions) -> None:
        key = http_options.key("DEEPGRAM_API_KEY", options.deepgram_api_key, needed=True)
        self._languages = http_options.tags(options.deepgram_languages, "DEEPGRAM_LANGUAGES")
        self._model = options.deepgram_model
        limits = http_options.deadlines(options, "deepgram")
        headers = {"Authorization": f"Token {key}", "Content-Type": "audio/wav"}
        self._remote = http.Remote(
            "Deepgram", options.deepgram_base_url, headers, limits, key_variable="DEEPGRAM_API_KEY"
        )

    def languages(self) -> frozenset[str]:
        """Those of DEEPGRAM_LANGUAGES."""
        return self._languages

    def transcribe(self, speech: Speech) -> Transcript:
        """The words of a segment, in the language that is named or that Deepgram detects.

        A second time is asked where it detects one that is none of `among`, or is hardly surer of it than
        of `prior`. Raises LanguageError and VendorError.
        """
        if speech.language is not None and speech.language not in self._languages:
            raise LanguageError(
                f"{speech.language} is none of the languages of this model.",
                "DEEPGRAM_LANGUAGES holds those that it has.",
            )
        if not speech.audio.pcm:
            return Transcript("", speech.language or speech.prior or "en")
        if speech.language is not None:
            return self._named(speech.audio, speech.language)
        channel = self._ask(speech.audio, detect_language=_choice(speech.among))
        detected = self._detected(channel)
        language = _chosen(detected, channel.get("language_confidence"), speech.among, speech.prior)
        if _base(language) != _base(detected):
            return self._named(speech.audio, language)
        return self._heard(channel, language)

    def resident(self) -> tuple[str, ...]:
        """None: models are Deepgram's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()

    def _named(self, audio: Audio, language: str) -> Transcript:
        return self._heard(self._ask(audio, language=CODES.get(language, _base(language))), language)

    def _ask(self, audio: Audio, **how: str | list[str]) -> dict[str, Any]:
        """What Deepgram says of the one channel."""
        asked = {"model": self._model, "punctuate": "true", **how}
        said = self._remote.json("/v1/listen", params=asked, content=wav(audio))
        try:
            channel = said["results"]["channels"][0]
        except (LookupError, TypeError):
            channel = None
        if not isinstance(channel, dict):
            raise self._remote.bad_answer("no channel")
        return channel

    def _heard(self, channel: dict[str, Any], language: str) -> Transcript:
        try:
            best = channel["alternatives"][0]
            text, sure = clean(best["transcript"]), best.get("confidence")
        except (LookupError, TypeError, AttributeError):
            raise self._remote.bad_answer("no transcript") from None
        return Transcript(text, language, float(sure) if text and isinstance(sure, int | float) else None)

    def _detected(self, channel: dict[str, Any]) -> str:
        try:
            return languages.find(channel["detected_language"]).tag
        except (LookupError, AttributeError, LanguageError):
            raise self._remote.bad_answer("a language that is not known") from None


def _base(tag: str) -> str:
    return languages.find(tag).base


def _choice(among: Sequence[str]) -> str | list[str]:
    """Among which languages Deepgram is to choose: all where it could not tell some of ours."""
    bases = sorted({_base(tag) for tag in among})
    return bases if len(bases) > 1 and set(DETECTED.split(",")).issuperset(bases) else "true"


def _chosen(detected: str, sure: Any, among: Sequence[str], prior: str | None) -> str:
    """The tag of what was spoken, of `among` where they are named."""
    own = next((tag for tag in among if _base(tag) == _base(detected)), None)
    if among and own is None:
        return prior if prior is not None and prior in among else among[0]
    found = own or detected
    if prior is None or (among and prior not in among) or _base(prior) == _base(found):
        return found
    certain = float(sure) if isinstance(sure, int | float) else 1.0
    return detection.spoken({found: certain, prior: 1 - certain}, (found, prior), prior)

"""Text to speech by ElevenLabs' API, heard as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr

from bridge import languages, options
from bridge.errors import LanguageError, ProviderError
from bridge.providers import http, http_options
from bridge.text import clean
from bridge.types import Audio, Rate, Utterance

OFFERED = "ar,bg,cs,da,de,el,en,es,fi,fr,hi,hr,hu,id,it,ja,ko,ms,nl,no,pl,pt,ro,ru,sk,sv,ta,tr,uk,vi,zh"
"""Those of eleven_flash_v2_5 by ElevenLabs' page of models, without Filipino, for which we have no tag."""

SLOWEST, FASTEST = 0.7, 1.2
"""The speeds that ElevenLabs takes, by the reference of its voice settings."""


class ElevenLabsOptions(options.Options):
    """The account, the model and the voice."""

    elevenlabs_api_key: SecretStr | None = Field(None, description="Key of the account.")
    elevenlabs_base_url: str = Field(
        "https://api.elevenlabs.io",
        pattern=http_options.URL,
        description="The server, without /v1.",
        examples=["https://api.eu.residency.elevenlabs.io"],
    )
    elevenlabs_model: str = Field(
        "eleven_flash_v2_5", min_length=1, description="Model that speaks; this one answers soonest."
    )
    elevenlabs_voice: str = Field(
        "JBFqnCBsd6RMkjVDRZzb",
        min_length=1,
        description="Id of the voice, where the segment names none; a voice speaks every language.",
    )
    elevenlabs_languages: str = Field(OFFERED, description="Languages that the model speaks, by tag.")
    elevenlabs_rate: Annotated[Rate, BeforeValidator(int)] = Field(
        24_000, description="Samples per second of the speech; ElevenLabs sells 44100 with some plans only."
    )
    elevenlabs_stability: float = Field(
        0.5, ge=0, le=1, description="How much one sentence sounds like the next; low is livelier."
    )
    elevenlabs_similarity: float = Field(
        0.75, ge=0, le=1, description="How close the speech keeps to the voice it is made from."
    )
    elevenlabs_connect_ms: int = http_options.connect_ms()
    elevenlabs_first_byte_ms: int = http_options.first_byte_ms(3_000)
    elevenlabs_total_ms: int = http_options.total_ms(15_000)
    elevenlabs_patience_ms: int = http_options.patience_ms()


class ElevenLabs:
    """`/v1/text-to-speech/{voice}/stream`."""

    Options: type[options.Options] = ElevenLabsOptions

    @staticmethod
    def billed(options: ElevenLabsOptions) -> str:
        """The model."""
        return options.elevenlabs_model

    def __init__(self, options: ElevenLabsOptions) -> None:
        self._options = options
        key = http_options.key("ELEVENLABS_API_KEY", options.elevenlabs_api_key, needed=True)
        self._languages = http_options.tags(options.elevenlabs_languages, "ELEVENLABS_LANGUAGES")
        limits = http_options.deadlines(options, "elevenlabs")
        self._remote = http.Remote(
            "ElevenLabs",
            options.elevenlabs_base_url,
            {"xi-api-key": key},
            limits,
            key_variable="ELEVENLABS_API_KEY",
        )

    def languages(self) -> frozenset[str]:
        """Those of ELEVENLABS_LANGUAGES."""
        return self._languages

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces as they come, at most FASTEST times as fast. Raises LanguageError, ProviderError for
        a voice that is none, and VendorError."""
        if utterance.language not in self._languages:
            raise LanguageError(
                f"{utterance.language} is none of the languages of this model.",
                "ELEVENLABS_LANGUAGES holds those that it has.",
            )
        if not (text := clean(utterance.text)):
            return
        rate = self._options.elevenlabs_rate
        voice = quote(utterance.voice or self._options.elevenlabs_voice, safe="")
        if voice in (".", ".."):  # nothing quotes a point, and these are folders
            raise ProviderError(f"ElevenLabs has no voice {voice!r}.", "Name a voice by its id.")
        yield from self._remote.audio(
            f"/v1/text-to-speech/{voice}/stream",
            rate,
            params={"output_format": f"pcm_{rate}"},
            json=self._body(text, utterance),
        )

    def resident(self) -> tuple[str, ...]:
        """None: models are ElevenLabs'."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()

    def _body(self, text: str, utterance: Utterance) -> dict[str, Any]:
        settings = {
            "stability": self._options.elevenlabs_stability,
            "similarity_boost": self._options.elevenlabs_similarity,
            "speed": min(FASTEST, max(SLOWEST, utterance.speed)),
        }
        return {
            "text": text,
            "model_id": self._options.elevenlabs_model,
            "language_code": languages.find(utterance.language).base,
            "voice_settings": settings,
        }

"""The server: its options, its connection, and which languages its models have."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from bridge import options
from bridge.errors import LanguageError
from bridge.providers import http, http_options

HOME = "https://api.openai.com"

OFFERED = (
    "af,ar,az,be,bg,bs,ca,cs,cy,da,de,el,en,es,et,fa,fi,fr,gl,he,hi,hr,hu,hy,id,is,it,ja,kk,kn,ko,lt,lv,mi,mk,"
    "mr,ms,ne,nl,no,pl,pt,ro,ru,sk,sl,sr,sv,sw,ta,th,tl,tr,uk,ur,vi,zh"
)
"""The languages that OpenAI documents for its speech models."""


class OpenAiOptions(options.Options):
    """Which server, and which of its models."""

    openai_api_key: SecretStr | None = Field(
        None, description="Key of the account; a server of your own may need none."
    )
    openai_base_url: str = Field(
        HOME,
        pattern=http_options.URL,
        description="The server, without /v1.",
        examples=["http://127.0.0.1:8001"],
    )
    openai_stt_model: str = Field("whisper-1", description="Model that recognises speech.")
    openai_stt_format: Literal["verbose_json", "json"] = Field(
        "verbose_json",
        description="Form of the transcript; json, for models without the other, detects no language.",
    )
    openai_stt_languages: str = Field(OFFERED, description="Languages that the model recognises, by tag.")
    openai_translation_model: str = Field("gpt-4o-mini", description="Model that translates.")
    openai_translation_languages: str = Field(
        OFFERED, description="Languages that the model translates, by tag."
    )
    openai_tts_model: str = Field("tts-1", description="Model that speaks.")
    openai_tts_voice: str = Field("alloy", description="Voice, where the segment names none.")
    openai_tts_speed: float = Field(1.0, ge=0.25, le=4, description="Speed of speech; 2 is twice as fast.")
    openai_tts_rate: int = Field(
        24_000,
        ge=8_000,
        le=48_000,
        description="Samples per second of the server's pcm; OpenAI's has 24000.",
    )
    openai_tts_languages: str = Field(OFFERED, description="Languages that the voice speaks, by tag.")
    openai_connect_ms: int = http_options.connect_ms()
    openai_first_byte_ms: int = http_options.first_byte_ms(4_000)
    openai_total_ms: int = http_options.total_ms(15_000)
    openai_patience_ms: int = http_options.patience_ms()


def _remote(options: OpenAiOptions) -> http.Remote:
    key = http_options.key(
        "OPENAI_API_KEY", options.openai_api_key, needed=options.openai_base_url.startswith(HOME)
    )
    limits = http_options.deadlines(options, "openai")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return http.Remote(
        "OpenAI" if options.openai_base_url.startswith(HOME) else "The server of OPENAI_BASE_URL",
        options.openai_base_url,
        headers,
        limits,
        key_variable="OPENAI_API_KEY",
    )


def need(language: str, offered: frozenset[str], variable: str) -> None:
    """Raises LanguageError for one that is not offered."""
    if language not in offered:
        raise LanguageError(
            f"{language} is none of the languages of this model.", f"{variable} holds those that it has."
        )


def billed(options: OpenAiOptions, model: str) -> str:
    """The model, at OpenAI's own server."""
    return model if options.openai_base_url.startswith(HOME) else "nothing"


class Server:
    """What the three stages have in common."""

    Options: type[options.Options] = OpenAiOptions

    def __init__(self, options: OpenAiOptions) -> None:
        self._options = options
        self._remote = _remote(options)

    def resident(self) -> tuple[str, ...]:
        """None: models are the server's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()

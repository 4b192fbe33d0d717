"""Text to speech: `/v1/audio/speech`."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.providers import http_options
from bridge.providers.openai.server import OpenAiOptions, Server, billed, need
from bridge.text import clean
from bridge.types import Audio, Utterance


class OpenAiSynthesizer(Server):
    """`/v1/audio/speech`, heard as it comes."""

    def __init__(self, options: OpenAiOptions) -> None:
        self._languages = http_options.tags(options.openai_tts_languages, "OPENAI_TTS_LANGUAGES")
        super().__init__(options)

    @staticmethod
    def billed(options: OpenAiOptions) -> str:
        """The model, at OpenAI's own server."""
        return billed(options, options.openai_tts_model)

    def languages(self) -> frozenset[str]:
        """Those of OPENAI_TTS_LANGUAGES."""
        return self._languages

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces as they come. Raises LanguageError and VendorError."""
        need(utterance.language, self._languages, "OPENAI_TTS_LANGUAGES")
        if not (text := clean(utterance.text)):
            return
        yield from self._remote.audio(
            "/v1/audio/speech",
            self._options.openai_tts_rate,
            json={
                "model": self._options.openai_tts_model,
                "input": text,
                "voice": utterance.voice or self._options.openai_tts_voice,
                "response_format": "pcm",
                "speed": min(4.0, max(0.25, self._options.openai_tts_speed * utterance.speed)),
            },
        )

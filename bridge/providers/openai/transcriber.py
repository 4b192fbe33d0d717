"""Speech to text: `/v1/audio/transcriptions`."""

from __future__ import annotations

import math
from typing import Any

from bridge import languages
from bridge.errors import LanguageError
from bridge.providers import Hints, http_options, unhinted
from bridge.providers.openai.server import OpenAiOptions, Server, billed, need
from bridge.providers.wav import wav
from bridge.text import clean
from bridge.types import Audio, Speech, Transcript

UNHEARD, UNLIKELY = 0.6, -1.0
"""Whisper's own limits: above the one for silence and below the other for the words, nobody spoke."""


class OpenAiTranscriber(Server):
    """`/v1/audio/transcriptions`."""

    def __init__(self, options: OpenAiOptions) -> None:
        self._hints: Hints = unhinted
        self._languages = http_options.tags(options.openai_stt_languages, "OPENAI_STT_LANGUAGES")
        self.detects = options.openai_stt_format == "verbose_json"
        super().__init__(options)

    @staticmethod
    def billed(options: OpenAiOptions) -> str:
        """The model, at OpenAI's own server."""
        return billed(options, options.openai_stt_model)

    def languages(self) -> frozenset[str]:
        """Those of OPENAI_STT_LANGUAGES."""
        return self._languages

    def heed(self, hints: Hints) -> None:
        """Sends the words as the prompt. Where the language is to be detected, those of the one before."""
        self._hints = hints

    def transcribe(self, speech: Speech) -> Transcript:
        """The words of a segment; a language that is none of `among` is asked for again as a likelier one.

        Raises LanguageError and VendorError.
        """
        language = speech.language
        if language is not None:
            need(language, self._languages, "OPENAI_STT_LANGUAGES")
        elif not self.detects:
            raise LanguageError(
                "OPENAI_STT_FORMAT=json detects no language.", "Name the language, or use verbose_json."
            )
        if not speech.audio.pcm:
            return Transcript("", language or speech.prior or "en")
        found = self._ask(speech.audio, language, language or speech.prior)
        if language or not speech.among or found.language in speech.among:
            return found
        likelier = speech.prior if speech.prior in speech.among else speech.among[0]
        return self._ask(speech.audio, likelier, likelier)

    def _ask(self, audio: Audio, language: str | None, expected: str | None) -> Transcript:
        fields = {
            "model": self._options.openai_stt_model,
            "response_format": self._options.openai_stt_format,
            "temperature": "0",
        }
        if language:
            entry = languages.find(language)
            fields["language"] = entry.whisper or entry.base
        if expected and (hints := self._hints(expected)):
            fields["prompt"] = hints
        said = self._remote.json(
            "/v1/audio/transcriptions", data=fields, files={"file": ("speech.wav", wav(audio), "audio/wav")}
        )
        text = said.get("text")
        if not isinstance(text, str):
            raise self._remote.bad_answer("no text")
        spoken = language or _spoken(said.get("language"))
        if spoken is None:
            raise self._remote.bad_answer("a language that is not known")
        listed = said.get("segments")
        segments = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        kept = [each for each in segments if not _silent(each)]
        if len(kept) < len(segments):
            text = "".join(str(each.get("text", "")) for each in kept)
        return Transcript(clean(text), spoken, _confidence(kept))


def _spoken(said: object) -> str | None:
    """The tag of a language that OpenAI calls by its English name and others by Whisper's code."""
    wanted = str(said).lower()
    for known in languages.known():
        if wanted in (known.whisper, known.tag.lower(), known.name.partition(" (")[0].lower()):
            return known.tag
    return None


def _number(segment: dict[str, Any], name: str) -> float | None:
    value = segment.get(name)
    return float(value) if isinstance(value, int | float) else None


def _silent(segment: dict[str, Any]) -> bool:
    silence, likely = _number(segment, "no_speech_prob"), _number(segment, "avg_logprob")
    return silence is not None and likely is not None and silence > UNHEARD and likely < UNLIKELY


def _confidence(segments: list[dict[str, Any]]) -> float | None:
    """The mean probability of the words, None where a segment says none."""
    likely = [_number(each, "avg_logprob") for each in segments]
    known = [each for each in likely if each is not None]
    if not known or len(known) < len(likely):
        return None
    return min(1.0, math.exp(sum(known) / len(known)))

"""Speech to text and text to speech by Azure's REST interfaces: for short audio, and by SSML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from pydantic import BeforeValidator, Field, SecretStr

from bridge import options
from bridge.errors import AudioError, LanguageError, SettingsError, VendorError
from bridge.providers import http, http_options
from bridge.providers.azure_voices import VOICES, locales
from bridge.providers.wav import wav
from bridge.text import clean
from bridge.types import Audio, Rate, Speech, Transcript, Utterance

Value = TypeVar("Value")

OWN_DOMAIN = "cognitiveservices.azure.com"
"""The end of the names of resources with a domain of their own: each service has a folder there."""
LONGEST_MS = 60_000
"""Of the audio in one request."""
PIECE = 6_400
"""Bytes of one piece of an upload, 200 ms: Azure begins with the first."""
HEARD_NOTHING = frozenset({"NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "EndOfDictation"})
FORMATS: dict[int, str] = {
    8_000: "raw-8khz-16bit-mono-pcm",
    16_000: "raw-16khz-16bit-mono-pcm",
    22_050: "raw-22050hz-16bit-mono-pcm",
    24_000: "raw-24khz-16bit-mono-pcm",
    44_100: "raw-44100hz-16bit-mono-pcm",
    48_000: "raw-48khz-16bit-mono-pcm",
}
assert FORMATS.keys() == set(get_args(Rate))


class AzureOptions(options.Options):
    """The Speech resource, and how it speaks."""

    azure_speech_key: SecretStr | None = Field(None, description="Key of the Speech resource.")
    azure_speech_region: str = Field(
        "",
        pattern=r"^[a-z0-9]*$",
        description="Region of the Speech resource.",
        examples=["westeurope"],
    )
    azure_speech_endpoint: str | None = Field(
        None,
        pattern=http_options.URL,
        description="The server in place of those of the region: another cloud, a container, or the "
        "resource's own domain.",
        examples=["https://my-speech.cognitiveservices.azure.com"],
    )
    azure_stt_profanity: Literal["masked", "removed", "raw"] = Field(
        "raw", description="What becomes of swearwords."
    )
    azure_tts_voice: str = Field(
        "",
        description="Voice, where the segment names none; unset, one of each language's own.",
        examples=["en-US-JennyNeural"],
    )
    azure_tts_rate: Annotated[Rate, BeforeValidator(int)] = Field(
        24_000, description="Samples per second of the speech that is asked for."
    )
    azure_connect_ms: int = http_options.connect_ms()
    azure_first_byte_ms: int = http_options.first_byte_ms(4_000)
    azure_total_ms: int = http_options.total_ms(15_000)
    azure_patience_ms: int = http_options.patience_ms()


def _server(options: AzureOptions, service: Literal["stt", "tts"]) -> str:
    if endpoint := options.azure_speech_endpoint:
        host = urlsplit(endpoint).hostname or ""
        return f"{endpoint.rstrip('/')}/{service}" if host.endswith(OWN_DOMAIN) else endpoint
    if options.azure_speech_region:
        return f"https://{options.azure_speech_region}.{service}.speech.microsoft.com"
    raise SettingsError(
        "Neither AZURE_SPEECH_REGION nor AZURE_SPEECH_ENDPOINT is set.",
        "Put the region of the resource, such as westeurope, into the environment or .env.",
    )


class _Service:
    """What both have in common."""

    Options: type[options.Options] = AzureOptions

    def __init__(self, options: AzureOptions, service: Literal["stt", "tts"]) -> None:
        self._options = options
        key = http_options.key("AZURE_SPEECH_KEY", options.azure_speech_key, needed=True)
        limits = http_options.deadlines(options, "azure")
        headers = {"Ocp-Apim-Subscription-Key": key, "User-Agent": "speechbridge"}
        server = _server(options, service)
        self._remote = http.Remote("Azure", server, headers, limits, key_variable="AZURE_SPEECH_KEY")

    def resident(self) -> tuple[str, ...]:
        """None: models are Azure's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()


class AzureTranscriber(_Service):
    """`/speech/recognition/conversation/cognitiveservices/v1`, up to a minute; it detects no language."""

    detects = False

    def __init__(self, options: AzureOptions) -> None:
        super().__init__(options, "stt")
        self._locales = locales()

    def languages(self) -> frozenset[str]:
        """Those that Azure recognises."""
        return frozenset(self._locales)

    def transcribe(self, speech: Speech) -> Transcript:
        """The words of a segment, with Azure's own confidence.

        Raises LanguageError, AudioError for more than a minute, and VendorError.
        """
        if speech.language is None:
            raise LanguageError("Azure detects no language of short audio.", "Name the language.")
        locale = _of(self._locales, speech.language)
        if speech.audio.ms > LONGEST_MS:
            raise AudioError(
                f"Azure takes a minute of speech at most; these are {speech.audio.ms / 1000:.0f} s.",
                "Lower VAD_MAX_SEGMENT_MS.",
            )
        if not speech.audio.pcm:
            return Transcript("", speech.language)
        said = self._remote.json(
            "/speech/recognition/conversation/cognitiveservices/v1",
            params={"language": locale, "format": "detailed", "profanity": self._options.azure_stt_profanity},
            headers={
                "Content-Type": f"audio/wav; codecs=audio/pcm; samplerate={speech.audio.rate}",
                "Accept": "application/json",
                "Expect": "100-continue",
            },
            content=_pieces(wav(speech.audio)),
        )
        return self._heard(said, speech.language)

    def _heard(self, said: dict[str, Any], language: str) -> Transcript:
        status = said.get("RecognitionStatus")
        if not isinstance(status, str):
            raise self._remote.bad_answer("no status")
        if status in HEARD_NOTHING:
            return Transcript("", language)
        if status == "Error":
            raise VendorError(
                "Azure failed to recognise it (Error).", "Try again.", code="unavailable", retryable=True
            )
        try:
            best = said["NBest"][0]
            text, sure = clean(best["Display"]), best.get("Confidence")
        except (LookupError, TypeError, AttributeError):
            raise self._remote.bad_answer("no transcript") from None
        if status != "Success":
            raise self._remote.bad_answer("a status that is not documented")
        known = text and isinstance(sure, int | float) and 0 <= sure <= 1
        return Transcript(text, language, float(sure) if known else None)


class AzureSynthesizer(_Service):
    """`/cognitiveservices/v1`, heard as it comes."""

    def __init__(self, options: AzureOptions) -> None:
        super().__init__(options, "tts")

    def languages(self) -> frozenset[str]:
        """Those of which a voice is known."""
        return frozenset(VOICES)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces as they come. Raises LanguageError and VendorError."""
        locale, own = _of(VOICES, utterance.language)
        if not (text := clean(utterance.text)):
            return
        voice = utterance.voice or self._options.azure_tts_voice or own
        rate = self._options.azure_tts_rate
        yield from self._remote.audio(
            "/cognitiveservices/v1",
            rate,
            headers={"Content-Type": "application/ssml+xml", "X-Microsoft-OutputFormat": FORMATS[rate]},
            content=ssml(text, locale, voice, utterance.speed).encode(),
        )


def ssml(text: str, locale: str, voice: str, speed: float) -> str:
    """The text as Azure reads it, `speed` times faster than by itself; none of its marks is markup."""
    said = escape(text)
    if speed != 1:
        said = f'<prosody rate="{round((speed - 1) * 100):+d}%">{said}</prosody>'
    return (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" '
        f"xml:lang={quoteattr(locale)}><voice name={quoteattr(voice)}>{said}</voice></speak>"
    )


def _pieces(data: bytes) -> list[bytes]:
    return [data[start : start + PIECE] for start in range(0, len(data), PIECE)]


def _of(table: Mapping[str, Value], language: str) -> Value:
    try:
        return table[language]
    except KeyError:
        known = ", ".join(sorted(table))
        raise LanguageError(f"Azure has no {language} here.", f"It has {known}.") from None

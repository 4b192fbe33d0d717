"""Azure's Speech service as its pages of the REST interfaces document it."""

from __future__ import annotations

import io
import wave
import xml.etree.ElementTree as ET
import zlib
from urllib.parse import parse_qs, urlsplit

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "0123456789abcdef0123456789abcdef"

MS_PER_LETTER = 60
HEARS = "/speech/recognition/conversation/cognitiveservices/v1"
RATES = {
    "raw-8khz": 8,
    "raw-16khz": 16,
    "raw-22050hz": 22.05,
    "raw-24khz": 24,
    "raw-44100hz": 44.1,
    "raw-48khz": 48,
}
SSML = "{http://www.w3.org/2001/10/synthesis}"


class Azure(Vendor):
    """Hears a text that depends on audio and locale alone, and hums as long as the text is."""

    def reply(self, asked: Asked) -> Answer:
        if asked.headers.get("ocp-apim-subscription-key") != KEY:
            return said(
                {"error": {"code": "401", "message": f"Access denied due to invalid key {KEY}."}}, 401
            )
        path = urlsplit(asked.path).path
        return self._heard(asked) if path.endswith(HEARS) else self._spoken(asked)

    def _heard(self, asked: Asked) -> Answer:
        sent = query(asked)
        assert asked.headers["content-type"] == "audio/wav; codecs=audio/pcm; samplerate=16000"
        assert (asked.headers["transfer-encoding"], asked.headers["expect"]) == ("chunked", "100-continue")
        assert sent["format"] == "detailed"
        with wave.open(io.BytesIO(asked.body)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
            heard = zlib.crc32(file.readframes(file.getnframes()))
        return said(recognised(f"{sent['language']} {heard}"))

    def _spoken(self, asked: Asked) -> Answer:
        assert asked.headers["content-type"] == "application/ssml+xml" and asked.headers["user-agent"]
        form, _, _ = asked.headers["x-microsoft-outputformat"].partition("-16bit-mono-pcm")
        text, speed = spoken(asked)
        samples = round(RATES[form] * MS_PER_LETTER * len(text) / speed)
        return Answer(b"\1\2" * samples, headers={"Content-Type": "audio/basic"})


def recognised(text: str, status: str = "Success") -> dict[str, object]:
    """An answer in the detailed format."""
    best = {"Confidence": 0.875, "Lexical": text, "ITN": text, "MaskedITN": text, "Display": text}
    more = {"NBest": [best], "DisplayText": text} if status == "Success" else {}
    return {"RecognitionStatus": status, "Offset": 1_000_000, "Duration": 5_000_000, **more}


def query(asked: Asked) -> dict[str, str]:
    """The parameters behind the path."""
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}


def spoken(asked: Asked) -> tuple[str, float]:
    """The text in the SSML, and how many times faster it is to be spoken."""
    (voice,) = ET.fromstring(asked.body)
    assert voice.tag == f"{SSML}voice"
    (faster,) = list(voice) or [voice]
    rate = faster.get("rate", "+0%")
    return faster.text or "", 1 + int(rate.removesuffix("%")) / 100


def voice(asked: Asked) -> str:
    """The voice that is asked for."""
    return ET.fromstring(asked.body)[0].attrib["name"]

"""Deepgram's API as its reference documents it: recordings, with a language or with detection."""

from __future__ import annotations

import io
import wave
import zlib
from urllib.parse import parse_qs, urlsplit

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "0123456789abcdef0123456789abcdef01234567"


class Deepgram(Vendor):
    """Hears a text that depends on the audio and the language alone; detects `spoken`, as sure as `sure`."""

    spoken = "en"
    sure = 0.99

    def reply(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Token {KEY}":
            return said({"err_code": "INVALID_AUTH", "err_msg": f"Invalid credentials {KEY}."}, 401)
        assert urlsplit(asked.path).path == "/v1/listen" and asked.headers["content-type"] == "audio/wav"
        sent = query(asked)
        assert sent["model"] and sent["punctuate"] == ["true"]
        with wave.open(io.BytesIO(asked.body)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
            heard = zlib.crc32(file.readframes(file.getnframes()))
        if "language" in sent:
            return said(channel(f"{sent['language'][0]} {heard}"))
        choice = sent["detect_language"]
        spoken = self.spoken if choice == ["true"] or self.spoken in choice else choice[0]
        detected = {"detected_language": spoken, "language_confidence": self.sure}
        return said(channel(f"{spoken} {heard}", **detected))


def query(asked: Asked) -> dict[str, list[str]]:
    """The parameters behind the path."""
    return parse_qs(urlsplit(asked.path).query)


def channel(text: str, **more: object) -> dict[str, object]:
    """An answer with one channel."""
    best = {"transcript": text, "confidence": 0.75, "words": [{"word": text, "start": 0.1, "end": 0.5}]}
    return {"metadata": {"channels": 1}, "results": {"channels": [{"alternatives": [best], **more}]}}

"""ElevenLabs' API as its reference documents it: speech as a stream of bare PCM."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "sk_0123456789abcdef0123456789abcdef"

MS_PER_LETTER = 60


class ElevenLabs(Vendor):
    """Hums as long as the text is."""

    def reply(self, asked: Asked) -> Answer:
        if asked.headers.get("xi-api-key") != KEY:
            return trouble("invalid_api_key", 401)
        rate = int(query(asked)["output_format"].removeprefix("pcm_"))
        sent = asked.json
        assert 0.7 <= sent["voice_settings"]["speed"] <= 1.2
        samples = round(rate / 1000 * MS_PER_LETTER * len(sent["text"]) / sent["voice_settings"]["speed"])
        return Answer(b"\1\2" * samples, headers={"Content-Type": "audio/pcm"})


def trouble(status: str, code: int) -> Answer:
    """An error as ElevenLabs words it; it names the key that it was asked with."""
    return said({"detail": {"status": status, "message": f"No: {KEY}."}}, code)


def query(asked: Asked) -> dict[str, str]:
    """The parameters behind the path."""
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}


def voice(asked: Asked) -> str:
    """The voice that is asked for."""
    return urlsplit(asked.path).path.split("/")[3]

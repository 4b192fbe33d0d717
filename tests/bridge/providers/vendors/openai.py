"""OpenAI's API as its reference documents it: transcriptions, chat completions and speech."""

from __future__ import annotations

import email
import email.policy
import io
import wave
import zlib

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "sk-test-0123456789ABCDEF"

MS_PER_LETTER = 60


class OpenAi(Vendor):
    """Hears a text that depends on the audio alone, translates by marking, and hums."""

    language = "english"

    def reply(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return said({"error": {"code": "invalid_api_key", "message": f"Incorrect: {KEY}"}}, 401)
        return {
            "/v1/audio/transcriptions": self._transcript,
            "/v1/chat/completions": self._chat,
            "/v1/audio/speech": self._speech,
        }[asked.path](asked)

    def _transcript(self, asked: Asked) -> Answer:
        sent = form(asked)
        with wave.open(io.BytesIO(sent["file"])) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
            text = f"speech {zlib.crc32(file.readframes(file.getnframes()))}"
        if sent["response_format"] == b"json":
            return said({"text": text})
        segment = {"id": 0, "text": f" {text}", "avg_logprob": -0.25, "no_speech_prob": 0.01}
        language = sent["language"].decode() if "language" in sent else self.language
        return said(
            {"task": "transcribe", "language": language, "duration": 1, "text": text, "segments": [segment]}
        )

    def _chat(self, asked: Asked) -> Answer:
        content = asked.json["messages"][-1]["content"]
        text = content[max(0, content.find("<speech>")) :].removeprefix("<speech>").removesuffix("</speech>")
        return reply(f"~{text}~")

    def _speech(self, asked: Asked) -> Answer:
        sent = asked.json
        assert sent["response_format"] == "pcm"
        samples = round(24 * MS_PER_LETTER * len(sent["input"]) / sent["speed"])
        return Answer(b"\1\2" * samples, headers={"Content-Type": "audio/pcm"})


def reply(text: str, finish: str = "stop") -> Answer:
    """A completion."""
    message = {"role": "assistant", "content": text}
    return said(
        {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
    )


def form(asked: Asked) -> dict[str, bytes]:
    """The fields of a multipart request."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
    found = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(name)] = content
    return found

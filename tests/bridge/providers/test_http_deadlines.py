"""The deadlines of each provider behind HTTP reach its connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from bridge.errors import VendorError
from bridge.types import Audio, Phrase, Speech, Utterance
from tests.bridge.providers.vendors import (
    azure,
    cosyvoice,
    deepgram,
    deepl,
    elevenlabs,
    libretranslate,
    openai,
)
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, Vendor, said

VENDORS: dict[str, type[Vendor]] = {
    "openai": openai.OpenAi,
    "deepl": deepl.DeepLApi,
    "libretranslate": libretranslate.LibreTranslateApi,
    "deepgram": deepgram.Deepgram,
    "cosyvoice": cosyvoice.CosyVoiceServer,
    "azure": azure.Azure,
    "elevenlabs": elevenlabs.ElevenLabs,
}

NAMES = pytest.mark.parametrize("name", VENDORS)


@pytest.fixture
def vendor(name: str) -> Iterator[Vendor]:
    made = VENDORS[name]()
    with made.running():
        yield made


def code(build: Build, name: str, url: str, **variables: object) -> tuple[str, float]:
    """The code of a call that fails, and the seconds it took; some ask their server as they are built."""
    start = time.monotonic()
    with pytest.raises(VendorError) as raised:
        if name in ("deepgram", "azure"):
            key, server = ("SPEECH_KEY", "SPEECH_ENDPOINT") if name == "azure" else ("API_KEY", "BASE_URL")
            engine = build("stt", name, **{key: "a-key", server: url}, **variables)
            engine.transcribe(Speech(Audio(b"\1\0" * 1_600, 16_000), "en"))
        elif name == "cosyvoice":
            engine = build("tts", name, MODE="sft", SPEAKER="one", LANGUAGES="es", BASE_URL=url, **variables)
            list(engine.synthesize(Utterance("buenas tardes", "es")))
        elif name == "elevenlabs":
            engine = build("tts", name, API_KEY="a-key", BASE_URL=url, **variables)
            list(engine.synthesize(Utterance("good evening", "en")))
        else:
            engine = build("translation", name, API_KEY="a-key", BASE_URL=url, **variables)
            engine.translate(Phrase("good evening", "en", "es"))
    return raised.value.code, time.monotonic() - start


@NAMES
def test_server_that_accepts_nobody_is_given_up_at_its_deadline(name: str, build: Build) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waits in (first, second):
            waits.setblocking(False)
            waits.connect_ex(full.getsockname())
        found, took = code(build, name, f"http://127.0.0.1:{full.getsockname()[1]}", CONNECT_MS=100)
    assert found == "timeout" and 0.1 <= took < 3


@NAMES
def test_first_byte_has_a_deadline_of_its_own(name: str, vendor: Vendor, build: Build) -> None:
    vendor.troubles = [Answer(late=True)]
    found, took = code(build, name, vendor.url, FIRST_BYTE_MS=100)
    assert found == "timeout" and 0.1 <= took < 3


@NAMES
def test_whole_answer_has_a_deadline(name: str, vendor: Vendor, build: Build) -> None:
    vendor.troubles = [Answer(b" " * 60_000_000)]
    assert code(build, name, vendor.url, TOTAL_MS=50)[0] == "timeout"


@NAMES
def test_patience_decides_whether_it_asks_again(name: str, vendor: Vendor, build: Build) -> None:
    for patience, asked in ((0, 1), (20, 3)):
        vendor.troubles = [said({}, 429, **{"Retry-After": "0.01"})] * 2
        assert code(build, name, vendor.url, PATIENCE_MS=patience)[0] == "rate_limited"
        assert len(vendor.asked) == asked
        vendor.troubles = []

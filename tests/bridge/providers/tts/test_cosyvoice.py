"""A CosyVoice server: the ways to name a voice, both forms of its samples, and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import LanguageError, ProviderError, SettingsError, VendorError
from bridge.types import Audio, Utterance
from tests.bridge.providers.vendors import cosyvoice
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

TEXT = "Guten Morgen zusammen"


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[cosyvoice.CosyVoiceServer]:
    made = cosyvoice.CosyVoiceServer()
    monkeypatch.setenv("COSYVOICE_BASE_URL", made.url)
    monkeypatch.setenv("COSYVOICE_LANGUAGES", "de,zh")
    with made.running():
        yield made


@pytest.fixture
def sft(vendor: cosyvoice.CosyVoiceServer, build: Build) -> Any:
    return build("tts", "cosyvoice", MODE="sft", SPEAKER="one")


def speak(engine: Any, voice: str | None = None, language: str = "de") -> list[Audio]:
    return list(engine.synthesize(Utterance(TEXT, language, voice)))


@pytest.mark.parametrize(
    ("mode", "variables", "sent"),
    [
        ("sft", {"SPEAKER": "two"}, {"spk_id": b"two"}),
        ("zero_shot", {"PROMPT_TEXT": "hello there"}, {"prompt_text": b"hello there"}),
        ("cross_lingual", {}, {}),
        ("instruct2", {"INSTRUCTION": "speak softly"}, {"instruct_text": b"speak softly"}),
    ],
)
def test_each_mode_sends_the_fields_of_its_path(
    mode: str,
    variables: dict[str, str],
    sent: dict[str, bytes],
    vendor: cosyvoice.CosyVoiceServer,
    build: Build,
    tmp_path: Path,
) -> None:
    recording = cosyvoice.recording(tmp_path)
    pieces = speak(build("tts", "cosyvoice", MODE=mode, PROMPT_WAV=recording, **variables))
    assert sum(piece.ms for piece in pieces) == cosyvoice.MS_PER_LETTER * len(TEXT)
    assert len(pieces) > 1 and {piece.rate for piece in pieces} == {24_000}
    (asked,) = vendor.asked
    assert asked.path == f"/inference_{mode}"
    voice = {} if mode == "sft" else {"prompt_wav": recording.read_bytes()}
    assert cosyvoice.fields(asked) == {"tts_text": TEXT.encode(), **sent, **voice}


def test_segment_may_name_another_speaker_where_the_model_has_some(
    sft: Any, vendor: cosyvoice.CosyVoiceServer, build: Build, tmp_path: Path
) -> None:
    speak(sft, "two")
    assert cosyvoice.fields(vendor.asked[0])["spk_id"] == b"two"
    borrowed = build("tts", "cosyvoice", MODE="cross_lingual", PROMPT_WAV=cosyvoice.recording(tmp_path))
    with pytest.raises(ProviderError, match="no voice 'two'") as raised:
        speak(borrowed, "two")
    assert "COSYVOICE_MODE=sft" in raised.value.hint


def test_floats_of_a_server_with_stream_are_the_same_speech(
    sft: Any, vendor: cosyvoice.CosyVoiceServer, build: Build
) -> None:
    shorts = b"".join(piece.pcm for piece in speak(sft))
    streamed = build("tts", "cosyvoice", BASE_URL=f"{vendor.url}/stream", FORMAT="float32", RATE=22_050)
    pieces = speak(streamed)
    assert vendor.asked[-1].path == "/stream/inference_sft" and {piece.rate for piece in pieces} == {22_050}
    floats = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2")
    assert np.abs(floats - np.frombuffer(shorts, "<i2")).max() <= 1


@pytest.mark.parametrize(
    "body",
    [
        (np.sin(np.arange(9_000)) * 9_000).astype("<i2").tobytes(),
        np.full(900, np.nan, "<f4").tobytes(),
        b"",
        b"\1\2\3",
    ],
)
def test_samples_of_another_form_are_a_bad_answer_and_no_noise(
    body: bytes, vendor: cosyvoice.CosyVoiceServer, build: Build
) -> None:
    vendor.troubles = [Answer(body)]
    with pytest.raises(VendorError) as raised:
        speak(build("tts", "cosyvoice", MODE="sft", SPEAKER="one", FORMAT="float32"))
    assert raised.value.code == "bad_answer"


def test_languages_are_those_of_the_model_unless_others_are_named(build: Build) -> None:
    assert {"zh", "en", "en-GB", "ja", "ko", "yue"} <= build(
        "tts", "cosyvoice", MODE="sft", SPEAKER="one"
    ).languages()
    own = build("tts", "cosyvoice", LANGUAGES="de")
    assert own.languages() == {"de"}
    with pytest.raises(LanguageError, match="zh") as raised:
        speak(own, language="zh")
    assert "COSYVOICE_LANGUAGES" in raised.value.hint


@pytest.mark.parametrize(
    ("variables", "lacking"),
    [
        ({"MODE": "sft"}, "COSYVOICE_SPEAKER"),
        ({}, "COSYVOICE_PROMPT_WAV"),
        ({"MODE": "zero_shot", "PROMPT_WAV": "prompt.wav"}, "COSYVOICE_PROMPT_TEXT"),
        ({"MODE": "instruct2", "PROMPT_WAV": "prompt.wav"}, "COSYVOICE_INSTRUCTION"),
        ({"PROMPT_WAV": "nowhere.wav"}, "COSYVOICE_PROMPT_WAV=nowhere.wav"),
        ({"PROMPT_WAV": "words.txt"}, "COSYVOICE_PROMPT_WAV=words.txt"),
    ],
)
def test_voice_that_is_not_named_is_told_at_start(
    variables: dict[str, str], lacking: str, build: Build, tmp_path: Path
) -> None:
    cosyvoice.recording(tmp_path)  # the current folder
    (tmp_path / "words.txt").write_text("no recording")
    with pytest.raises(SettingsError, match=lacking) as raised:
        build("tts", "cosyvoice", **variables)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said({"detail": [{"type": "missing", "loc": ["body", "spk_id"]}]}, 422), "provider_failed", False),
        (said({"detail": "Not Found"}, 404), "provider_failed", False),
        (Answer(b"Internal Server Error", 500), "unavailable", True),
        (Answer(b"Unauthorized", 401), "auth", False),
        (Answer(b"RIFF" + bytes(9_000)), "bad_answer", True),
        (Answer(b""), "bad_answer", True),
        (Answer(bytes(48_000), breaks=9_600), "unavailable", True),
    ],
)
def test_each_trouble_has_its_code(
    answer: Answer, code: str, retryable: bool, sft: Any, vendor: cosyvoice.CosyVoiceServer
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        speak(sft)
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert TEXT not in str(raised.value)


def test_listener_who_leaves_ends_the_request(sft: Any, vendor: cosyvoice.CosyVoiceServer) -> None:
    vendor.troubles = [Answer(b"\1\2" * 500_000, pauses=9_600)]
    pieces = sft.synthesize(Utterance(TEXT, "de"))
    assert next(pieces).pcm
    pieces.close()
    vendor.free.set()
    assert vendor.broken.wait(5)

"""What servers of engines do wrong, and what becomes of it: one error with a code, and no secret in it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bridge.errors import SettingsError, VendorError
from bridge.providers import load
from bridge.providers.http import Remote
from bridge.providers.http_options import Deadlines
from bridge.types import Audio, Phrase, Speech, Stage, Utterance
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

SPOKEN = "the safe opens with nine four two"
LONG = 48_000


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAi]:
    """OpenAI's fake, to which the provider in force leads."""
    made = openai.OpenAi()
    monkeypatch.setenv("OPENAI_API_KEY", openai.KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", made.url)
    with made.running():
        yield made


def ask(stage: Stage) -> object:
    """One call of a stage of a provider that is built for it."""
    engine = load(stage, "openai")
    try:
        if stage == "stt":
            return engine.transcribe(Speech(Audio(b"\1\0" * 1_600, 16_000), "en"))
        if stage == "translation":
            return engine.translate(Phrase(SPOKEN, "en", "es"))
        return list(engine.synthesize(Utterance(SPOKEN, "es")))
    finally:
        engine.close()


STAGES = pytest.mark.parametrize("stage", ["stt", "translation", "tts"])

REFUSED = {"error": {"message": f"Your key {openai.KEY} and {SPOKEN}", "code": "some_code"}}


@STAGES
@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (401, REFUSED, "auth", False),
        (403, REFUSED, "auth", False),
        (402, REFUSED, "quota", False),
        (429, {"error": {"code": "insufficient_quota"}}, "quota", False),
        (429, REFUSED, "rate_limited", True),
        (400, REFUSED, "provider_failed", False),
        (404, "no page", "provider_failed", False),
        (500, REFUSED, "unavailable", True),
        (503, ["busy"], "unavailable", True),
        (408, REFUSED, "timeout", True),
    ],
)
def test_each_refusal_has_its_code_and_tells_neither_key_nor_words(
    stage: Stage, status: int, body: object, code: str, retryable: bool, vendor: openai.OpenAi
) -> None:
    vendor.troubles = [said(body, status)] * 2
    with pytest.raises(VendorError) as raised:
        ask(stage)
    error = raised.value
    assert (error.code, error.retryable) == (code, retryable)
    assert error.hint
    assert openai.KEY not in str(error) and SPOKEN not in str(error)
    assert f"HTTP {status}" in str(error)


@STAGES
def test_wrong_key_is_told_by_the_variable_that_holds_it(
    stage: Stage, vendor: openai.OpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(VendorError, match="OPENAI_API_KEY") as raised:
        ask(stage)
    assert raised.value.code == "auth"
    assert "sk-wrong" not in str(raised.value)


@pytest.mark.parametrize("key", ["sk-two words", "sk-ümlaut", "sk\nX-Evil: 1"])
def test_key_that_cannot_be_one_is_refused_at_start_unseen(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPL_API_KEY", key)
    with pytest.raises(SettingsError, match="DEEPL_API_KEY") as raised:
        load("translation", "deepl")
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("stage", "name", "variable"),
    [
        ("translation", "openai", "OPENAI_API_KEY"),
        ("translation", "deepl", "DEEPL_API_KEY"),
        ("stt", "deepgram", "DEEPGRAM_API_KEY"),
        ("stt", "azure", "AZURE_SPEECH_KEY"),
        ("tts", "azure", "AZURE_SPEECH_KEY"),
        ("tts", "elevenlabs", "ELEVENLABS_API_KEY"),
    ],
)
def test_missing_key_is_told_at_start(stage: Stage, name: str, variable: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is not set"):
        load(stage, name)


@STAGES
def test_garbage_is_a_bad_answer(stage: Stage, vendor: openai.OpenAi) -> None:
    for body in (b"<html>hello</html>", b"", b'["list"]' if stage != "tts" else b"RIFF0000WAVE"):
        vendor.troubles = [Answer(body)]
        with pytest.raises(VendorError) as raised:
            ask(stage)
        assert raised.value.code == "bad_answer"


@STAGES
def test_first_byte_that_does_not_come_is_given_up_at_its_deadline(
    stage: Stage, vendor: openai.OpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_FIRST_BYTE_MS", "100")
    vendor.troubles = [Answer(late=True)]
    start = time.monotonic()
    with pytest.raises(VendorError) as raised:
        ask(stage)
    assert 0.1 <= time.monotonic() - start < 3
    assert (raised.value.code, raised.value.retryable) == ("timeout", True)


def test_answer_that_goes_on_for_too_long_is_given_up(vendor: openai.OpenAi, build: Build) -> None:
    spoken = build("tts", "openai", TOTAL_MS=500).synthesize(Utterance(SPOKEN, "es"))
    assert next(spoken).ms > 0
    time.sleep(0.55)
    with pytest.raises(VendorError) as raised:
        list(spoken)
    assert raised.value.code == "timeout"


@STAGES
def test_stream_that_breaks_is_told_after_what_was_heard(
    stage: Stage, vendor: openai.OpenAi, build: Build
) -> None:
    vendor.troubles = [Answer(b"\1\2" * LONG, breaks=9_600)]
    heard = []
    with pytest.raises(VendorError) as raised:
        if stage == "tts":
            for piece in build("tts", "openai").synthesize(Utterance(SPOKEN, "es")):
                heard.append(piece)
        else:
            ask(stage)
    assert (raised.value.code, raised.value.retryable) == ("unavailable", True)
    assert sum(piece.samples for piece in heard) == (4_800 if stage == "tts" else 0)


def test_speech_is_heard_while_the_rest_is_still_made(vendor: openai.OpenAi, build: Build) -> None:
    vendor.troubles = [Answer(b"\1\2" * LONG, pauses=4_800)]
    spoken = build("tts", "openai").synthesize(Utterance(SPOKEN, "es"))
    assert next(spoken).samples == 2_400
    assert not vendor.free.is_set()
    vendor.free.set()
    assert sum(piece.samples for piece in spoken) == LONG - 2_400


def test_sample_that_is_cut_in_two_pieces_is_whole(vendor: openai.OpenAi, build: Build) -> None:
    sound = bytes(range(256)) * 100
    vendor.troubles = [Answer(sound, piece=4_801, pauses=4_801)]
    spoken = build("tts", "openai").synthesize(Utterance(SPOKEN, "es"))
    first = next(spoken)
    vendor.free.set()
    assert first.samples == 2_400
    assert first.pcm + b"".join(piece.pcm for piece in spoken) == sound


def test_iterator_that_is_closed_early_closes_the_connection(vendor: openai.OpenAi, build: Build) -> None:
    vendor.troubles = [Answer(b"\1\2" * 4_000_000)]
    spoken = build("tts", "openai").synthesize(Utterance(SPOKEN, "es"))
    next(spoken)
    assert not vendor.broken.is_set()
    spoken.close()
    assert vendor.broken.wait(1.5)


def test_server_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(VendorError) as raised:
            ask("stt")
    assert (raised.value.code, raised.value.retryable) == ("unavailable", True)


def remote(vendor: openai.OpenAi, slept: list[float], patience: int) -> Remote:
    limits = Deadlines(connect=1_000, first_byte=1_000, total=2_000, patience=patience)
    headers = {"Authorization": f"Bearer {openai.KEY}"}
    return Remote("It", vendor.url, headers, limits, key_variable="KEY", sleep=slept.append)


def chat(of: Remote) -> object:
    return of.json("/v1/chat/completions", json={"messages": [{"content": "hello"}]})


def test_short_wait_that_the_server_asks_for_is_waited_once(vendor: openai.OpenAi) -> None:
    slept: list[float] = []
    made = remote(vendor, slept, patience=2_000)
    vendor.troubles = [said({}, 429, **{"Retry-After": "2"})]
    assert chat(made)
    vendor.troubles = [said({}, 429, **{"Retry-After": "1"})] * 2
    with pytest.raises(VendorError) as raised:
        chat(made)
    assert slept == [2.0, 1.0]
    assert raised.value.retry_after_ms == 1_000
    made.close()


def test_longer_wait_fails_at_once_and_says_how_long(
    vendor: openai.OpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_PATIENCE_MS", "10")
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    for said_to_wait in ("60", later):
        vendor.troubles = [said({}, 429, **{"Retry-After": said_to_wait})]
        with pytest.raises(VendorError) as raised:
            ask("translation")
        assert 55_000 < (raised.value.retry_after_ms or 0) <= 60_000
    assert len(vendor.asked) == 2

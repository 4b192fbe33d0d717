"""What vendors charge: figures with a source, of providers that exist."""

from __future__ import annotations

from datetime import date

import pytest

from bridge.prices import CHARACTERS, SECONDS, Price, listed, per_minute, price
from bridge.providers import billed, row

ENTRIES = {f"{entry.stage}-{entry.provider}-{entry.model}": entry for entry in listed()}


def test_each_price_is_listed_once() -> None:
    assert len(ENTRIES) == len(listed()) >= 8


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_a_price_is_of_a_vendor_that_exists_and_has_a_source_and_a_day(entry: Price) -> None:
    assert row(entry.stage, entry.provider).kind == "cloud"
    assert entry.currency == "USD" and entry.amount > 0
    assert entry.unit in (SECONDS if entry.stage == "stt" else CHARACTERS)
    assert entry.source.startswith("https://")
    assert date(2025, 1, 1) < entry.read < date(2100, 1, 1)


def test_what_it_costs_is_reckoned_by_its_unit() -> None:
    day = date(2026, 1, 1)
    hourly = Price("stt", "a", "", 3.6, "USD", "audio_hour", "https://a", day)
    textual = Price("tts", "a", "", 20, "USD", "million_characters", "https://a", day)

    assert hourly.cost(10, 999) == pytest.approx(0.01)
    assert textual.cost(999, 500) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("stage", "provider", "dollars"),
    [
        ("stt", "azure", 1 / 60),
        ("stt", "openai", 0.006),
        ("translation", "deepl", 0.0225),
        ("tts", "elevenlabs", 0.045),
        ("translation", "openai", None),
        ("tts", "espeak", None),
    ],
)
def test_a_minute_of_speech_costs_about_so_much(stage: str, provider: str, dollars: float | None) -> None:
    assert per_minute(stage, provider) == (pytest.approx(dollars) if dollars else None)  # type: ignore[arg-type]


def test_another_model_has_another_price_or_none_that_is_known() -> None:
    assert per_minute("tts", "openai", "tts-1-hd") == pytest.approx(0.027)
    assert price("tts", "openai", "gpt-4o-mini-tts") is None
    assert price("tts", "azure", "any") is not None


@pytest.mark.parametrize(
    ("stage", "provider", "variables", "model"),
    [
        ("stt", "openai", {}, "whisper-1"),
        ("tts", "openai", {"OPENAI_TTS_MODEL": "tts-1-hd"}, "tts-1-hd"),
        ("tts", "openai", {"OPENAI_BASE_URL": "http://127.0.0.1:8001"}, "nothing"),
        ("translation", "openai", {}, "gpt-4o-mini"),
        ("translation", "deepl", {"DEEPL_API_KEY": "a"}, "pro"),
        ("translation", "deepl", {"DEEPL_API_KEY": "a:fx"}, "nothing"),
        ("stt", "deepgram", {"DEEPGRAM_MODEL": "nova-2"}, "nova-2"),
        ("tts", "elevenlabs", {}, "eleven_flash_v2_5"),
        ("tts", "azure", {}, ""),
        ("tts", "espeak", {}, ""),
    ],
)
def test_what_is_billed_depends_on_model_plan_and_server(
    stage: str,
    provider: str,
    variables: dict[str, str],
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert billed(stage, provider) == model  # type: ignore[arg-type]
    free = price(stage, provider, "nothing")  # type: ignore[arg-type]
    assert free is None or not free.model

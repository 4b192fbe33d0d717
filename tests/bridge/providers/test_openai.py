"""OpenAI's API, and servers that speak it: what is asked, and what is made of the answers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from bridge.errors import LanguageError, SettingsError, VendorError
from bridge.options import origins
from bridge.providers.openai.server import OpenAiOptions
from bridge.types import Audio, Phrase, Speech, Stage, Utterance
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

AUDIO = Audio(b"\1\0" * 1_600, 16_000)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAi]:
    made = openai.OpenAi()
    monkeypatch.setenv("OPENAI_API_KEY", openai.KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", made.url)
    with made.running():
        yield made


def test_transcript_has_the_language_and_the_probability_of_its_words(
    vendor: openai.OpenAi, build: Build
) -> None:
    vendor.language = "spanish"
    found = build("stt", "openai", STT_MODEL="whisper-9").transcribe(Speech(AUDIO))
    assert found.text.startswith("speech ") and found.language == "es"
    assert found.confidence == pytest.approx(math.exp(-0.25))
    sent = openai.form(vendor.asked[0])
    assert sent["model"] == b"whisper-9" and "language" not in sent


def test_language_out_of_the_question_is_asked_for_again_as_a_likelier_one(
    vendor: openai.OpenAi, build: Build
) -> None:
    vendor.language = "welsh"
    engine = build("stt", "openai")
    assert engine.transcribe(Speech(AUDIO, among=("en", "es"), prior="es")).language == "es"
    assert engine.transcribe(Speech(AUDIO, among=("en", "es"), prior="de")).language == "en"
    assert [openai.form(asked).get("language") for asked in vendor.asked] == [None, b"es", None, b"en"]


def test_words_heard_in_silence_are_left_out(vendor: openai.OpenAi, build: Build) -> None:
    segments = [
        {"text": " Hello.", "avg_logprob": -0.5, "no_speech_prob": 0.9},
        {"text": " Thanks for watching!", "avg_logprob": -1.5, "no_speech_prob": 0.9},
    ]
    vendor.troubles = [said({"text": "Hello. Thanks for watching!", "language": "en", "segments": segments})]
    assert build("stt", "openai").transcribe(Speech(AUDIO, "en")).text == "Hello."


def test_model_with_json_only_is_told_the_language(vendor: openai.OpenAi, build: Build) -> None:
    engine = build("stt", "openai", STT_FORMAT="json")
    assert not engine.detects
    found = engine.transcribe(Speech(AUDIO, "en"))
    assert found.text and found.confidence is None
    with pytest.raises(LanguageError, match="OPENAI_STT_FORMAT"):
        engine.transcribe(Speech(AUDIO))


@pytest.mark.parametrize("stage", ["stt", "translation", "tts"])
def test_offered_languages_can_be_named(stage: Stage, vendor: openai.OpenAi, build: Build) -> None:
    engine = build(stage, "openai", **{f"{stage.upper()}_LANGUAGES": "bo, gn"})
    offered = engine.pairs() if stage == "translation" else engine.languages()
    assert offered == ({("bo", "gn"), ("gn", "bo")} if stage == "translation" else {"bo", "gn"})


def test_translation_is_asked_for_alone_and_speech_cannot_leave_its_place(
    vendor: openai.OpenAi, build: Build
) -> None:
    engine = build("translation", "openai", TRANSLATION_MODEL="qwen")
    made = engine.translate(Phrase("good </speech> evening", "en", "pt-BR"))
    assert made.text == "~good evening~"
    sent = vendor.asked[0].json
    assert (sent["model"], sent["temperature"]) == ("qwen", 0)
    assert "from English to Portuguese (Brazil)" in sent["messages"][0]["content"]
    assert sent["messages"][1]["content"].count("</speech>") == 1


@pytest.mark.parametrize(
    "answer",
    [
        openai.reply("Certainly! Here is what I would say about this, and why, and how else: " * 2),
        openai.reply("no no no no no no no no no no"),
        openai.reply("buenas", "length"),
        openai.reply(" "),
        openai.reply("..."),
        said({"choices": []}),
        said({"choices": [{"message": {"content": None}}]}),
    ],
)
def test_reply_that_is_no_translation_is_refused(answer: Answer, vendor: openai.OpenAi, build: Build) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        build("translation", "openai").translate(Phrase("good evening", "en", "es"))
    assert raised.value.code == "bad_answer"


def test_scripts_of_other_widths_are_no_reason_for_doubt(vendor: openai.OpenAi, build: Build) -> None:
    engine = build("translation", "openai")
    text = "今天下午我们在火车站见面然后一起去市场买东西"
    made = "We will meet this afternoon at the railway station and then go shopping at the market together."
    for source, target, said_, reply in (("zh", "en", text, made), ("en", "zh", made, text)):
        vendor.troubles = [openai.reply(reply)]
        assert engine.translate(Phrase(said_, source, target)).text == reply


def test_speech_has_the_model_voice_speed_and_rate_asked_for(vendor: openai.OpenAi, build: Build) -> None:
    engine = build("tts", "openai", TTS_MODEL="kokoro", TTS_VOICE="nova", TTS_SPEED=1.5, TTS_RATE=22_050)
    pieces = list(engine.synthesize(Utterance("hola", "es", speed=2)))
    assert {piece.rate for piece in pieces} == {22_050}
    list(engine.synthesize(Utterance("hola", "es", "echo", speed=4)))
    sent = [asked.json for asked in vendor.asked]
    assert [(one["model"], one["voice"], one["speed"]) for one in sent] == [
        ("kokoro", "nova", 3.0),
        ("kokoro", "echo", 4.0),
    ]


def test_server_of_ones_own_needs_no_key(build: Build) -> None:
    build("tts", "openai", BASE_URL="http://127.0.0.1:9")
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        build("tts", "openai", BASE_URL="https://api.openai.com")


def test_key_is_masked_where_settings_are_shown(vendor: openai.OpenAi) -> None:
    shown = {origin.variable: origin.value for origin in origins(OpenAiOptions.read())}
    assert openai.KEY not in str(shown) and shown["OPENAI_API_KEY"]


def test_terms_and_what_was_said_before_stand_in_the_prompt_and_are_not_translated(
    vendor: openai.OpenAi, build: Build
) -> None:
    engine = build("translation", "openai")
    engine.translate(Phrase("good evening", "en", "es"))
    terms = (("Ada Lovelace", "Ada Lovelace"), ("machine room", "sala de máquinas"))
    before = ("We met Ada.", "She </before><speech> left.")
    made = engine.translate(Phrase("good evening", "en", "es", context=before, terms=terms))
    assert made.text == "~good evening~"
    plain, full = ([each["content"] for each in asked.json["messages"]] for asked in vendor.asked)
    assert "<before>" not in str(plain) and "Names and terms" not in str(plain)
    assert 'in Spanish: "Ada Lovelace" is "Ada Lovelace"; "machine room" is "sala de máquinas".' in full[0]
    assert full[1].splitlines()[1] == "<speech>good evening</speech>"
    assert full[1].splitlines()[0].split() == ["<before>We", "met", "Ada.", "She", "left.</before>"]

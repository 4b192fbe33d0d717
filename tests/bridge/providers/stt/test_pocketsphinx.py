"""Human speech through the real recogniser."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Protocol

import jiwer
import numpy as np
import pytest

from bridge import extras
from bridge.errors import ProviderError, ProviderMissing, SettingsError
from bridge.providers import load
from bridge.types import Audio, Speech, Stage

pytestmark = pytest.mark.provider

GRAMMAR = """#JSGF V1.0;
grammar moves;
public <move> = go (forward | backward) (one | two | ten) (meter | meters);
"""


class Engines(Protocol):
    def get(self, stage: Stage, name: str) -> Any: ...


@pytest.fixture(scope="module")
def engine(engines: Engines) -> Any:
    return engines.get("stt", "pocketsphinx")


def words(engine: Any, audio: Audio) -> str:
    text: str = engine.transcribe(Speech(audio, "en")).text
    return text


def test_a_clear_command_is_recognised_word_for_word(engine: Any, clips: dict[str, Audio]) -> None:
    transcript = engine.transcribe(Speech(clips["go_forward.wav"]))
    assert transcript.text == "go forward ten meters"
    assert transcript.language == "en"


@pytest.mark.slow  # the same clips run through the whole system in tests/e2e
def test_fewer_than_one_word_in_five_is_wrong(
    engine: Any, clips: dict[str, Audio], transcripts: dict[str, str]
) -> None:
    heard = {name: words(engine, audio) for name, audio in clips.items()}
    rate = jiwer.wer(list(transcripts.values()), [heard[name] for name in transcripts])
    print(f"word error rate {rate:.1%} over {sum(len(text.split()) for text in transcripts.values())} words")
    assert rate < 0.20
    assert not any(set(text) & set("()<>[]") for text in heard.values())


@pytest.mark.slow
def test_a_segment_is_heard_alike_whatever_was_heard_before(engine: Any, clips: dict[str, Audio]) -> None:
    """The engine tracks noise from one segment to the next: a draft would change what the final says."""
    noise = np.random.default_rng(0)
    quiet = Audio(bytes(32_000), 16_000)
    loud = Audio(noise.normal(0, 3_000, 32_000).astype("<i2").tobytes(), 16_000)
    speech = np.frombuffer(clips["go_forward.wav"].pcm, "<i2")
    speech = speech + noise.normal(0, 800, len(speech))
    noisy = Audio(speech.clip(-32_768, 32_767).astype("<i2").tobytes(), 16_000)
    heard = set()
    for before in (quiet, loud, clips["go_somewhere.wav"]):
        words(engine, before)
        heard.add(words(engine, noisy))
    assert len(heard) == 1


@pytest.mark.parametrize("samples", [0, 1, 100, 799, 800, 1_600])
def test_audio_too_short_for_a_word_gives_no_text(engine: Any, samples: int) -> None:
    assert words(engine, Audio(b"\1\0" * samples, 16_000)) == ""
    assert words(engine, Audio(b"\1\0" * samples + b"\1", 16_000)) == ""


def test_digital_silence_gives_no_text(engine: Any) -> None:
    assert words(engine, Audio(bytes(64_000), 16_000)) == ""


def test_half_a_sample_at_the_end_does_no_harm(engine: Any, clips: dict[str, Audio]) -> None:
    assert words(engine, Audio(clips["cards_001.wav"].pcm + b"\1", 16_000)) == "ten of clubs"


def test_other_sample_rate_is_refused(engine: Any) -> None:
    with pytest.raises(ProviderError, match="16000 Hz, not 8000 Hz"):
        engine.transcribe(Speech(Audio(bytes(16_000), 8_000), "en"))


def test_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ProviderMissing) as raised:
        load("stt", "pocketsphinx")
    assert raised.value.hint == extras.install("pocketsphinx")


def build(monkeypatch: pytest.MonkeyPatch, **variables: object) -> Any:
    for name, value in variables.items():
        monkeypatch.setenv(f"POCKETSPHINX_{name}", str(value))
    return load("stt", "pocketsphinx")


def test_grammar_limits_what_is_recognised(
    engine: Any, clips: dict[str, Audio], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "moves.jsgf").write_text(GRAMMAR)
    limited = build(monkeypatch, JSGF=tmp_path / "moves.jsgf")
    assert words(limited, clips["go_forward.wav"]) == "go forward ten meters"
    said = set(words(limited, clips["cards_005.wav"]).split())
    assert said <= {"go", "forward", "backward", "one", "two", "ten", "meter", "meters"}


def test_dictionary_limits_the_words(
    engine: Any, clips: dict[str, Audio], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "few.dict").write_text("ten T EH N\nof AH V\n")
    limited = build(monkeypatch, DICTIONARY=tmp_path / "few.dict")
    assert set(words(limited, clips["cards_001.wav"]).split()) <= {"ten", "of"}


def test_language_model_prefers_its_own_words(
    clips: dict[str, Audio], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lm = pytest.importorskip("pocketsphinx.lm")
    model = lm.ArpaBoLM(text="four queen of clubs\nfour queen of clubs\n", add_start=True)
    model.compute()
    with (tmp_path / "cards.arpa").open("w") as file:
        model.write(file)
    # With the whole dictionary the engine takes seconds to find that the model has few of its words.
    dictionary = tmp_path / "cards.dict"
    dictionary.write_text("for F AO R\nfour F AO R\nqueen K W IY N\nof AH V\nclubs K L AH B Z\n")
    usual = build(monkeypatch, DICTIONARY=dictionary)
    assert words(usual, clips["cards_002.wav"]) == "for queen of clubs"
    limited = build(monkeypatch, DICTIONARY=dictionary, LM=tmp_path / "cards.arpa")
    assert words(limited, clips["cards_002.wav"]) == "four queen of clubs"


def test_models_of_another_language_are_offered_as_that_language(monkeypatch: pytest.MonkeyPatch) -> None:
    import pocketsphinx

    folder = pocketsphinx.get_model_path("en-us/en-us")
    assert build(monkeypatch, HMM=folder, LANGUAGE="fr").languages() == {"fr"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("LM", None, "is no file"),
        ("JSGF", None, "is no file"),
        ("DICTIONARY", None, "is no file"),
        ("HMM", "a file", "is no folder"),
        ("LM", "hello world", "rejects"),
        ("JSGF", "#JSGF V1.0;\ngrammar g;\npublic <x> = blorptious;\n", "rejects"),
        ("DICTIONARY", "hello world\n\nthis is no dictionary\n", "holds no word"),
        ("DICTIONARY", "", "holds no word"),
    ],
)
def test_unusable_model_is_refused_by_name(
    name: str, content: str | None, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "given"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=reason) as raised:
        build(monkeypatch, **{name: path})
    assert f"POCKETSPHINX_{name}={path}" in raised.value.message
    assert raised.value.hint


def test_grammar_and_language_model_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(SettingsError, match="both set"):
        build(monkeypatch, LM=tmp_path / "x", JSGF=tmp_path / "x")


def test_unknown_language_tag_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="POCKETSPHINX_LANGUAGE=qqq"):
        build(monkeypatch, LANGUAGE="qqq")


def test_speech_that_goes_on_is_heard_word_by_word_with_the_end_of_each(
    engine: Any, clips: dict[str, Audio]
) -> None:
    pcm = clips["cards_005.wav"].pcm
    found = [engine.hear(Speech(Audio(pcm[: ms * 32], 16_000), "en")) for ms in range(1_000, 3_500, 500)]

    assert found[-1].text.startswith("eight of s")
    for heard in found:
        characters, times = heard.marks[::2], heard.marks[1::2]
        assert [heard.text[:at].rpartition(" ")[2] for at in characters] == heard.text.split()
        assert list(times) == sorted(times)
    assert 1_000 < found[-1].marks[5] < 1_200  # "spades"


def test_other_speech_is_heard_from_its_own_start(engine: Any, clips: dict[str, Audio]) -> None:
    engine.hear(Speech(Audio(clips["cards_005.wav"].pcm, 16_000), "en"))
    heard = engine.hear(Speech(clips["go_forward.wav"], "en"))
    assert heard.text.startswith("go forward ten")
    assert engine.hear(Speech(Audio(bytes(32_000), 16_000), "en")).text == ""


@pytest.mark.slow
def test_a_look_at_speech_that_goes_on_costs_what_is_new(engine: Any, clips: dict[str, Audio]) -> None:
    pcm = clips["sense_0870.wav"].pcm
    looks = []
    for end in range(1_000, len(pcm) // 32, 500):
        since = time.process_time()
        engine.hear(Speech(Audio(pcm[: end * 32], 16_000), "en"))
        looks.append((time.process_time() - since) * 1000)
    since = time.process_time()
    engine.transcribe(Speech(Audio(pcm, 16_000), "en"))
    whole = (time.process_time() - since) * 1000
    print(f"{len(looks)} looks of {max(looks[1:]):.0f} ms at most, whole {whole:.0f} ms")
    assert sum(looks[1:]) / len(looks[1:]) < whole / 4

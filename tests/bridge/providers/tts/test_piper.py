"""What Piper speaks, sentence by sentence, with networks that hum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from bridge.errors import LanguageError, ProviderError, SettingsError
from bridge.providers.tts.piper import LONGEST
from bridge.text import sentences
from bridge.types import Utterance
from tests.bridge.providers.tts.humming import HISS, TWO, Recorded, loudness, make, pitch, say

pytestmark = pytest.mark.provider


def test_sound_is_at_the_voices_own_rate(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", rate=22_050)
    pieces = say(piper())
    assert {piece.rate for piece in pieces} == {22_050}
    assert pitch(pieces) == 200


def test_double_speed_halves_the_length_of_every_sentence(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    normal, fast = (say(piper(TTS_SPEED=speed)) for speed in (1, 2))
    for slow, quick in zip(normal, fast, strict=True):
        assert quick.samples == pytest.approx(slow.samples / 2, abs=1)


def test_speed_is_relative_to_the_voices_own(pulled: Any, piper: Any, sessions: type[Recorded]) -> None:
    pulled("es_ES-davefx-medium", inference={"length_scale": 1.5})
    say(piper(TTS_SPEED=2))
    assert sessions.ran[0]["scales"][1] == pytest.approx(0.75)


def test_noise_scale_is_heard_and_else_is_the_voices_own(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    assert loudness(say(piper()), HISS) < 0.05
    assert loudness(say(piper(TTS_NOISE_SCALE=0.5)), HISS) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("speaker", "hertz"), [("", 200), ("eva", 300), ("2", 400)])
def test_speaker_is_chosen_by_name_or_number(pulled: Any, piper: Any, speaker: str, hertz: int) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    assert pitch(say(piper(TTS_SPEAKER=speaker))) == hertz


def test_speakers_without_names_are_chosen_by_number(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3, speaker_id_map={})
    assert pitch(say(piper(TTS_SPEAKER="1"))) == 300


def test_unknown_speaker_is_refused_at_construction_with_the_known_ones(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    with pytest.raises(SettingsError, match=r"TTS_SPEAKER=max .*: ana, eva, leo\."):
        piper(TTS_SPEAKER="max")


def test_speaker_for_voices_of_one_speaker_is_refused(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(SettingsError, match=r"TTS_SPEAKER=0 .*Leave it empty"):
        piper(TTS_SPEAKER="0")


@pytest.mark.parametrize(
    ("voice", "rate", "hertz"),
    [
        ("es_ES-davefx-medium", 16_000, 200),
        ("es_AR-daniela-high", 22_050, 200),
        ("es_AR-daniela-high:leo", 22_050, 400),
        ("es_AR-daniela-high:1", 22_050, 300),
    ],
)
def test_listener_may_ask_for_another_voice_of_the_language(
    pulled: Any, piper: Any, voice: str, rate: int, hertz: int
) -> None:
    pulled("es_ES-davefx-medium")
    pulled("es_AR-daniela-high", rate=22_050, speakers=3)
    pieces = say(piper(), voice=voice)
    assert (pieces[0].rate, pitch(pieces)) == (rate, hertz)


def test_speaker_alone_is_one_of_the_languages_voice(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    assert pitch(say(piper(TTS_SPEAKER="leo"), voice=":eva")) == 300


@pytest.mark.parametrize("voice", ["fr_FR-siwis-medium", "nobody", "../es_ES-davefx-medium", "es_ES-davefx-"])
def test_voice_that_is_not_of_the_language_is_refused_with_those_that_are(
    pulled: Any, piper: Any, voice: str
) -> None:
    pulled("es_ES-davefx-medium")
    pulled("es_AR-daniela-high")
    pulled("fr_FR-siwis-medium")
    with pytest.raises(ProviderError, match=r"Use one of: es_AR-daniela-high, es_ES-davefx-medium\."):
        say(piper(), voice=voice)


def test_path_of_another_file_is_no_voice(pulled: Any, piper: Any, tmp_path: Path) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(ProviderError, match="has no voice"):
        say(piper(), voice=str(make(tmp_path / "es_ES-other-low.onnx")))


def test_unknown_speaker_of_a_listener_is_refused_with_the_known_ones(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    pulled("es_AR-daniela-high")
    engine = piper()
    with pytest.raises(ProviderError, match=r"no speaker 'max'.*ana, eva, leo"):
        say(engine, voice="es_ES-davefx-medium:max")
    with pytest.raises(ProviderError, match=r"has one speaker"):
        say(engine, voice="es_AR-daniela-high:ana")


def test_language_without_a_voice_is_refused_with_those_that_have_one(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-medium")
    with pytest.raises(LanguageError, match=r"no voice for es .*fr, fr-BE, fr-CH"):
        say(piper())


def test_first_sentence_leaves_before_the_second_is_computed(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    speaking = piper().synthesize(Utterance(TWO, "es"))
    first = next(speaking)
    assert (len(sessions.ran), first.samples) == (1, sessions.ran[0]["input_lengths"][0] * 160)
    assert len(list(speaking)) == 1
    assert len(sessions.ran) == 2


LONG = "Nos vemos mañana en la estación nueva, porque el tren de los otros, que era el último, llegó tarde."


def test_the_first_clause_of_a_long_sentence_leaves_before_the_rest_is_computed(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    whole = sum(piece.samples for piece in engine.synthesize(Utterance(LONG, "es")))
    sessions.ran.clear()
    speaking = engine.synthesize(Utterance(LONG, "es", soon=True))
    first = next(speaking)

    assert len(sessions.ran) == 1
    assert first.samples < whole / 2
    assert len(list(speaking)) == 1


def test_a_sentence_that_follows_another_or_is_short_is_spoken_in_one(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    list(engine.synthesize(Utterance(LONG, "es")))
    list(engine.synthesize(Utterance("Sí, claro, mañana.", "es", soon=True)))

    assert len(sessions.ran) == 2


def test_sentences_spoken_one_by_one_sound_as_the_whole_text(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    whole = "Va de frente. ¿Dónde está? Gira a la derecha"
    parts = [say(engine, sentence) for sentence in sentences(whole, "es")]
    assert len(parts) == 3
    assert [piece for part in parts for piece in part] == say(engine, whole)


def test_closing_stops_before_the_next_sentence_and_gives_the_voice_back(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    speaking = engine.synthesize(Utterance(TWO * 10, "es"))
    next(speaking)
    engine.close()
    assert engine.resident() == ("es_ES-davefx-medium",), "a voice that speaks is not freed"
    speaking.close()
    engine.close()
    assert (len(sessions.ran), engine.resident()) == (1, ())


@pytest.mark.parametrize(
    "text",
    [
        ("La puerta está abierta, la ventana no. " * 300)[:10_000],
        ("uno dos tres, " * 800)[:10_000],
        ("palabra " * 1_300)[:10_000],
        "a" * 10_000,
    ],
    ids=["sentences", "clauses", "words", "letters"],
)
def test_ten_thousand_characters_stream_in_bounded_pieces(
    pulled: Any, piper: Any, sessions: type[Recorded], text: str
) -> None:
    pulled("es_ES-davefx-medium")
    speaking = piper().synthesize(Utterance(text, "es"))
    next(speaking)
    assert len(sessions.ran) == 1
    rest = sum(1 for _ in speaking)
    assert rest + 1 >= 10_000 / LONGEST
    # Espeak speaks a letter with two phonemes at most here, and each comes with a pad.
    assert max(int(run["input_lengths"][0]) for run in sessions.ran) < 4 * LONGEST


def letters(run: dict[str, Any]) -> str:
    """What a voice that takes letters for phonemes was given."""
    letter = {ids[0]: phoneme for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
    return "".join(letter[number] for number in run["input"][0].tolist() if letter[number] not in "_^$")


def test_long_sentence_is_cut_behind_clauses_and_loses_no_letter(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium", phoneme_type="text")
    text = ("en la casa de mi abuela, que vive lejos, " * 50).strip()
    say(piper(), text)
    spoken = [letters(run) for run in sessions.ran]
    assert " ".join(spoken) == text
    assert len(spoken) > 5 and all(part.endswith(",") for part in spoken)


@pytest.mark.parametrize(
    ("text", "between"), [("no, " + "palabra " * 100, " "), ("a" * 1_000, "")], ids=["words", "letters"]
)
def test_sentence_without_clauses_is_cut_between_words_or_letters_and_not_into_crumbs(
    pulled: Any, piper: Any, sessions: type[Recorded], text: str, between: str
) -> None:
    pulled("es_ES-davefx-medium", phoneme_type="text")
    say(piper(), text)
    spoken = [letters(run) for run in sessions.ran]
    assert between.join(spoken) == text.strip()
    assert all(LONGEST / 2 <= len(part) <= LONGEST for part in spoken[:-1])


def test_double_brackets_do_not_let_a_text_spell_phonemes(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    for text in ("[[sss]] hola", "[sss] hola", "[[[sss]]] hola"):
        say(engine, text)
    first, second, third = (run["input"].tolist() for run in sessions.ran)
    assert first == second == third


def test_marks_alone_do_no_harm(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    for text in ("...", "¿?", "😀", "\ud800", "\u200b"):
        assert all(piece.ms < 1_000 for piece in say(engine, text))
    assert say(engine, "Hola.")

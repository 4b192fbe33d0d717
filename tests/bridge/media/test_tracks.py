"""Of several sound tracks the one is heard that somebody would have chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import AudioError
from bridge.media import Track, opened
from bridge.media.tracks import choose
from tests.bridge.media.sounds import film, pitch, tone

EN = Track(1, "en", codec="aac")
ES = Track(2, "es", codec="aac", default=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """440 Hz in Spanish, and 1 kHz in English, which is the default."""
    path = tmp_path_factory.mktemp("films") / "film.mkv"
    sounds = [(tone(440, 48_000), 0.0), (tone(1_000, 48_000), 0.0)]
    return film(path, sounds, languages=["spa", "eng"], default=1)


def heard(path: Path, language: str | None = None, track: int | None = None) -> float:
    with opened(path, language, track) as recording:
        return pitch(b"".join(block.pcm for block in recording.blocks()), 16_000)


@pytest.mark.parametrize(
    ("language", "track", "hertz"),
    [
        (None, None, 1_000),
        ("auto", None, 1_000),
        ("en", None, 1_000),
        ("en-GB", None, 1_000),
        ("es", None, 440),
        ("fr", None, 1_000),
        ("en", 1, 440),
        ("es", 2, 1_000),
    ],
)
def test_number_then_language_then_default_decide(
    two: Path, language: str | None, track: int | None, hertz: float
) -> None:
    assert abs(heard(two, language, track) - hertz) < 5


def test_track_that_is_not_there_is_refused_with_those_that_are(two: Path) -> None:
    with pytest.raises(AudioError, match="has no sound track 3") as caught, opened(two, "en", 3):
        pass
    assert str(two) in caught.value.message
    assert "1 (es, opus); 2 (en, opus, default)" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("ger", "de"),
        ("deu", "de"),
        ("chi", "zh"),
        ("nob", "nb"),
        ("fre", "fr"),
        ("ara", "ar"),
        ("pt-BR", "pt"),
        ("xxx", "xxx"),
    ],
)
def test_codes_of_films_are_the_languages_of_the_command_line(said: str, tag: str) -> None:
    meant = Track(2, said, codec="aac")
    assert choose("film", [Track(1, "eng", codec="aac", default=True), meant], tag, None) is meant


def test_without_marks_the_first_is_taken() -> None:
    assert choose("film", [EN, Track(2, "en", codec="aac")], "en", None) is EN


def test_description_for_the_blind_comes_last() -> None:
    aside = Track(1, "en", codec="aac", default=True, aside=True)
    assert choose("film", [aside, Track(2, "en", codec="aac")], "en", None).number == 2


def test_what_cannot_be_decoded_is_passed_over() -> None:
    assert choose("film", [Track(1, "en"), ES], "en", None) is ES
    with pytest.raises(AudioError, match="cannot be decoded"):
        choose("film", [Track(1, "en")], "en", None)
    with pytest.raises(AudioError, match="track 1 of film is in a format"):
        choose("film", [Track(1, "en"), ES], "en", 1)

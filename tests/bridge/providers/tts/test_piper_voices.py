"""Which of Piper's voices speaks, of those on this disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge import languages
from bridge.errors import ProviderError, ProviderMissing
from bridge.models import catalogue
from bridge.providers.tts import voices
from tests.bridge.providers.tts.humming import make, say

pytestmark = pytest.mark.provider


def test_each_voice_of_the_table_is_published_for_the_language_of_its_row() -> None:
    for tag, variants in voices.TABLE.items():
        for quality, name in variants.items():
            assert catalogue.VOICE.fullmatch(name), name
            assert languages.find(name.partition("-")[0]).tag == tag
            assert name.endswith(f"-{quality}") or (quality, name[-6:]) == ("low", "-x_low") or tag == "en-GB"
    assert len(voices.TABLE) >= 30


@pytest.mark.parametrize(
    ("tag", "quality", "name"),
    [
        ("de", "high", "de_DE-thorsten-high"),
        ("es", "high", "es_ES-davefx-medium"),
        ("da", "low", "da_DK-talesyntese-medium"),
        ("kk", "medium", "kk_KZ-raya-x_low"),
    ],
)
def test_missing_quality_is_replaced_by_the_nearest(tag: str, quality: voices.Quality, name: str) -> None:
    assert voices.published(tag, quality) == name


def test_only_languages_with_a_voice_on_disk_are_offered(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    pulled("fr_FR-siwis-medium")
    assert piper().languages() == {"es", "es-419", "fr", "fr-BE", "fr-CH"}


def test_region_lends_its_voice_to_a_language_that_has_none(pulled: Any, piper: Any) -> None:
    pulled("pt_BR-faber-medium", rate=22_050)
    assert piper().languages() == {"pt", "pt-BR"}
    pulled("pt_PT-tugão-medium", rate=16_000)
    both = piper()
    assert [say(both, "Sim.", tag)[0].rate for tag in ("pt", "pt-BR")] == [16_000, 22_050]


def test_no_voice_at_all_is_told_with_the_command_that_gets_one(pulled: Any, piper: Any) -> None:
    with pytest.raises(ProviderMissing, match=r"speechbridge models pull piper es_ES-davefx-medium"):
        piper()


def test_quality_chooses_among_the_voices_on_disk(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-low", rate=16_000)
    pulled("fr_FR-siwis-medium", rate=22_050)
    rates = [say(piper(TTS_QUALITY=quality), "Oui.", "fr")[0].rate for quality in ("low", "medium", "high")]
    assert rates == [16_000, 22_050, 22_050]


def test_named_voices_and_paths_stand_for_their_languages(pulled: Any, piper: Any, tmp_path: Path) -> None:
    pulled("es_ES-davefx-medium", rate=22_050)
    pulled("en_US-ryan-low", rate=16_000)
    own = make(tmp_path / "mine.onnx", language={}, espeak={"voice": "es"}, rate=24_000)
    engine = piper(TTS_MODEL=f"{own}, en_US-ryan-low")
    assert (say(engine)[0].rate, say(engine, "Yes.", "en")[0].rate) == (24_000, 16_000)
    assert say(engine, voice="es_ES-davefx-medium")[0].rate == 22_050


def test_named_voice_that_was_not_pulled_is_told_with_the_command(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(ProviderMissing, match=r"models pull piper en_US-lessac-low"):
        piper(TTS_MODEL="en_US-lessac-low")


def test_voice_without_its_description_is_refused_by_the_missing_file(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "es_ES-mine-low.onnx")
    Path(f"{voice}.json").unlink()
    with pytest.raises(ProviderMissing, match=r"lacks .*es_ES-mine-low\.onnx\.json"):
        piper(TTS_MODEL=voice)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "AttributeError"),
        ('{"num_speakers": 1, "espeak": {"voice": "xx"}}', "no language that is known, of xx, zz_ZZ"),
    ],
)
def test_description_that_cannot_be_used_is_refused(
    piper: Any, tmp_path: Path, content: str, said: str
) -> None:
    voice = make(tmp_path / "zz_ZZ-mine-low.onnx")
    Path(f"{voice}.json").write_text(content)
    with pytest.raises(ProviderError, match=said):
        piper(TTS_MODEL=voice)


def test_voice_that_would_fetch_its_phonemizer_is_refused(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "zh_CN-mine-medium.onnx", phoneme_type="pinyin")
    with pytest.raises(ProviderError, match=r"phonemizer 'pinyin'"):
        piper(TTS_MODEL=voice)


def test_damaged_voice_in_the_library_leaves_the_others_usable(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-medium")
    Path(f"{pulled('es_ES-davefx-medium')}.json").unlink()
    assert "es" not in piper().languages()


def test_damaged_network_is_refused_at_construction_by_its_path(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "es_ES-mine-low.onnx")
    voice.write_bytes(b"not a network")
    with pytest.raises(ProviderError, match=r"es_ES-mine-low\.onnx cannot be loaded"):
        piper(TTS_MODEL=voice)

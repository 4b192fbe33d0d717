"""What every row of the table promises, whichever engine is behind it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest

from bridge import languages
from bridge.errors import LanguageError, SettingsError
from bridge.options import Options
from bridge.providers import TABLE, Row, load, row
from bridge.types import SAMPLE_BYTES, Audio, Phrase, Speech, Stage, Utterance
from tests.bridge.providers.vendors import xtts
from tests.bridge.providers.vendors.fixtures import vendors as vendors
from tests.models.fixtures import tiny_kokoro as tiny_kokoro
from tests.models.fixtures import tiny_nllb as tiny_nllb
from tests.models.fixtures import tiny_piper as tiny_piper
from tests.models.fixtures import tiny_whisper as tiny_whisper

pytestmark = pytest.mark.provider

REPOSITORY = Path(__file__).parents[3]

METHODS = {
    "stt": ("languages", "transcribe", "resident", "close"),
    "translation": ("pairs", "translate", "resident", "close"),
    "tts": ("languages", "synthesize", "resident", "close"),
}

ELSEWHERE = {"stt": "ltg", "translation": "bo", "tts": "bo"}
"""A language that no engine of the stage has with the models of these tests."""

ONE_SPEED = frozenset(("cosyvoice",))
"""Engines that cannot be asked for another speed."""

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.stage}-{row.name}")


class Engines(Protocol):
    def get(self, stage: Stage, name: str) -> Any: ...


@pytest.fixture(autouse=True)
def _small_models(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tiny_whisper: Path,
    tiny_nllb: Path,
    tiny_piper: Path,
    tiny_kokoro: Path,
    vendors: dict[str, dict[str, str]],
) -> None:
    """Lets the engines that need a model find one of tests/models, and those of a vendor its fake."""
    models = {
        "faster_whisper": ("STT_MODEL_SIZE", tiny_whisper),
        "nllb": ("TRANSLATION_MODEL", tiny_nllb / "ct2"),
        "nllb-transformers": ("TRANSLATION_MODEL", tiny_nllb / "hf"),
        "piper": ("TTS_MODEL", tiny_piper / "es_ES-tiny-low.onnx"),
        "kokoro": ("KOKORO_MODEL", tiny_kokoro),
    }
    of = request.node.callspec.params.get("row") if hasattr(request.node, "callspec") else None
    if of and of.name in models:
        variable, path = models[of.name]
        monkeypatch.setenv(variable, str(path))
    if of and of.name == "coqui":
        xtts.install(monkeypatch)
    for variable, value in vendors.get(of.name, {}).items() if of else ():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def engine(request: pytest.FixtureRequest, _small_models: None, engines: Engines) -> Any:
    """The engine of the test's row."""
    row = request.node.callspec.params["row"]
    return engines.get(row.stage, row.name)


def call(stage: Stage, engine: Any, clip: Audio, text: str, **other: str | None) -> Any:
    """One call with the defaults English to Spanish; of speech only the number of 100 ms is compared."""
    if stage == "stt":
        return engine.transcribe(Speech(clip, other.get("language", "en")))
    if stage == "translation":
        return engine.translate(Phrase(text, "en", other.get("language") or "es"))
    spoken = engine.synthesize(Utterance(text, other.get("language") or "es", other.get("voice")))
    return round(sum(piece.ms for piece in spoken) / 100)


def start(clip: Audio) -> Audio:
    """The first 0.8 s, in which a word is said."""
    return Audio(clip.pcm[: clip.rate * SAMPLE_BYTES * 8 // 10], clip.rate)


@ROWS
def test_provider_has_the_methods_of_its_stage(row: Row, engine: Any) -> None:
    assert all(callable(getattr(engine, method, None)) for method in METHODS[row.stage])
    assert all(isinstance(name, str) for name in engine.resident())
    if row.stage == "stt":
        assert isinstance(engine.detects, bool)


@ROWS
def test_every_option_carries_the_name_of_its_provider_or_stage_and_one_sentence(row: Row) -> None:
    options = row.cls().Options
    assert issubclass(options, Options)
    for name, field in options.model_fields.items():
        assert name.startswith((f"{row.name}_", f"{row.stage}_", "ort_", "onnx_", "use_onnx"))
        assert field.description and field.description.endswith(".")


@ROWS
def test_languages_are_tags_of_the_table(row: Row, engine: Any) -> None:
    offered = engine.pairs() if row.stage == "translation" else engine.languages()
    assert isinstance(offered, frozenset) and offered
    tags = {tag for pair in offered for tag in pair} if row.stage == "translation" else offered
    assert all(languages.find(tag).tag == tag for tag in tags)
    if row.stage == "translation":
        assert all(source != target for source, target in offered)


@pytest.mark.parametrize("row", [row for row in TABLE if row.stage == "stt"], ids=lambda row: row.name)
def test_of_two_languages_one_is_found_by_every_engine_that_detects(
    row: Row, engine: Any, clips: dict[str, Audio]
) -> None:
    assert engine.detects == (row.name in ("deepgram", "faster_whisper", "openai", "simulated"))
    if not engine.detects:
        return
    for two, prior in ((("de", "fr"), None), (("en", "es"), "es"), (("en", "es"), "ca")):
        found = engine.transcribe(Speech(start(clips["cards_001.wav"]), among=two, prior=prior))
        assert found.language in two or not found.text


@ROWS
def test_nothing_in_gives_nothing_out(row: Row, engine: Any) -> None:
    for text in ("", "  \n", "\0"):
        if row.stage == "tts":
            assert list(engine.synthesize(Utterance(text, "es"))) == []
        else:
            assert call(row.stage, engine, Audio(b"", 16_000), text).text == ""


@pytest.mark.parametrize("row", [row for row in TABLE if row.stage == "tts"], ids=lambda row: row.name)
def test_every_voice_speaks_as_much_faster_as_it_is_asked_to(row: Row, engine: Any) -> None:
    text = "Mañana por la mañana nos vemos en la estación de trenes, y después vamos al mercado."

    def seconds(speed: float) -> float:
        pieces = engine.synthesize(Utterance(text, "es", speed=speed))
        return sum(piece.ms for piece in pieces) / 1000  # type: ignore[no-any-return]

    faster = 1.0 if row.name in ONE_SPEED else 1.25
    assert seconds(1.0) / seconds(1.25) == pytest.approx(faster, abs=0.06)


@ROWS
def test_four_threads_get_what_one_gets(row: Row, engine: Any, clips: dict[str, Audio]) -> None:
    inputs = [
        (start(clips[f"cards_00{i}.wav"]), text)
        for i, text in enumerate(("one", "two cats", "a long day"), 1)
    ]
    alone = [call(row.stage, engine, *values) for values in inputs]
    expected = [*alone, alone[0]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda values: call(row.stage, engine, *values), [*inputs, inputs[0]]))
    if row.stage == "tts":  # espeak varies by some samples from call to call
        assert all(abs(a - b) <= 1 for a, b in zip(together, expected, strict=True))
    else:
        assert together == expected


@ROWS
def test_other_language_is_refused_by_its_name(row: Row, engine: Any, clips: dict[str, Audio]) -> None:
    language = ELSEWHERE[row.stage]
    with pytest.raises(LanguageError, match=language) as raised:
        call(row.stage, engine, clips["cards_001.wav"], "hello", language=language)
    assert raised.value.hint


@ROWS
@pytest.mark.usefixtures("engine")  # skips where it is not installed
def test_closed_provider_can_be_built_again(row: Row, clips: dict[str, Audio]) -> None:
    for _ in range(2):
        made = load(row.stage, row.name)
        assert call(row.stage, made, start(clips["cards_001.wav"]), "hello")
        made.close()


def test_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"TTS_PROVIDER=espeek.*espeak, .*simulated"):
        row("tts", "espeek")


def test_reading_the_table_imports_no_engine_and_no_part_of_the_server() -> None:
    code = (
        "import sys; from bridge.providers import option_classes; option_classes();"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "print(*sorted(loaded & {'pocketsphinx', 'espeakng_loader', 'faster_whisper', 'ctranslate2', 'torch',"
        " 'transformers', 'piper', 'kokoro_onnx', 'phonemizer', 'pyttsx3', 'TTS',"
        " 'onnxruntime', 'av', 'celery', 'redis', 'fastapi', 'httpx'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []

"""What a worker gives its engine besides work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge.glossary import Glossary
from bridge.providers.simulated import SimulatedOptions, SimulatedSynthesizer, SimulatedTranslator
from bridge.settings import Settings
from bridge.store.cache import Cache
from bridge.tasks.boot import engine_of, equipped, record
from bridge.topology import WorkerEntry
from bridge.types import Phrase

pytestmark = pytest.mark.redis

HELLO = Phrase("hello ada", "en", "es")


@pytest.fixture
def cache(settings: Settings) -> Iterator[Cache]:
    with closing(Cache(settings.redis_url)) as made:
        yield made


def test_a_worker_gives_its_engine_the_terms_of_the_file_that_is_named(
    settings: Settings, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terms.toml").write_text('[en.es]\nada = "Ada L."\n')
    engine = SimulatedTranslator(SimulatedOptions.read(simulated_translation_ms="1"))
    plain = equipped("translation", engine, cache, Glossary.of(Settings.read().glossary), settings)
    monkeypatch.setenv("GLOSSARY", str(tmp_path / "terms.toml"))
    named = equipped("translation", engine, cache, Glossary.of(Settings.read().glossary), settings)
    assert "hello ada" in plain.translate(HELLO).text
    assert "hello Ada L." in named.translate(HELLO).text


@pytest.mark.provider
def test_each_engine_of_a_list_has_the_terms(
    settings: Settings, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terms.toml").write_text('[en]\nkeep = ["Rose Baker"]\n')
    monkeypatch.setenv("SIMULATED_TRANSLATION_MS", "1")
    both = engine_of("translation", "apertium,simulated", settings, cache, Glossary(tmp_path / "terms.toml"))
    with closing(both):
        by_apertium = both.translate(Phrase("I saw rose baker.", "en", "es")).text
        by_the_next = both.translate(Phrase("I saw rose baker.", "en", "de")).text
    assert by_apertium == "Vi Rose Baker."
    assert "I saw Rose Baker." in by_the_next


def test_a_voice_is_as_it_is(settings: Settings, cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text('[en.es]\nada = "Ada L."\n')
    engine = SimulatedSynthesizer(SimulatedOptions.read())
    assert equipped("tts", engine, cache, Glossary(tmp_path / "terms.toml"), settings) is engine


def test_a_worker_tells_the_gateway_what_its_engine_makes_use_of(
    settings: Settings, cache: Cache, tmp_path: Path
) -> None:
    (tmp_path / "terms.toml").write_text("")

    class Reader(SimulatedTranslator):
        advice = frozenset(("context", "terms"))

    def told(make: Callable[[SimulatedOptions], SimulatedTranslator]) -> tuple[str, ...]:
        glossary = Glossary(tmp_path / "terms.toml")
        engine = equipped("translation", make(SimulatedOptions.read()), cache, glossary, settings)
        return record(WorkerEntry("words", "translation", "cpu0"), "words-0", "simulated", engine).advice

    assert told(Reader) == ("context", "terms")
    assert told(SimulatedTranslator) == ()

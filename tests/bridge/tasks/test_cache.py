"""Translations that were made before, with real Redis, the real small NLLB and a real worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import ProviderError
from bridge.glossary import Glossary
from bridge.providers import share
from bridge.providers.translation.apertium import Apertium
from bridge.providers.translation.glossed import glossed
from bridge.providers.translation.nllb import Nllb
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.settings import Settings
from bridge.store.cache import Cache
from bridge.store.registry import Registry
from bridge.tasks.cache import Cacheable, CachedTranslator, cached
from bridge.tasks.translation import translate
from bridge.topology import load
from bridge.types import Event, Phrase, Translation, Work
from tests.bridge.metrics.grown import Grown
from tests.bridge.rooms import Room
from tests.models.fixtures import tiny_nllb as tiny_nllb
from tests.stack import Processes, as_gateway, wait_until

pytestmark = pytest.mark.redis

HELLO = Phrase("hello", "en", "es")


class Engine:
    """A translator that counts, and fails on demand."""

    Options = NllbOptions

    def __init__(self, fingerprint: str = "engine 1") -> None:
        self.asked: list[Phrase] = []
        self.error: ProviderError | None = None
        self._fingerprint = fingerprint

    def fingerprint(self) -> str:
        return self._fingerprint

    def translate(self, phrase: Phrase) -> Translation:
        self.asked.append(phrase)
        if self.error:
            raise self.error
        return Translation(f"{phrase.target}: {phrase.text} ñ", 0.25)

    def share(self, lengths: Sequence[int]) -> float:
        return 1 / sum(lengths)

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "es")})

    def resident(self) -> tuple[str, ...]:
        return ("small",)

    def close(self) -> None:
        self.asked.clear()


@pytest.fixture
def cache(settings: Settings) -> Iterator[Cache]:
    made = Cache(settings.redis_url)
    yield made
    made.close()


def test_the_same_phrase_is_translated_once_by_all_workers(cache: Cache, settings: Settings) -> None:
    first, second, grown = Engine(), Engine(), Grown()
    made = cached(first, cache, settings).translate(HELLO)
    again = cached(second, cache, settings).translate(HELLO)

    assert made == again == Translation("es: hello ñ", 0.25)
    assert (len(first.asked), len(second.asked)) == (1, 0)
    assert cache.recalled() == (1, 1)
    assert [grown("bridge_cache_requests_total", outcome=each) for each in ("hit", "miss")] == [1, 1]


@pytest.mark.parametrize(
    ("fingerprint", "phrase"),
    [
        ("engine 2", HELLO),
        ("engine 1", Phrase("Hello", "en", "es")),
        ("engine 1", Phrase("hello", "en", "ca")),
        ("engine 1", Phrase("hello", "fr", "es")),
    ],
)
def test_whatever_changes_the_answer_is_another_entry(
    cache: Cache, settings: Settings, fingerprint: str, phrase: Phrase
) -> None:
    cached(Engine(), cache, settings).translate(HELLO)
    other = Engine(fingerprint)
    cached(other, cache, settings).translate(phrase)
    assert other.asked == [phrase]


def test_an_error_is_not_kept(cache: Cache, settings: Settings) -> None:
    engine = Engine()
    engine.error = ProviderError("no")
    translator = cached(engine, cache, settings)
    with pytest.raises(ProviderError):
        translator.translate(HELLO)
    engine.error = None
    assert translator.translate(HELLO).text == "es: hello ñ"


def test_what_was_made_in_haste_is_not_kept_and_what_is_kept_serves_haste_too(
    cache: Cache, settings: Settings
) -> None:
    engine = Engine()
    translator = cached(engine, cache, settings)
    for quick in (True, False, True):
        translator.translate(Phrase("hello", "en", "es", quick))
    assert [phrase.quick for phrase in engine.asked] == [True, False]


def test_no_more_than_its_size_is_kept_and_the_oldest_go_first(cache: Cache, settings: Settings) -> None:
    engine = Engine()
    translator = cached(engine, cache, settings.model_copy(update={"cache_size": 3}))
    for number in range(5):
        translator.translate(Phrase(str(number), "en", "es"))
    assert len(cache.client.keys("cache:*")) == cache.client.zcard("cached") == 3

    engine.asked.clear()
    for number in (2, 3, 4):
        translator.translate(Phrase(str(number), "en", "es"))
    assert engine.asked == []
    translator.translate(Phrase("0", "en", "es"))
    assert len(engine.asked) == 1


def test_an_entry_goes_after_its_time(cache: Cache, settings: Settings) -> None:
    translator = cached(Engine(), cache, settings.model_copy(update={"cache_ttl_seconds": 100}))
    translator.translate(HELLO)
    keys: Any = cache.client.keys("cache:*")
    assert 99_000 < cache.client.pttl(keys[0]) <= 100_000


def test_redis_holds_no_text_but_that_of_the_translation(cache: Cache, settings: Settings) -> None:
    cached(Engine(), cache, settings).translate(Phrase("secret", "en", "es"))
    assert all(b"secret" not in key for key in cache.client.keys("*"))


def test_the_cache_can_be_off_and_leaves_fast_engines_alone(cache: Cache, settings: Settings) -> None:
    engine = Engine()
    assert cached(engine, cache, settings.model_copy(update={"cache_enabled": False})) is engine
    assert isinstance(cached(engine, cache, settings), CachedTranslator)
    assert not issubclass(Apertium, Cacheable)


def test_another_context_or_other_terms_are_another_phrase_to_an_engine_that_takes_them(
    cache: Cache, settings: Settings
) -> None:
    engine: Any = Engine()
    engine.advice = frozenset(("terms", "context"))
    translator = cached(engine, cache, settings)
    said = replace(HELLO, context=("Good evening.",))
    named = replace(HELLO, terms=(("hello", "buenas"),))
    for phrase in (HELLO, said, named, replace(named, terms=(("hello", "muy buenas"),))) * 2:
        translator.translate(phrase)
    assert len(engine.asked) == 4


def test_context_and_terms_that_an_engine_does_not_take_make_no_difference(
    cache: Cache, settings: Settings
) -> None:
    engine = Engine()
    translator = cached(engine, cache, settings)
    for context in ((), ("Good evening.",)):
        translator.translate(replace(HELLO, context=context))
    assert len(engine.asked) == 1


def test_a_kept_translation_holds_the_terms_that_the_glossary_has_now(
    cache: Cache, settings: Settings, tmp_path: Path
) -> None:
    engine = Engine()
    made = []
    for called in ("Ada", "Ada L."):
        path = tmp_path / f"{called}.toml"
        path.write_text(f'[en.es]\nada = "{called}"\n')
        made.append(glossed(cached(engine, cache, settings), Glossary(path)))
    phrase = replace(HELLO, text="hello ada")
    found = [translator.translate(phrase).text for translator in (*made, *made)]
    assert found == ["es: hello Ada ñ", "es: hello Ada L. ñ"] * 2
    assert len(engine.asked) == 1


def test_all_but_translate_is_the_engines(cache: Cache, settings: Settings) -> None:
    engine = Engine()
    translator = cached(engine, cache, settings)
    translator.translate(HELLO)
    assert (translator.pairs(), translator.resident()) == (engine.pairs(), engine.resident())
    assert share(translator, [1, 3]) == share(engine, [1, 3]) == 0.25
    assert translator.Options is NllbOptions
    translator.close()
    assert engine.asked == []


def test_a_translation_is_made_while_redis_serves_no_cache(cache: Cache, settings: Settings) -> None:
    engine = Engine()
    translator = cached(engine, cache, settings)
    cache.client.config_set("maxmemory", "1")
    try:
        with capture_logs() as lines:
            assert translator.translate(HELLO).text == "es: hello ñ"
    finally:
        cache.client.config_set("maxmemory", "0")
    assert {line["event"] for line in lines} == {"translation cache not used"}


def test_a_closing_worker_does_not_fail_for_a_redis_that_is_gone(settings: Settings) -> None:
    engine = Engine()
    gone = Cache("redis://127.0.0.1:1/0")
    CachedTranslator(engine, "", gone, settings).close()
    gone.close()


def test_what_changes_an_answer_changes_the_fingerprint_of_nllb(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def of(**options: Any) -> str:
        given: dict[str, Any] = {"translation_model": str(tiny_nllb / "ct2"), "translation_threads": 1}
        provider = Nllb(NllbOptions(**given | options))
        provider.close()
        return provider.fingerprint()

    for file in (tiny_nllb / "ct2").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    seen = [
        of(),
        of(translation_num_beams=2),
        of(translation_max_length=60),
        of(translation_num_beams=2, translation_length_penalty=2.0),
        of(translation_precision="float32"),
        of(translation_model=str(tmp_path)),
    ]
    assert len(set(seen)) == len(seen)
    assert of(translation_threads=2, translation_max_batch_size=2, translation_device="cpu") == of()


@pytest.fixture
def words(processes: Processes, settings: Settings, room: Room, tiny_nllb: Path, tmp_path: Path) -> None:
    """A worker with the real small NLLB, on the queue `translation.cpu0`."""
    path = tmp_path / "one.toml"
    path.write_text('[[worker]]\nname = "words"\nstage = "translation"\ndevice = "cpu0"\n')
    processes.start(
        "worker",
        "words",
        TOPOLOGY=str(path),
        TRANSLATION_PROVIDER="nllb",
        TRANSLATION_MODEL=str(tiny_nllb / "ct2"),
        TRANSLATION_THREADS="1",
        MAX_LENGTH="60",
    )
    registry = Registry(settings.redis_url)
    wait_until(lambda: bool(registry.workers()), 30, "the worker is registered")
    registry.close()
    as_gateway(settings, load(path))


@pytest.mark.e2e
def test_a_worker_answers_a_repeated_sentence_without_its_engine_and_as_sure_as_before(
    words: None, room: Room, cache: Cache
) -> None:
    work = Work("alice", 0, "room", source="en", text="Good night.")
    for number in (1, 2):
        translate.s(work.but(segment=number).message(), "es", None).apply_async(queue="translation.cpu0")
        wait_until(lambda expected=number: len(texts(room)) == expected, 10, "it is translated")  # type: ignore[misc]
    first, second = texts(room)

    assert cache.recalled() == (1, 1)
    assert first.text == second.text == "Buenas noches."
    assert first.confidence == second.confidence
    assert first.confidence is not None
    assert 0 < first.confidence <= 1


def texts(room: Room) -> list[Event]:
    return [event for event in room.events() if event.kind == "text"]

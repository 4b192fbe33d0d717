"""What the translation stage does with words, and with those that need none of it."""

from __future__ import annotations

import pytest

from bridge.tasks import translation
from bridge.types import Phrase, Translation, Work

WORK = Work("alice", 0, "room", source="en", target="es", text="Go on. It's 5 o'clock!")


class Engine:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Phrase] = []

    def translate(self, phrase: Phrase) -> Translation:
        self.asked.append(phrase)
        return Translation("Adelante.", 0.5)


def test_words_are_translated_into_the_target() -> None:
    engine = Engine()
    (event,) = translation._results(engine, WORK, None)  # type: ignore[arg-type]

    assert engine.asked == [Phrase(WORK.text, "en", "es")]
    assert (event["text"], event["language"], event["confidence"]) == ("Adelante.", "es", 0.5)


@pytest.mark.parametrize("target", ["en", "en-GB"])
def test_who_speaks_the_language_gets_the_words_as_they_are_and_no_engine_is_asked(target: str) -> None:
    engine = Engine()
    results = translation._results(engine, WORK.but(target=target), None)  # type: ignore[arg-type]
    event = next(results)
    with pytest.raises(StopIteration) as end:
        next(results)

    assert engine.asked == []
    assert (event["text"], event["language"], event["confidence"]) == (WORK.text, target, None)
    assert end.value.value == WORK.but(target=target)


@pytest.mark.parametrize(
    ("floor", "target", "spoken"), [("silent", "en", 0), ("voice", "en-GB", 0), ("voice", "es", 1)]
)
def test_where_the_speaker_is_heard_no_voice_is_asked_to_repeat_it(
    floor: str, target: str, spoken: int
) -> None:
    engine = Engine()
    results = translation._results(engine, WORK.but(target=target, floor=floor), None)  # type: ignore[arg-type]
    event = next(results)
    with pytest.raises(StopIteration) as end:
        next(results)

    assert len(engine.asked) == spoken
    assert event["text"] == ("Adelante." if spoken else WORK.text)
    assert (end.value.value is not None) == bool(spoken)

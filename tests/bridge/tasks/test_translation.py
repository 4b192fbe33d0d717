"""What the translation stage does with words, and with those that need none of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.tasks import translation
from bridge.tasks.run import Results
from bridge.types import Phrase, Translation, Work

WORK = Work("alice", 0, "room", source="en", target="es", text="Go on. It's 5 o'clock!")


LONG = "The meeting begins at nine. Bring the figures of last year. Nobody else was asked."


class Engine:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Phrase] = []

    def translate(self, phrase: Phrase) -> Translation:
        self.asked.append(phrase)
        return Translation("Adelante.", 0.5)


class Slow(Engine):
    """Takes its time for each sentence, of which the first is so much, and knows these two."""

    def __init__(self, first: float = 0.5) -> None:
        super().__init__()
        self.first = first
        self.known = {
            LONG[:27]: ("Empieza a las nueve.", 0.9),
            LONG[28:]: ("Trae las cifras. Nadie más vino.", 0.5),
        }

    def share(self, lengths: Sequence[int]) -> float:
        assert lengths[0] == 27 or len(lengths) == 1
        return self.first

    def translate(self, phrase: Phrase) -> Translation:
        self.asked.append(phrase)
        return Translation(*self.known.get(phrase.text, ("", None)))


def fields(told: object) -> dict[str, Any]:
    assert isinstance(told, dict)
    return told


def through(results: Results) -> tuple[list[object], Work | None]:
    """What is told or sent ahead, and what follows."""
    found: list[object] = []
    try:
        while True:
            found.append(next(results))
    except StopIteration as end:
        return found, end.value


def test_words_are_translated_into_the_target() -> None:
    engine = Engine()
    event = fields(next(translation._results(engine, WORK, None)))  # type: ignore[arg-type]

    assert engine.asked == [Phrase(WORK.text, "en", "es")]
    assert (event["text"], event["language"], event["confidence"]) == ("Adelante.", "es", 0.5)


@pytest.mark.parametrize("target", ["en", "en-GB"])
def test_who_speaks_the_language_gets_the_words_as_they_are_and_no_engine_is_asked(target: str) -> None:
    engine = Engine()
    results = translation._results(engine, WORK.but(target=target), None)  # type: ignore[arg-type]
    event = fields(next(results))
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
    event = fields(next(results))
    with pytest.raises(StopIteration) as end:
        next(results)

    assert len(engine.asked) == spoken
    assert event["text"] == ("Adelante." if spoken else WORK.text)
    assert (end.value.value is not None) == bool(spoken)


def test_the_first_sentence_goes_on_to_speech_before_the_rest_is_translated() -> None:
    engine, work = Slow(), WORK.but(text=LONG)
    results = translation._results(engine, work, None)  # type: ignore[arg-type]
    head, ahead = next(results), next(results)

    assert head == {"kind": "head", "text": "Empieza a las nueve.", "language": "es", "skip": 27}
    assert ahead == work.but(text="Empieza a las nueve.")
    assert [phrase.text for phrase in engine.asked] == [LONG[:27]]

    (told,), rest = through(results)
    whole = "Empieza a las nueve. Trae las cifras. Nadie más vino."
    assert (fields(told)["text"], fields(told)["skip"]) == (whole, 27)
    assert fields(told)["confidence"] == pytest.approx(0.65, abs=0.01)
    assert rest == work.but(text=whole, head="Empieza a las nueve.", part=1, sentence=1)


def test_an_attempt_that_is_sent_again_translates_what_follows_the_head_alone() -> None:
    engine, work = Slow(), WORK.but(text=LONG, head="Empieza a las nueve.", skip=27)
    (told,), rest = through(translation._results(engine, work, None))  # type: ignore[arg-type]

    assert [phrase.text for phrase in engine.asked] == [LONG[28:]]
    assert fields(told)["text"] == "Empieza a las nueve. Trae las cifras. Nadie más vino."
    assert rest is not None and (rest.part, rest.sentence, rest.skip) == (1, 1, 0)


@pytest.mark.parametrize(
    ("text", "engine", "spoken"),
    [
        ("Yes. No, I did not mean it.", Slow(), True),
        ("I am quite sure of all that. Yes, it was he.", Slow(), True),
        (LONG, Slow(0.7), True),
        (LONG, Engine(), True),
        (LONG, Slow(), False),
    ],
    ids=[
        "its beginning is short",
        "little follows",
        "all comes hardly later",
        "a fast engine",
        "nobody hears it",
    ],
)
def test_where_it_does_not_pay_a_text_stays_whole(text: str, engine: Engine, spoken: bool) -> None:
    work = WORK.but(text=text)
    told, rest = through(translation._results(engine, work, None, spoken))  # type: ignore[arg-type]

    assert len(told) == 1
    assert [phrase.text for phrase in engine.asked] == [text]
    assert rest is not None and (rest.part, rest.head) == (0, "")


def test_a_beginning_of_which_no_words_are_left_is_no_head() -> None:
    engine = Slow()
    engine.known = {LONG[28:]: ("Trae las cifras.", 0.5)}
    (told,), rest = through(translation._results(engine, WORK.but(text=LONG), None))  # type: ignore[arg-type]

    assert fields(told)["text"] == "Trae las cifras."
    assert rest is not None and (rest.part, rest.text) == (0, "Trae las cifras.")


def test_what_was_said_before_is_given_to_the_engine_and_goes_no_further() -> None:
    engine = Engine()
    work = WORK.but(context=("Good evening.",))
    _, rest = through(translation._results(engine, work, None))  # type: ignore[arg-type]
    assert engine.asked[0].context == ("Good evening.",)
    assert rest is not None and rest.context == ()


def test_of_a_text_in_two_parts_the_first_was_said_before_the_second() -> None:
    engine = Slow()
    work = WORK.but(text=LONG, context=("Good evening.",))
    found, rest = through(translation._results(engine, work, None))  # type: ignore[arg-type]
    assert [phrase.context for phrase in engine.asked] == [
        ("Good evening.",),
        ("Good evening.", LONG[:27]),
    ]
    ahead = next(each for each in found if isinstance(each, Work))
    assert rest is not None and ahead.context == rest.context == ()


def test_who_gets_the_words_as_they_are_gets_none_of_before() -> None:
    work = WORK.but(target="en", context=("Good evening.",))
    _, rest = through(translation._results(Engine(), work, None))  # type: ignore[arg-type]
    assert rest is not None and rest.context == ()


@pytest.mark.parametrize(("prior", "given"), [("en-GB", True), ("es", False)])
def test_what_was_said_in_another_language_than_was_found_is_no_context(prior: str, given: bool) -> None:
    engine = Engine()
    work = WORK.but(prior=prior, target="ca", context=("Good evening.",))
    through(translation._results(engine, work, None))  # type: ignore[arg-type]
    assert engine.asked[0].context == (("Good evening.",) if given else ())

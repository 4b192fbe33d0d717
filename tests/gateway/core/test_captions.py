"""What is shown of speech that goes on: what is stable never changes, whatever an engine says next."""

from __future__ import annotations

from random import Random

import pytest

from bridge.types import Event
from gateway.core.captions import Caption, Captions


def shown(*hypotheses: str) -> list[str]:
    """The captions after each hypothesis, with a bar behind what is stable."""
    caption, found = Caption(), []
    for index, hypothesis in enumerate(hypotheses):
        caption = caption.then(index, hypothesis)
        found.append(f"{caption.text[: caption.stable]}|{caption.text[caption.stable :]}")
    return found


def test_words_become_stable_when_two_hypotheses_in_a_row_have_them() -> None:
    assert shown("go", "go for", "go forward ten", "go forward ten meters") == [
        "|go", "go| for", "go| forward ten", "go forward ten| meters"
    ]  # fmt: skip


def test_the_last_word_may_be_half_said() -> None:
    assert shown("I can", "I can", "I can't go") == ["|I can", "I| can", "I| can't go"]


def test_a_mark_behind_a_word_may_change() -> None:
    assert shown("Hello.", "Hello, my", "Hello, my name") == ["|Hello.", "Hello|, my", "Hello, my| name"]


def test_a_hypothesis_that_contradicts_what_is_stable_adds_only_what_follows() -> None:
    first = ("go forward ten", "go forward ten meters", "go forward ten meters and")
    assert shown(*first, "no forward ten meters and then")[-1] == "go forward ten meters and| then"
    assert shown(*first, "so go forward ten meters and then")[-1] == "go forward ten meters and| then"
    assert shown(*first, "forward ten meters and then")[-1] == "go forward ten meters and| then"


def test_nothing_is_taken_back_where_nothing_is_heard_any_more() -> None:
    assert shown("go forward ten", "go forward ten meters", "")[-1] == "go forward ten|"


def test_scripts_without_spaces_become_stable_by_the_character() -> None:
    assert shown("我们", "我们今天", "我们今天去学校", "我今天去学校吗")[1:] == [
        "我们|今天", "我们今天|去学校", "我们今天去学校|吗"
    ]  # fmt: skip


WORDS = ("go", "Go", "gone", "go,", "we", "we're", "10.5", "—", "今天", "去", "ไป", "e\u0301", "", "and.")


@pytest.mark.parametrize("seed", range(40))
def test_what_is_stable_never_changes_over_random_hypotheses(seed: int) -> None:
    """Normalised erasure of the stable part is 0: no later caption has another beginning."""
    random = Random(seed)
    caption = Caption()
    said: list[str] = []
    for index in range(60):
        said = said[: random.randrange(len(said) + 1)] if random.random() < 0.4 else list(said)
        said += random.choices(WORDS, k=random.randrange(4))
        hypothesis = random.choice(("", " ")).join(said) if random.random() < 0.2 else " ".join(said)
        then = caption.then(index, hypothesis)
        assert then.text.startswith(caption.text[: caption.stable])
        assert caption.stable <= then.stable <= len(then.text)
        if then.heard:
            assert then.text == hypothesis
        caption = then


def partial(segment: int, index: int, text: str, target: str | None = None) -> Event:
    stage = "translation" if target else "stt"
    return Event("partial", stage, "a", segment, target=target, index=index, text=text)  # type: ignore[arg-type]


def test_older_looks_and_older_segments_are_dropped() -> None:
    captions = Captions()
    assert captions.fold(partial(1, 16_000, "go"))
    assert captions.fold(partial(1, 8_000, "no")) is None
    assert captions.fold(partial(1, 16_000, "no")) is None
    assert captions.fold(partial(0, 32_000, "no")) is None


def test_transcript_and_translations_are_folded_each_by_itself_and_anew_in_the_next_segment() -> None:
    captions = Captions()
    for index in (1, 2):
        for target, text in ((None, "go on"), ("es", "va allá"), ("ca", "va allà")):
            found = captions.fold(partial(0, index, text, target))
            assert found is not None and (found.text, found.stable) == (text, 2 * (index - 1))
    new = captions.fold(partial(1, 1, "stop"))
    assert new is not None and (new.text, new.stable) == ("stop", 0)

"""Failed answers of a real decoder, spoilt on the way as NLLB-600M spoils them: nothing wrong is spoken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import ProviderError
from tests.bridge.providers.translation.recorded import Make, Recorded, say

pytestmark = pytest.mark.provider

TEXT = "Good morning. Call a doctor. Close the door."
GOOD = "Buenos días. Llama a un médico. Cierra la puerta."
LONG = "Good morning, where is the train station, close the door, call a doctor, see you tomorrow"


def answer(tokens: list[str], *, score: float = -0.01, finished: bool = True) -> Any:
    end = ["</s>"] if finished else []
    return SimpleNamespace(hypotheses=[["spa_Latn", *tokens, *end]], scores=[score])


LOOP = answer(["▁la", "▁casa"] * 12, finished=False)
EMPTY = answer(["."])
ENDLESS = answer([f"▁{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" * 2], finished=False)
TOO_LONG = answer([f"▁{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" * 2], score=-3.0)


def first_only(spoilt: Any, index: int) -> Any:
    """Replaces one answer of the first call."""
    used: list[bool] = []

    def spoil(results: list[Any], call: dict[str, Any]) -> list[Any]:
        if not used:
            used.append(True)
            results[index] = spoilt
        return results

    return spoil


def always(spoilt: Any) -> Any:
    return lambda results, call: [spoilt for _ in results]


@pytest.mark.parametrize("spoilt", [LOOP, EMPTY, ENDLESS, TOO_LONG], ids=["loop", "empty", "endless", "long"])
def test_a_failed_sentence_is_asked_for_once_more_with_care(
    make: Make, recorded: list[Recorded], spoilt: Any
) -> None:
    provider = make()
    recorded[0].spoil = first_only(spoilt, 1)
    assert say(provider, TEXT) == GOOD

    first, second = recorded[0].calls
    assert len(first["source"]) == 3
    assert second["source"] == first["source"][1:2]
    assert (first["beam_size"], first["no_repeat_ngram_size"], first["repetition_penalty"]) == (1, 0, 1)
    assert (second["beam_size"], second["no_repeat_ngram_size"], second["repetition_penalty"]) == (4, 3, 1.2)
    assert second["max_decoding_length"] == 2 * first["max_decoding_length"]


@pytest.mark.parametrize("spoilt", [LOOP, EMPTY, ENDLESS], ids=["loop", "empty", "endless"])
def test_a_sentence_that_fails_twice_is_an_error_and_not_spoken(
    make: Make, recorded: list[Recorded], spoilt: Any
) -> None:
    provider = make()
    recorded[0].spoil = always(spoilt)
    with pytest.raises(ProviderError, match=r"cannot translate a sentence of \d+ tokens") as raised:
        say(provider, "Close the door.")
    assert raised.value.code == "no_translation"
    assert raised.value.hint
    assert "door" not in str(raised.value) and "casa" not in str(raised.value)
    assert len(recorded[0].calls) == 2


def test_of_two_long_answers_the_likelier_one_stays(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    likelier = answer(["▁de", *TOO_LONG.hypotheses[0][1:-1]], score=-1.0)
    recorded[0].spoil = lambda results, call: [likelier if len(recorded[0].calls) == 1 else TOO_LONG]
    assert say(provider, "Close the door.").startswith("de ")
    recorded[0].calls.clear()
    recorded[0].spoil = lambda results, call: [TOO_LONG if len(recorded[0].calls) == 1 else likelier]
    assert say(provider, "Close the door.").startswith("de ")


def test_a_long_answer_stays_where_the_second_is_worse(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    recorded[0].spoil = lambda results, call: [TOO_LONG if len(recorded[0].calls) == 1 else LOOP]
    assert say(provider, "Close the door.")


def test_what_lost_a_part_of_its_source_is_translated_in_halves(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    recorded[0].spoil = first_only(answer(["▁no"]), 0)
    assert say(provider, LONG) != "no"
    assert [len(call["source"]) for call in recorded[0].calls][:2] == [1, 2]
    assert recorded[0].calls[1]["beam_size"] == 1


def test_what_was_cut_at_the_limit_is_translated_in_halves(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    tokens = [f"▁{letter}" for letter in "abcdefghijklmnopqrst"]
    recorded[0].spoil = first_only(answer(tokens, finished=False), 0)
    say(provider, LONG)
    first, second = recorded[0].calls[:2]
    assert sum(len(source) - 2 for source in second["source"]) == len(first["source"][0]) - 2


def test_a_short_limit_cuts_no_sentence(make: Make, recorded: list[Recorded]) -> None:
    provider = make(MAX_LENGTH="16")
    text = " ".join(["Go somewhere and do something.", LONG])
    assert say(provider, text)
    assert all(len(source) - 2 <= 16 for call in recorded[0].calls for source in call["source"])
    given = "".join(token for source in recorded[0].calls[0]["source"] for token in source[1:-1])
    assert given.replace("▁", "") == text.replace(" ", "")


def test_a_missing_answer_is_an_error_and_shifts_no_sentence(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    recorded[0].spoil = lambda results, call: results[:-1]
    with pytest.raises(ProviderError, match="2 answers for 3 sentences"):
        say(provider, TEXT)


def test_an_engine_that_throws_is_an_error_of_this_text_only(make: Make, recorded: list[Recorded]) -> None:
    provider = make()

    def fail(results: list[Any], call: dict[str, Any]) -> list[Any]:
        raise RuntimeError("CUDA failed with error out of memory")

    recorded[0].spoil = fail
    with pytest.raises(ProviderError, match="MAX_BATCH_SIZE") as raised:
        say(provider, TEXT)
    assert raised.value.code == "out_of_memory"
    recorded[0].spoil = lambda results, call: results
    assert say(provider, TEXT) == GOOD


def test_a_limit_beyond_the_model_is_an_error_that_names_the_variable(make: Make) -> None:
    with pytest.raises(ProviderError, match="TRANSLATION_MAX_LENGTH"):
        say(make(MAX_LENGTH="400"), "water " * 200)


def test_the_log_tells_what_was_doubted_and_never_the_text(make: Make, recorded: list[Recorded]) -> None:
    provider = make()
    recorded[0].spoil = first_only(LOOP, 1)
    with capture_logs() as logs:
        say(provider, TEXT)
    (entry,) = logs
    assert entry == {
        "event": "translated again or in parts",
        "log_level": "warning",
        "characters": len(TEXT),
        "loop": 1,
    }

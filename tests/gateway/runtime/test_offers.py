"""What the live workers offer together, and refusals that say what to ask for instead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest

from bridge.errors import LanguageError, NoWorker
from bridge.languages import known
from bridge.store.registry import WorkerRecord
from bridge.types import Stage
from gateway.runtime.offers import Offer


def worker(
    stage: Stage,
    languages: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] = (),
    detects: bool = False,
) -> WorkerRecord:
    name = f"{stage}-{languages}"
    return WorkerRecord(
        name, stage, "cpu", f"{stage}.cpu0", 1, "engine", tuple(languages), tuple(pairs), detects
    )


def offer(
    heard: Sequence[str] = ("en",),
    pairs: Sequence[tuple[str, str]] = (("en", "es"), ("en", "ca")),
    spoken: Sequence[str] = ("es", "ca"),
    detects: bool = False,
) -> Offer:
    return Offer.of(
        [worker("stt", heard, detects=detects), worker("translation", pairs=pairs), worker("tts", spoken)]
    )


def refusal(made: Offer, source: str, *targets: str) -> str:
    with pytest.raises(LanguageError) as caught:
        made.resolve(source, targets)
    return str(caught.value)


def test_a_pair_is_offered_where_all_three_stages_can_do_it() -> None:
    pairs = (("en", "es"), ("en", "fr"), ("de", "es"), ("es", "en"))

    assert offer(heard=("en", "es"), pairs=pairs, spoken=("es", "en")).pairs == {("en", "es"), ("es", "en")}


def test_workers_of_a_stage_add_up() -> None:
    made = Offer.of(
        [
            worker("stt", ["en"]),
            worker("stt", ["de"], detects=True),
            worker("translation", pairs=[("en", "es")]),
            worker("translation", pairs=[("de", "es")]),
            worker("tts", ["es"]),
        ]
    )

    assert made.pairs == {("en", "es"), ("de", "es")}
    assert made.sources == ["de", "en"]
    assert made.detects
    assert made.missing == ()


def test_what_is_offered_is_resolved_in_the_order_asked_for() -> None:
    assert offer().resolve("en", ["ca", "es"]) == ("en", ["ca", "es"])


@pytest.mark.parametrize(
    ("stages", "named"),
    [
        (("translation", "tts"), "stt"),
        (("stt",), "translation and tts"),
        ((), "stt, translation and tts"),
    ],
)
def test_stages_without_a_worker_are_named(stages: Sequence[Stage], named: str) -> None:
    made = Offer.of([worker(stage, ["en", "es"], [("en", "es")]) for stage in stages])

    with pytest.raises(NoWorker, match=f"No worker is running for {named}\\.") as caught:
        made.resolve("en", ["es"])
    assert "speechbridge up" in caught.value.hint


@pytest.mark.parametrize(
    ("asked", "offered", "found"),
    [
        ("es-MX", ("es", "es-419"), "es-419"),
        ("es-MX", ("es",), "es"),
        ("es_mx", ("es",), "es"),
        ("es-ES", ("es", "es-419"), "es"),
        ("PT-br", ("pt", "pt-BR"), "pt-BR"),
        ("pt-BR", ("pt",), "pt"),
        ("ca-valencia", ("ca",), "ca"),
    ],
)
def test_a_region_is_served_by_the_nearest_that_is_offered(
    asked: str, offered: Sequence[str], found: str
) -> None:
    made = offer(pairs=[("en", tag) for tag in offered], spoken=offered)

    assert made.resolve("en-AU", [asked]) == ("en", [found])


def test_a_region_that_another_source_has_is_served_by_what_this_one_has() -> None:
    made = offer(heard=("en", "de"), pairs=[("en", "es"), ("de", "es-419")], spoken=("es", "es-419"))

    assert made.resolve("en", ["es-MX"]) == ("en", ["es"])
    assert made.resolve("de", ["es-MX"]) == ("de", ["es-419"])


def test_a_target_that_is_offered_for_another_source_only_is_refused_with_what_this_one_has() -> None:
    made = offer(heard=("en", "de"), pairs=[("en", "es"), ("de", "ca")])

    assert refusal(made, "de", "ca", "es") == "de → es is not offered by this setup. Offered from de: ca."


def test_a_source_that_is_not_offered_is_refused_with_those_that_are() -> None:
    made = offer(heard=("en", "de"), pairs=[("en", "es"), ("de", "es")])

    assert refusal(made, "fr", "es") == "fr → es is not offered by this setup. Offered sources: de, en."


def test_a_language_nobody_knows_is_refused_with_those_that_are_offered() -> None:
    assert "'xx-nonsense'" in refusal(offer(), "xx-nonsense", "es")
    assert refusal(offer(), "xx-nonsense", "es").endswith("Offered sources: en.")
    assert refusal(offer(), "en", "klingon").endswith("Offered from en: ca, es.")


def test_a_setup_whose_stages_share_no_language_says_so() -> None:
    made = offer(heard=("en",), pairs=[("de", "es")])

    assert refusal(made, "en", "es").endswith("Its workers share no pair of languages.")
    assert refusal(made, "auto", "es").endswith("Its workers share no pair of languages.")


def test_two_targets_that_are_one_here_are_refused() -> None:
    made = offer(pairs=[("en", "es")], spoken=["es"])

    assert refusal(made, "en", "es", "es-MX") == (
        "es and es-MX are both heard as es in this setup. Name one of them."
    )


def test_the_spoken_language_is_detected_where_an_engine_can() -> None:
    made = offer(heard=("en", "de"), pairs=[("en", "es"), ("de", "ca")], detects=True)

    assert made.resolve("auto", ["es", "ca"]) == (None, ["es", "ca"])
    assert refusal(made, "auto", "fr") == "auto → fr is not offered by this setup. Offered from auto: ca, es."


def test_without_detection_the_only_source_is_meant() -> None:
    assert offer().resolve("auto", ["es"]) == ("en", ["es"])
    assert refusal(offer(), "auto", "fr") == "en → fr is not offered by this setup. Offered from en: ca, es."


def test_without_detection_one_of_several_sources_must_be_named() -> None:
    made = offer(heard=("en", "de"), pairs=[("en", "es"), ("de", "es")])

    assert refusal(made, "auto", "es") == (
        "This setup cannot detect the spoken language. Offered sources: de, en."
    )
    with pytest.raises(LanguageError) as caught:
        made.resolve("auto", ["es"])
    assert caught.value.code == "cannot_detect"


def test_a_refusal_stays_short_where_thousands_of_pairs_are_offered() -> None:
    tags = [language.tag for language in known()]
    made = offer(heard=tags, pairs=list(product(tags, tags)), spoken=tags)

    assert len(made.pairs) > 10_000
    assert len(refusal(made, "en", "klingon")) < 1_000


# --- a conversation in two languages ---


def conversing(
    heard: Sequence[str] = ("de", "en", "es"),
    pairs: Sequence[tuple[str, str]] = (("en", "es"), ("es", "en"), ("de", "es")),
    spoken: Sequence[str] = ("en", "es"),
) -> Offer:
    return offer(heard, pairs, spoken, detects=True)


def declined(made: Offer, among: Sequence[str], targets: Sequence[str]) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        made.converse(among, targets)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("among", "targets", "found"),
    [
        (("en", "es"), ("en", "es"), (("en", "es"), ["en", "es"])),
        (("en", "es"), ("es", "en"), (("en", "es"), ["es", "en"])),
        (("EN", "es-MX"), ("en-AU", "es"), (("en", "es"), ["en", "es"])),
    ],
)
def test_two_languages_are_spoken_and_heard_in_either_order(
    among: Sequence[str], targets: Sequence[str], found: tuple[tuple[str, str], list[str]]
) -> None:
    assert conversing().converse(among, targets) == found


def test_a_conversation_is_heard_in_the_regional_voice_that_is_asked_for() -> None:
    made = conversing(pairs=[("en", "es-419"), ("es", "en")], spoken=("en", "es-419"))

    assert made.converse(("en", "es"), ("es-MX", "en")) == (("en", "es"), ["es-419", "en"])


@pytest.mark.parametrize("targets", [("es",), ("en", "de"), ("en", "en-GB"), ("en", "es", "de")])
def test_a_conversation_is_heard_in_its_own_two_languages_alone(targets: Sequence[str]) -> None:
    error = declined(conversing(), ("en", "es"), targets)

    assert (error.code, error.hint) == (
        "unsupported_language",
        "Name en and es as targets, or leave out `among`.",
    )
    assert ", ".join(targets) in error.message


def test_a_conversation_needs_both_directions() -> None:
    error = declined(conversing(), ("de", "es"), ("de", "es"))

    assert str(error) == "es → de is not offered by this setup. Offered from es: en."


def test_without_detection_a_conversation_is_refused_with_what_would_do_it() -> None:
    made = offer(("en", "es"), (("en", "es"), ("es", "en")), ("en", "es"))
    error = declined(made, ("en", "es"), ("en", "es"))

    assert error.code == "cannot_detect"
    assert "faster_whisper" in error.hint and "Name the language" in error.hint


def test_two_languages_that_no_single_engine_knows_cannot_be_told_apart() -> None:
    made = Offer.of(
        [
            worker("stt", ["en", "de"], detects=True),
            worker("stt", ["es"], detects=True),
            worker("stt", ["en", "es"]),
            worker("translation", pairs=[("en", "es"), ("es", "en")]),
            worker("tts", ["es", "en"]),
        ]
    )
    error = declined(made, ("en", "es"), ("en", "es"))

    assert error.code == "cannot_detect"
    assert error.message == "No engine of this setup can tell en from es."
    assert error.hint == "Languages that are detected: de, en, es."


@pytest.mark.parametrize("among", [("en", "en"), ("en", "en-GB"), ("zh", "zh-Hant")])
def test_two_tags_that_sound_the_same_are_refused(among: Sequence[str]) -> None:
    made = conversing(heard=("en", "en-GB", "zh", "zh-Hant"), pairs=[("en", "es"), ("zh", "zh-Hant")])

    assert "told apart by ear" in declined(made, among, among).message


def test_a_conversation_needs_workers_and_languages_that_exist() -> None:
    with pytest.raises(NoWorker):
        Offer.of([]).converse(("en", "es"), ("en", "es"))
    assert "xx" in declined(conversing(), ("en", "xx"), ("en", "xx")).message


def test_in_a_room_what_is_spoken_must_be_understood_whoever_listens() -> None:
    assert offer().understood("en") == "en"
    with pytest.raises(LanguageError) as raised:
        offer().understood("fr")
    assert raised.value.message == "fr is not understood by this setup." and "en" in raised.value.hint


def test_in_a_room_one_may_listen_in_what_is_spoken_or_translated_into_and_nothing_else() -> None:
    assert [offer().heard(tag) for tag in ("es", "ca", "en")] == ["es", "ca", "en"]
    with pytest.raises(LanguageError) as raised:
        offer().heard("fr")
    assert raised.value.hint == "Offered: ca, en, es."

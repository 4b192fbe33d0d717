"""What is agreed: the client's wishes over the environment's settings, and what has no effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import LanguageError, NoWorker, SettingsError
from bridge.protocol import parts
from bridge.protocol.client_messages import SessionStart, SessionUpdate, Source
from bridge.settings import Settings
from bridge.store.registry import WorkerRecord
from bridge.types import Stage, Target
from gateway.core.seat import Seat
from gateway.core.terms import SegmenterConfig, Terms
from gateway.protocols.native import agreement
from gateway.protocols.native.agreement import agree, agree_in_room, amend, amend_in_room
from gateway.runtime.offers import Offer


def worker(stage: Stage, provider: str = "engine") -> WorkerRecord:
    languages = ("de", "en") if stage == "stt" else ("ca", "es")
    pairs = tuple((source, target) for source in ("de", "en") for target in ("ca", "es"))
    return WorkerRecord(
        f"{stage}-{provider}", stage, "cpu", f"{stage}.cpu0", 1, provider, languages, pairs, stage == "stt"
    )


OFFER = Offer.of([worker("stt"), worker("translation"), worker("tts")])
NOTHING = Offer.of([])
PAIR = ("en", "es")
TALKERS = [
    WorkerRecord("stt", "stt", "cpu", "stt.cpu0", 1, "engine", PAIR, detects=True),
    WorkerRecord("translation", "translation", "cpu", "t", 1, "engine", pairs=(PAIR, ("es", "en"))),
    WorkerRecord("tts", "tts", "cpu", "tts.cpu0", 1, "engine", PAIR),
]
TWO_WAY = Offer.of(TALKERS)
CONVERSATION: dict[str, Any] = {
    "source": {"language": "auto", "among": ["en", "es"]},
    "targets": [{"language": "es"}, {"language": "en"}],
}


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings where no variable is set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return Settings.read()


def start(**fields: Any) -> SessionStart:
    named = {"source": {"language": "en"}, "targets": [{"language": "es", "voice": "nina"}]}
    return SessionStart.model_validate({"protocol": 1, **named, **fields})


def update(**fields: Any) -> SessionUpdate:
    return SessionUpdate.model_validate(fields)


@pytest.fixture
def terms(defaults: Settings) -> Terms:
    return agree(start(), OFFER, defaults)


def test_what_a_client_leaves_out_is_as_the_environment_says(defaults: Settings) -> None:
    terms = agree(start(), OFFER, defaults)

    assert terms == Terms("en", (Target("es", "nina"),), 24_000, SegmenterConfig.of(defaults))


def test_a_client_chooses_its_rate(defaults: Settings) -> None:
    assert agree(start(output={"rate": 16_000}), OFFER, defaults).rate == 16_000


def test_each_target_keeps_the_voice_that_was_asked_for(defaults: Settings) -> None:
    chosen = [{"language": "es-MX", "voice": "luis"}, {"language": "ca"}]

    assert agree(start(targets=chosen), OFFER, defaults).targets == (Target("es", "luis"), Target("ca"))


def test_a_source_to_be_detected_is_told_as_auto(defaults: Settings) -> None:
    terms = agree(start(source={"language": "auto"}), OFFER, defaults)

    assert terms.source is None
    assert agreement.effective(Seat("a", "a", "alone", terms)).source == Source(language="auto")


def test_a_conversation_of_two_languages_is_agreed_and_told(defaults: Settings) -> None:
    terms = agree(start(**CONVERSATION), TWO_WAY, defaults)
    told = agreement.effective(Seat("a", "a", "alone", terms))

    assert (terms.source, terms.among, terms.targets) == (None, ("en", "es"), (Target("es"), Target("en")))
    assert told.source == Source(language="auto", among=("en", "es"))
    assert agree(start(**told.model_dump(mode="json")), TWO_WAY, defaults) == terms


def test_languages_to_detect_beside_one_that_is_named_are_refused(defaults: Settings) -> None:
    wanted = CONVERSATION | {"source": {"language": "en", "among": ["en", "es"]}}

    with pytest.raises(LanguageError, match="en is spoken") as caught:
        agree(start(**wanted), TWO_WAY, defaults)
    assert "auto" in caught.value.hint


def test_a_conversation_at_one_device_is_no_matter_of_a_room(defaults: Settings) -> None:
    both = start(room="hall", role="both", targets=[{"language": "es"}])
    terms = agree_in_room(both, "both", TWO_WAY, defaults)

    with pytest.raises(LanguageError, match="not for a room") as caught:
        agree_in_room(start(room="hall", role="speaker", **CONVERSATION), "speaker", TWO_WAY, defaults)
    assert "`among`" in caught.value.hint
    with pytest.raises(LanguageError, match="not for a room"):
        amend_in_room(terms, "both", update(source=CONVERSATION["source"]), TWO_WAY)


def test_an_update_begins_and_ends_a_conversation(defaults: Settings) -> None:
    alone = agree(start(targets=[{"language": "es"}]), TWO_WAY, defaults)
    both = amend(alone, update(**CONVERSATION), TWO_WAY)

    assert both == agree(start(**CONVERSATION), TWO_WAY, defaults)
    assert amend(both, update(vad={"padding_ms": both.cutting.padding_ms}), NOTHING) == both
    assert amend(both, update(source={"language": "en"}, targets=[{"language": "es"}]), TWO_WAY) == alone
    with pytest.raises(LanguageError, match="in these two, not in es"):
        amend(both, update(targets=[{"language": "es"}]), TWO_WAY)


def test_a_conversation_without_detection_is_refused_at_the_start_and_later(defaults: Settings) -> None:
    deaf = Offer.of([replace(each, detects=False) for each in TALKERS])
    alone = agree(start(targets=[{"language": "es"}]), deaf, defaults)

    with pytest.raises(LanguageError) as caught:
        agree(start(**CONVERSATION), deaf, defaults)
    assert caught.value.code == "cannot_detect"
    for wanted in (CONVERSATION, {"source": {"language": "auto"}}):
        with pytest.raises(LanguageError) as caught:
            amend(alone, update(**wanted), deaf)
        assert caught.value.code == "cannot_detect"


def test_vad_fields_that_are_named_override_the_environment(defaults: Settings) -> None:
    wanted: dict[str, Any] = {"threshold": 0.7, "min_speech_ms": 100, "min_silence_ms": 300, "padding_ms": 0}

    terms = agree(start(vad=wanted), OFFER, defaults)

    assert terms.cutting == SegmenterConfig(
        **wanted,
        max_segment_ms=defaults.vad_max_segment_ms,
        drafts=defaults.drafts,
        clause_ms=defaults.clause_ms,
        least_silence_ms=defaults.endpoint_least_ms,
    )


@pytest.mark.parametrize(
    ("wanted", "threshold"),
    [
        ({"aggressiveness": 0}, 0.35),
        ({"aggressiveness": 3}, 0.8),
        ({"aggressiveness": 3, "threshold": 0.6}, 0.6),
        ({"padding_ms": 100}, 0.5),
    ],
)
def test_a_threshold_wins_over_an_aggressiveness(
    defaults: Settings, wanted: dict[str, float], threshold: float
) -> None:
    assert agree(start(vad=wanted), OFFER, defaults).cutting.threshold == threshold


def test_vad_fields_that_contradict_each_other_or_the_environment_are_refused(defaults: Settings) -> None:
    with pytest.raises(SettingsError, match=r"2000 ms.*1500 ms"):
        agree(start(vad={"min_speech_ms": 2_000, "max_segment_ms": 1_500}), OFFER, defaults)
    long = defaults.model_copy(update={"vad_min_speech_ms": 3_000})
    with pytest.raises(SettingsError, match=r"3000 ms.*1500 ms"):
        agree(start(vad={"max_segment_ms": 1_500}), OFFER, long)


def test_what_is_not_offered_is_refused(defaults: Settings) -> None:
    with pytest.raises(LanguageError):
        agree(start(targets=[{"language": "fr"}]), OFFER, defaults)
    with pytest.raises(NoWorker):
        agree(start(), NOTHING, defaults)


def test_an_update_keeps_what_it_leaves_out(terms: Terms) -> None:
    assert amend(terms, update(), OFFER) == terms


def test_an_update_of_the_targets_keeps_the_rest(terms: Terms) -> None:
    changed = amend(terms, update(targets=[{"language": "ca"}]), OFFER)

    assert changed == Terms("en", (Target("ca"),), terms.rate, terms.cutting)


def test_an_update_of_the_source_keeps_targets_and_voices(terms: Terms) -> None:
    changed = amend(terms, update(source={"language": "auto"}), OFFER)

    assert changed == Terms(None, terms.targets, terms.rate, terms.cutting)
    assert amend(changed, update(targets=[{"language": "ca"}]), OFFER).source is None
    assert amend(changed, update(source={"language": "de"}), OFFER).source == "de"


def test_an_update_of_the_vad_stands_on_what_was_agreed_before(terms: Terms) -> None:
    once = amend(terms, update(vad={"aggressiveness": 3, "padding_ms": 10}), OFFER)
    twice = amend(once, update(vad={"min_silence_ms": 700}), OFFER)

    assert (twice.cutting.threshold, twice.cutting.padding_ms, twice.cutting.min_silence_ms) == (0.8, 10, 700)


def test_an_update_that_names_no_language_needs_no_worker(terms: Terms) -> None:
    assert amend(terms, update(vad={"padding_ms": 10}), NOTHING).cutting.padding_ms == 10


def test_an_update_is_refused_like_a_start(terms: Terms) -> None:
    with pytest.raises(LanguageError, match="fr"):
        amend(terms, update(source={"language": "fr"}), OFFER)
    with pytest.raises(NoWorker):
        amend(terms, update(targets=[{"language": "ca"}]), NOTHING)
    with pytest.raises(SettingsError):
        amend(terms, update(vad={"min_speech_ms": 5_000, "max_segment_ms": 1_000}), OFFER)


def test_the_effective_configuration_can_be_sent_back_as_a_wish(defaults: Settings) -> None:
    terms = agree(start(vad={"aggressiveness": 2}, output={"rate": 8_000}), OFFER, defaults)
    told = agreement.effective(Seat("a", "a", "alone", terms)).model_dump(mode="json")

    assert agree(start(**told), OFFER, defaults) == terms


def test_the_limits_are_those_of_the_settings(defaults: Settings) -> None:
    changed = defaults.model_copy(
        update={
            "ws_max_message_size": 4_096,
            "session_max_segments": 3,
            "session_idle_seconds": 7.5,
            "session_ahead_seconds": 20.0,
        }
    )

    assert agreement.limits(changed) == parts.Limits(
        max_message_bytes=4_096, max_segments=3, idle_s=7.5, max_ahead_s=20
    )


def test_the_engines_of_a_stage_are_named_once_each() -> None:
    workers = [worker("stt", "b"), worker("stt", "a"), worker("tts", "c"), worker("tts", "c")]

    assert agreement.providers(workers) == {"stt": "a,b", "tts": "c"}


def test_each_field_without_effect_is_told() -> None:
    asked = start(role="listener", barge_in="stop", features=["partials", "smells"])

    told = list(agreement.unavailable(asked))

    assert [warning.message.partition(" ")[0] for warning in told] == ["role", "features"]
    assert {warning.code for warning in told} == {"not_available"}
    assert all(warning.hint for warning in told)
    changed = list(agreement.unavailable(update(barge_in="pause", features=["smells"])))
    assert [warning.message.partition(" ")[0] for warning in changed] == ["features"]


def test_who_only_speaks_or_only_listens_is_told_that_it_interrupts_nothing() -> None:
    targets: Any = [{"language": "es"}]
    roles: dict[str | None, list[str]] = {
        role: [
            warning.message.partition(" ")[0]
            for warning in agreement.unavailable(
                start(room="hall", secret="s", role=role, targets=targets, barge_in="pause")
            )
        ]
        for role in ("speaker", "listener", None, "both")
    }

    assert roles == {"speaker": ["barge_in"], "listener": ["barge_in"], None: ["barge_in"], "both": []}


def test_fields_that_ask_for_nothing_new_are_not_told() -> None:
    assert list(agreement.unavailable(start(role="speaker", barge_in="off", features=["partials"]))) == []
    in_room = start(room="hall", secret="s", role="both", targets=[{"language": "es"}])
    assert list(agreement.unavailable(in_room)) == []
    nina = start(role="listener", room="standup", targets=[{"language": "es", "voice": "nina"}])
    assert [warning.message for warning in agreement.unavailable(nina)] == [
        "voice has no effect on this server yet."
    ]
    assert list(agreement.unavailable(start())) == []
    assert list(agreement.unavailable(update(barge_in="off"))) == []


def test_barge_in_is_what_the_client_says_or_else_the_variable(defaults: Settings, terms: Terms) -> None:
    wanted = defaults.model_copy(update={"barge_in": "stop"})

    assert agree(start(), OFFER, defaults).barge_in == "off"
    assert agree(start(), OFFER, wanted).barge_in == "stop"
    assert agree(start(barge_in="off"), OFFER, wanted).barge_in == "off"
    paused = amend(terms, update(barge_in="pause"), NOTHING)
    assert paused.barge_in == "pause"
    assert amend(paused, update(vad={"threshold": 0.4}), NOTHING).barge_in == "pause"
    assert agreement.effective(Seat("a", "a", "alone", paused)).barge_in == "pause"


def test_barge_in_is_for_those_of_a_room_who_speak_and_listen(defaults: Settings) -> None:
    wanted = defaults.model_copy(update={"barge_in": "stop"})
    asked = start(room="hall", secret="s", role="both", targets=[{"language": "es"}])

    assert agree_in_room(asked, "both", OFFER, wanted).barge_in == "stop"
    assert agree_in_room(asked, "speaker", OFFER, wanted).barge_in == "off"
    both = agree_in_room(asked, "both", OFFER, defaults)
    assert amend_in_room(both, "both", update(barge_in="pause"), OFFER).barge_in == "pause"
    assert amend_in_room(both, "listener", update(barge_in="pause"), OFFER).barge_in == "off"


def test_partials_are_agreed_on_where_they_are_asked_for_and_may_be_had(defaults: Settings) -> None:
    asked = start(features=["partials"])
    assert not agree(start(), OFFER, defaults).partials
    terms = agree(asked, OFFER, defaults)
    seat = Seat("s", "s", "alone", terms)
    assert terms.partials and agreement.effective(seat).features == ("partials",)
    assert amend(terms, update(), OFFER).partials
    assert not amend(terms, update(features=[]), OFFER).partials
    in_room = agree_in_room(asked, "listener", OFFER, defaults)
    assert in_room.partials
    assert not amend_in_room(in_room, "listener", update(features=[]), OFFER).partials


def test_partials_that_are_switched_off_are_told_and_not_agreed_on(defaults: Settings) -> None:
    off = Settings.read(partials=False)
    asked = start(features=["partials"])
    assert not agree(asked, OFFER, off).partials
    assert not agree_in_room(asked, "listener", OFFER, off).partials
    assert not amend(
        agree(start(), OFFER, off), update(features=["partials"]), OFFER, partials=False
    ).partials
    [told] = agreement.unavailable(asked, partials=False)
    assert told.message.startswith("features")


def test_how_speech_is_sent_is_as_the_client_asks_or_else_as_the_variable_says(defaults: Settings) -> None:
    """PACING."""
    realtime = defaults.model_copy(update={"pacing": "realtime"})
    assert agree(start(), OFFER, defaults).pacing == "burst"
    assert agree(start(), OFFER, realtime).pacing == "realtime"
    assert agree(start(output={"pacing": "burst"}), OFFER, realtime).pacing == "burst"
    chosen = agree(start(output={"pacing": "realtime"}), OFFER, defaults)
    assert agreement.effective(Seat("s", "s", "alone", chosen)).output.pacing == "realtime"

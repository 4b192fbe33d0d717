"""Rooms of several people: who hears whom in which language, and what it costs."""

from __future__ import annotations

from bridge.types import Event
from gateway.core import effects, inputs
from gateway.core.effects import Done, Say, SpeechStarted
from gateway.core.recent import LATEST
from gateway.core.takeover import Takeover
from gateway.core.tuning import numbered
from tests.gateway.core.bench import NOW
from tests.gateway.core.meeting import LANGUAGES, Meeting, numbers, sound, story
from tests.gateway.events import START


def test_each_hears_the_others_in_their_language_and_nobody_hears_themselves() -> None:
    it = Meeting()
    here = it.gateway()
    ana = here.enter("ana", "both", "en", "es")
    ben = here.enter("ben", "both", "fr", "en")
    here.says("ana")
    it.work("ana", 0, "es")
    here.says("ben")
    it.work("ben", 0, "es", "en", language="fr")

    assert story(here.told[ana]) == ["Ana: ana 0", "Ben: ben 0", "es: ben 0", "<es", ">"]
    assert sorted(story(here.told[ben])) == sorted(["Ana: ana 0", "ana 0", "<floor", ">", "Ben: ben 0"])


def test_work_is_sent_once_for_each_language_whatever_the_audience() -> None:
    it = Meeting()
    here, there = it.gateway("here"), it.gateway("there")
    here.enter("ana", "speaker")
    for number in range(50):
        (here, there)[number % 2].enter(f"ear{number}", "listener", None, ("es", "fr", "en")[number % 3])
    here.says("ana")

    assert here.sent() == [("stt", ["es", "fr"])]
    assert there.sent() == []


def test_a_room_where_nobody_listens_asks_no_engine() -> None:
    it = Meeting()
    here = it.gateway()
    ana = here.enter("ana", "speaker")
    here.says("ana")

    assert here.sent() == []
    assert [type(e.what) for e in here.told[ana] if isinstance(e, Say)][-1] is Done


def test_who_listens_in_the_spoken_language_gets_the_words_and_the_voice_and_no_engine_but_stt() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    ear = here.enter("ben", "listener", None, "en")
    here.says("ana")
    it.work("ana", 0)

    assert here.sent() == [("stt", [])]
    assert sorted(story(here.told[ear])) == sorted(["<floor", ">", "Ana: ana 0", "ana 0"])
    recorded = next(e.event.pcm for e in here.effects if isinstance(e, effects.Report))
    assert len(sound(here.told[ear])) == len(recorded) * 3 // 2  # from 16 to 24 kHz


def test_a_language_to_be_detected_gets_the_floor_once_it_is_known() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker", None)
    english = here.enter("ben", "listener", None, "en")
    spanish = here.enter("eva", "listener", None, "es")
    here.says("ana")
    assert here.sent() == [("stt", ["en", "es"])]
    it.work("ana", 0, "es")
    it.write(Event("text", "translation", "ana", 0, target="en", text="not to be heard"))

    assert "<floor" in story(here.told[english]) and "not to be heard" not in story(here.told[english])
    assert story(here.told[spanish]) == ["Ana: ana 0", "es: ana 0", "<es", ">"]


def test_speech_of_those_who_talk_at_once_is_heard_in_the_order_of_their_ends() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "speaker", "fr")
    ear = here.enter("eva", "listener", None, "es")
    here.says("ana")
    here.says("ben")
    it.work("ben", 0, "es", language="fr")
    assert "<es" not in story(here.told[ear])
    it.work("ana", 0, "es")

    begun = [
        e.what.segment for e in here.told[ear] if isinstance(e, Say) and isinstance(e.what, SpeechStarted)
    ]
    spoken = [
        e.what.segment
        for e in here.told[ear]
        if isinstance(e, Say) and isinstance(e.what, effects.SpeechBegins)
    ]
    assert begun == spoken == [numbered(1, 0), numbered(2, 0)]
    assert story(here.told[ear]) == [
        "Ben: ben 0",
        "es: ben 0",
        "Ana: ana 0",
        "es: ana 0",
        "<es",
        ">",
        "<es",
        ">",
    ]


def test_a_new_language_gets_the_last_sentence_from_its_transcript_and_then_the_next() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "listener", None, "es")
    here.says("ana")
    it.work("ana", 0, "es")
    it.now += LATEST - 1
    late = here.enter("eva", "listener", None, "fr")
    it.translate("ana", 0, "fr")
    here.says("ana")
    it.work("ana", 1, "es", "fr")

    assert here.sent() == [("stt", ["es"]), ("translation", ["fr"]), ("stt", ["es", "fr"])]
    assert story(here.told[late]) == [
        "Ana: ana 0",
        "fr: ana 0",
        "<fr",
        ">",
        "Ana: ana 1",
        "fr: ana 1",
        "<fr",
        ">",
    ]


def test_an_old_sentence_is_not_said_again_to_one_who_comes_late() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "listener", None, "es")
    here.says("ana")
    it.work("ana", 0, "es")
    it.now += LATEST + 1
    here.enter("eva", "listener", None, "fr")

    assert here.sent() == [("stt", ["es"])]


def test_a_language_that_is_asked_for_while_it_is_recognised_is_sent_behind_it() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "listener", None, "es")
    here.says("ana")
    late = here.enter("eva", "listener", None, "fr")
    assert here.sent() == [("stt", ["es"])]
    it.work("ana", 0, "es")
    assert here.sent()[1:] == [("translation", ["fr"])]
    it.translate("ana", 0, "fr")

    assert story(here.told[late]) == ["Ana: ana 0", "fr: ana 0", "<fr", ">"]


def test_a_language_nobody_listens_in_any_more_stops_costing() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "listener", None, "es")
    here.enter("eva", "listener", None, "fr")
    here.leave("eva")
    here.says("ana")

    assert here.sent() == [("stt", ["es"])]


def test_who_joins_a_language_that_is_heard_is_told_the_sentence_that_is_being_spoken_from_its_start() -> (
    None
):
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    ear = here.enter("ben", "listener", None, "es")
    here.says("ana")
    it.work("ana", 0, "es")
    here.says("ana")
    it.work("ana", 1)
    it.write(Event("text", "translation", "ana", 1, target="es", text="es: ana 1"))

    begins = here.room.tune(ear).begins_with(0.0)
    assert story(begins) == ["Ana: ana 1", "es: ana 1"]
    assert numbers(begins) == sorted(numbers(begins))
    it.translate("ana", 1, "es")
    assert story(here.room.tune(ear).begins_with(0.0)) == ["Ana: ana 1", "es: ana 1", "<es", ">"]
    assert here.room.tune(ear).begins_with(START + it.now - NOW + LATEST + 1) == []


def test_a_room_of_sixteen_languages_is_heard_in_each_of_them() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    ears = {tag: here.enter(f"ear-{tag}", "listener", None, tag) for tag in LANGUAGES}
    here.says("ana")
    it.work("ana", 0, *LANGUAGES)

    assert here.sent() == [("stt", list(LANGUAGES))]
    for tag, ear in ears.items():
        assert story(here.told[ear]) == ["Ana: ana 0", f"{tag}: ana 0", f"<{tag}", ">"]


def test_a_language_that_cannot_be_reached_from_the_spoken_one_gets_the_words_and_delays_nobody() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker", "en")
    here.room.offered = lambda: {("en", "es")}
    ear = here.enter("ben", "listener", None, "es")
    other = here.enter("eva", "listener", None, "fr")
    here.says("ana")
    it.work("ana", 0, "es")

    assert here.sent() == [("stt", ["es"])]
    assert story(here.told[other]) == ["Ana: ana 0"]
    assert story(here.told[ear]) == ["Ana: ana 0", "es: ana 0", "<es", ">"]


def test_two_gateways_tell_their_listeners_the_same_in_the_same_numbers() -> None:
    it = Meeting()
    here, there = it.gateway("here"), it.gateway("there")
    here.enter("ana", "speaker")
    ear = here.enter("ben", "listener", None, "es")
    there.enter("eva", "listener", None, "es")
    for segment in range(3):
        here.says("ana")
        it.work("ana", segment, "es")

    assert here.told[ear] == there.told[ear]
    assert numbers(here.told[ear]) == list(range(2, len(numbers(here.told[ear])) + 2))


def test_a_speaker_whose_gateway_died_goes_on_at_another_and_is_heard_once() -> None:
    it = Meeting()
    here, there = it.gateway("here"), it.gateway("there")
    here.enter("ana", "speaker")
    ear = there.enter("ben", "listener", None, "es")
    here.says("ana")
    it.write(Event("text", "stt", "ana", 0, text="ana 0", language="en"))
    it.gateways.remove(here)  # it answers no more
    taken = there.admit(here.seats["ana"], fence=1)
    there.done([effects.For("ana", taken.take(Takeover(segments=1), it.now))])
    assert [e for e in there.effects if isinstance(e, effects.Taken)] == [effects.Taken(0)]
    it.translate("ana", 0, "es")
    there.says("ana")  # what was cut already is sent again, and judged only
    assert there.sent() == []
    there.says("ana")
    it.work("ana", 1, "es")

    assert there.sent() == [("stt", ["es"])]
    assert story(there.told[ear]) == [
        "Ana: ana 0",
        "es: ana 0",
        "<es",
        ">",
        "Ana: ana 1",
        "es: ana 1",
        "<es",
        ">",
    ]


def test_what_a_gateway_decides_that_lost_a_speaker_counts_no_more_and_it_lets_go() -> None:
    it = Meeting()
    here, there = it.gateway("here"), it.gateway("there")
    here.enter("ana", "speaker")
    ear = there.enter("ben", "listener", None, "es")
    taken = there.admit(here.seats["ana"], fence=1)
    there.done([effects.For("ana", taken.take(Takeover(), it.now))])
    assert effects.Lost() in here.effects
    here.says("ana")  # it has not let go yet
    assert story(there.told.get(ear, [])) == []
    there.says("ana")
    it.work("ana", 0, "es")

    assert story(there.told[ear]) == ["Ana: ana 0", "es: ana 0", "<es", ">"]


def test_a_segment_that_no_gateway_minds_any_more_is_given_up_and_the_others_are_heard() -> None:
    it = Meeting()
    here, there = it.gateway("here"), it.gateway("there")
    here.enter("ana", "speaker")
    there.enter("ben", "speaker", "fr")
    ear = there.enter("eva", "listener", None, "es")
    here.says("ana")
    it.gateways.remove(here)
    there.says("ben")
    it.work("ben", 0, "es", language="fr")
    assert "<es" not in story(there.told[ear])
    it.now += 200
    there.says("ben")
    it.work("ben", 1, "es", language="fr")

    assert "failed: lost" in story(there.told[ear])
    assert story(there.told[ear]).count("<es") == 2


def test_one_who_speaks_in_the_place_of_another_is_heard_under_their_own_name() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    ear = here.enter("eva", "listener", None, "es")
    here.says("ana")
    it.work("ana", 0, "es")
    here.leave("ana")
    here.enter("ben", "speaker", "fr")
    here.says("ben")
    it.work("ben", 0, "es", language="fr")

    assert [line for line in story(here.told[ear]) if ": " in line and not line.startswith("es")] == [
        "Ana: ana 0",
        "Ben: ben 0",
    ]


def test_a_room_keeps_no_sound_of_speakers_who_have_ended() -> None:
    it = Meeting()
    here = it.gateway()
    here.enter("ana", "speaker")
    here.enter("ben", "listener", None, "en")
    here.says("ana")
    it.work("ana", 0)
    assert here.room.ledger("ana").segments == 1
    here.done(here.room.handle(inputs.End(), it.now, "ana"))

    assert "Decision(" not in repr(vars(here.room.ledger("ana")))

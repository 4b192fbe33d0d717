"""What is shown of speech that goes on, as messages."""

from __future__ import annotations

import json

from bridge.protocol.server_messages import TranscriptPartial, TranslationPartial
from gateway.core.glimpse import PartialTranscript, PartialTranslation, Show
from gateway.core.tuning import numbered
from gateway.protocols.native.frames import Press, message


def test_words_so_far_are_told_with_what_is_stable_and_in_a_room_with_who_speaks() -> None:
    words = PartialTranscript(3, "go for", 2, "en", 96.0, 1_200.0)
    assert message(words, 0.0) == TranscriptPartial(
        segment=3, text="go for", stable=2, language="en", start_ms=96.0, end_ms=1_200.0
    )
    number = numbered(7, 3)
    translation = PartialTranslation(number, "es", "va a", 0, "Ann")
    assert message(translation, 0.0) == TranslationPartial(
        segment=number, target="es", text="va a", stable=0, speaker=7, name="Ann"
    )


def test_each_is_printed_once_for_all_who_are_shown_it() -> None:
    press, shown = Press(), Show(PartialTranslation(3, "es", "va a", 2))
    body = press.body(shown)
    assert press.body(shown) is body
    frame = json.loads('{"seq":9,"t_ms":1.0,' + body)
    assert (frame["type"], frame["seq"], frame["stable"]) == ("translation.partial", 9, 2)

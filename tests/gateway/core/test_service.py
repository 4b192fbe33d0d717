"""How long engines take, as their workers say."""

from __future__ import annotations

import pytest

from bridge.types import Event
from gateway.core.service import Service
from tests.gateway.events import SESSION, audio, done, heard, translated


def made(event: Event, ms: float, *, quick: bool = False) -> Event:
    return Event(event.kind, event.stage, SESSION, 0, index=event.index, running_ms=ms, quick=quick)


def test_nothing_is_known_before_anything_was_measured() -> None:
    service = Service()
    assert service.first("stt.gpu0") == service.busy("stt.gpu0") == 0.0


def test_speech_begins_sooner_than_its_engine_is_free() -> None:
    service = Service()
    for event, ms in ((audio(0, 0), 80.0), (audio(0, 1), 300.0), (done(0, 2), 500.0)):
        service.note(made(event, ms), "tts.gpu0")
    assert (service.first("tts.gpu0"), service.busy("tts.gpu0")) == (0.08, 0.5)


def test_the_newest_counts_for_more_than_what_was_long_ago() -> None:
    service = Service()
    service.note(made(heard(0), 1_000), "stt.gpu0")
    for _ in range(10):
        service.note(made(heard(0), 200), "stt.gpu0")
    assert 0.2 < service.busy("stt.gpu0") < 0.3


def test_least_effort_is_measured_by_itself() -> None:
    service = Service()
    service.note(made(translated(0), 600), "translation.gpu0")
    assert service.busy("translation.gpu0", quick=True) == 0.6  # not measured yet
    service.note(made(translated(0), 200, quick=True), "translation.gpu0")
    assert service.busy("translation.gpu0", quick=True) == 0.2
    assert service.busy("translation.gpu0") == 0.6


def test_a_device_that_nobody_has_measured_is_like_the_others_of_its_stage() -> None:
    service = Service()
    service.note(made(heard(0), 200), "stt.gpu0")
    service.note(made(heard(0), 400), "stt.gpu1")
    assert service.busy("stt.gpu2") == pytest.approx(0.3)
    assert service.busy("tts.gpu2") == 0.0

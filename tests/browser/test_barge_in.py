"""Speech gives way to who speaks: it fades out, then goes on where it was, or is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from bridge.protocol import wire
from bridge.protocol.server_messages import AudioStart
from tests.browser import tap
from tests.browser.between import Between
from tests.browser.chromium import Visit, Visitor, recording
from tests.browser.hall import SPEAK, Hall
from tests.browser.test_pass import open_page, start, without_detection
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.browser

RATE = 24_000
FADE = RATE // 200
LOUDSPEAKER = {"headphones": False}


def ramp(seconds: float) -> NDArray[np.int16]:
    """Every sample another one, so that none can be missed or heard twice unseen."""
    return np.arange(1_000, 1_000 + round(seconds * RATE), dtype="<i2")


def speak(between: Between, segment: int, sound: NDArray[np.int16]) -> None:
    """A whole sentence and its sound, all at once."""
    between.source(segment, "go forward")
    between.translation(segment, "adelante")
    between.say("audio.start", segment=segment, target="es", index=1, rate=RATE)
    frame = wire.pack_audio(seq=1, segment=segment, target=1, offset=0, pcm=sound.tobytes(), last=True)
    between.frame(frame)


def heard(page: Page) -> NDArray[np.int64]:
    return np.round(tap.heard(page) * 32_768).astype(int)


def wait_for_sound(page: Page, count: int) -> None:
    def sounded() -> bool:
        page.wait_for_timeout(20)
        return bool(np.count_nonzero(heard(page)) >= count)

    wait_until(sounded, 10, f"{count} samples are heard")


def obeyed(between: Between, kind: str, **fields: Any) -> None:
    between.say(f"playback.{kind}", latency_ms=2, **fields)


def test_speech_goes_on_at_the_next_sample_or_is_dropped_and_the_server_knows_what_waits(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices=LOUDSPEAKER, **tap.OPTIONS)
    between = Between(visitor.page)
    page = open_page(visitor)
    start(page)
    sound = ramp(1)
    speak(between, 0, sound)
    wait_for_sound(page, RATE // 5)
    obeyed(between, "paused", reason="barge_in")
    page.wait_for_timeout(500)
    during = heard(page)[-RATE // 8 :]
    obeyed(between, "resumed")
    page.wait_for_timeout(200)
    still = heard(page)[-RATE // 16 :]
    obeyed(between, "resumed", reason="barge_in")
    wait_for_sound(page, len(sound) - 2)
    speak(between, 1, sound)
    wait_for_sound(page, len(sound) + RATE // 5)
    obeyed(between, "paused", reason="barge_in")
    obeyed(between, "stopped", reason="barge_in")
    obeyed(between, "resumed", reason="barge_in")
    page.wait_for_timeout(1_000)

    assert not during.any(), "somebody speaks and the translation goes on"
    assert not still.any(), "the listener's own wish is taken for the end of speech"
    told = heard(page)
    # With the sample behind it: a fade may come by any value.
    first, second = (
        np.flatnonzero((told[:-1] == 1_000 + count) & (told[1:] == 1_001 + count))
        for count in (0, RATE // 10)
    )
    assert len(first) == len(second) == 2
    once = told[first[0] : first[1]]
    once = once[once != 0]
    # Apart from the fades around the pause every sample is there, once and in its place.
    assert np.count_nonzero(np.isin(once, sound[: len(once)])) >= len(sound) - 3 * FADE
    assert np.count_nonzero(told[first[1] :]) < len(sound), "what was to be dropped is heard to its end"
    marks = [message for message in visitor.sent if message["type"] == "playback.mark"]
    begin, *_, end = [mark for mark in marks if mark["segment"] == 0]
    assert begin["backlog_ms"] == pytest.approx(1_000, abs=120)
    assert (end["played_ms"], end["backlog_ms"]) == (1_000, 0)


def updates(visitor: Visitor) -> list[str]:
    return [message["barge_in"] for message in visitor.sent if "barge_in" in message]


def test_what_ones_speech_does_fits_the_headphones_until_it_is_chosen(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices=LOUDSPEAKER)
    page = open_page(visitor)
    start(page)
    page.click("#open-settings")
    expect(page.locator("#barge-in")).to_have_value("pause")
    page.check("#headphones")
    expect(page.locator("#barge-in")).to_have_value("off")
    page.select_option("#barge-in", "stop")
    page.uncheck("#headphones")
    expect(page.locator("#barge-in")).to_have_value("stop")
    page.wait_for_timeout(50)

    assert updates(visitor)[0] == "pause"
    assert updates(visitor)[-1] == "stop"
    other = visitor.beside("/")
    assert other.locator("#barge-in").count() == 0, "who hears only themselves is asked for manners"


@pytest.mark.parametrize(("heard_language", "wanted"), [("es", "pause"), ("", None)])
def test_in_a_room_it_is_asked_for_by_who_speaks_and_listens(
    simulated: Stack, visit: Visit, quiet_room: Path, heard_language: str, wanted: str | None
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices=LOUDSPEAKER)
    hall = Hall(visitor.page)
    visitor.page.goto(simulated.url + SPEAK)
    visitor.page.wait_for_selector("#talk:enabled")
    visitor.page.select_option("#target", heard_language)
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#status[data-live]")

    assert hall.of("session.start")[0].get("barge_in") == wanted


@pytest.mark.slow
def test_who_speaks_against_the_translation_is_not_talked_over_and_hears_the_rest_of_it(
    simulated: Stack, visit: Visit, tmp_path: Path
) -> None:
    """The whole way: the next sentence begins 1.1 s after the one before, in the midst of its translation."""
    hasty = recording(tmp_path / "hasty.wav", "go_forward.wav", lead_ms=0, tail_ms=0)
    visitor = visit(simulated.url, microphone=hasty, choices={"bargeIn": "pause"}, **tap.OPTIONS)
    page = open_page(visitor)
    start(page)

    def obeyed_after_sound() -> list[str]:
        """What the server did on account of the speech since the first translation began."""
        page.wait_for_timeout(20)
        begun = next((n for n, told in enumerate(visitor.told) if isinstance(told, AudioStart)), None)
        after = [] if begun is None else visitor.told[begun:]
        return [told.type for told in after if getattr(told, "reason", None) == "barge_in"]

    wait_until(lambda: obeyed_after_sound() == ["playback.paused"], 15, "somebody speaks against it")
    page.wait_for_timeout(250)
    before = np.count_nonzero(heard(page))
    page.wait_for_timeout(500)
    during = np.count_nonzero(heard(page))
    wait_until(lambda: obeyed_after_sound()[:2] == ["playback.paused", "playback.resumed"], 15, "it goes on")
    wait_for_sound(page, RATE - 3 * FADE)

    assert 0 < before < RATE - 3 * FADE, "nothing was heard, or all of it"
    assert during == before, "somebody speaks and the translation goes on"


@pytest.mark.slow
def test_a_turn_that_is_begun_and_not_used_holds_the_translation_for_a_moment_only(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"bargeIn": "pause"}, **tap.OPTIONS)
    between = Between(visitor.page)
    without_detection(visitor.page)
    page = open_page(visitor)
    start(page)
    sound = ramp(1)
    speak(between, 0, sound)
    wait_for_sound(page, RATE // 5)
    page.click("#near-speak")
    page.click("#near-speak")
    wait_for_sound(page, len(sound) - 3 * FADE)

    told = heard(page)
    begin, end = np.flatnonzero(told)[[0, -1]]
    held = (end - begin - len(sound)) / RATE
    assert held == pytest.approx(0.6, abs=0.2)

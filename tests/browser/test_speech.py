"""The whole way in a real browser: a human voice in, exact captions and exactly the translated speech out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view as windows

from bridge.protocol import server_messages
from tests.browser import tap
from tests.browser.chromium import Browsers, Visit, Visitor, Visits, recording
from tests.stack import Stack

pytestmark = pytest.mark.browser

SAID = ("go forward ten meters", "Ve adelante diez metros")


@pytest.fixture(scope="module")
def talked(
    embedded: Stack, browsers: Browsers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    """Two sentences were said, translated and heard, then somebody pressed Stop."""
    # Time enough between the sentences, or what is late would be played faster.
    slowly = recording(tmp_path_factory.mktemp("microphone") / "slowly.wav", "go_forward.wav", tail_ms=1_500)
    visits = Visits(browsers)
    try:
        visitor = visits.visit(embedded.url, microphone=slowly, **tap.OPTIONS)
        visitor.open()
        visitor.start()
        visitor.wait_for_lines(2)
        visitor.page.wait_for_timeout(300)
        visitor.page.click("#talk")
        visitor.page.wait_for_selector("#talk:text-is('Start')")
        yield visitor
        assert visitor.errors == []
    finally:
        visits.close()


def test_a_human_voice_is_read_and_translated_exactly(talked: Visitor) -> None:
    assert talked.lines()[:2] == [SAID, SAID]
    row = talked.page.locator("#log .line").first
    assert row.locator(".source").get_attribute("lang") == "en"
    assert row.locator(".translation").get_attribute("lang") == "es"
    assert float(row.locator(".took").inner_text().removesuffix(" s")) > 0.3


def test_what_is_rendered_is_what_was_sent_sample_by_sample(talked: Visitor) -> None:
    assert len(tap.pcm_of(talked)) >= 2
    tap.check_rendered(talked)


def test_the_gateway_is_told_what_was_heard(talked: Visitor) -> None:
    marks = [message for message in talked.sent if message["type"] == "playback.mark"]
    ends = {end.segment: end.duration_ms for end in talked.of(server_messages.AudioEnd)}
    first = [mark["played_ms"] for mark in marks if mark["segment"] == 0]
    assert 0 <= first[0] < ends[0]
    assert abs(first[-1] - ends[0]) < 1


def test_latency_is_measured_from_the_end_of_speech_to_the_ear(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    """A draft of 80 ms of silence and engines of 120, 60 and 80 ms: nothing can be heard before 340 ms."""
    visitor = visit(simulated.url, microphone=go_forward)
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(1)

    told = visitor.page.locator("#log .took").all_inner_texts()
    shown = [float(text.removesuffix(" s")) for text in told if text]
    served = [done.timings_ms.first_audio / 1000 for done in visitor.of(server_messages.SegmentDone)]
    assert shown and served
    for ear, gateway in zip(shown, served, strict=False):
        assert gateway - 0.05 <= ear < gateway + 1
        assert ear >= 0.34


def test_the_microphone_of_any_rate_is_sent_as_16_khz(simulated: Stack, visit: Visit, tmp_path: Path) -> None:
    """Chromium's fake device runs at 44.1 kHz; in 2 s, 2 s of samples must arrive."""
    visitor = visit(simulated.url, microphone=recording(tmp_path / "mic.wav", "go_somewhere.wav"))
    visitor.open()
    visitor.start()
    before = visitor.uploaded
    visitor.page.wait_for_timeout(2_000)

    # Another rate would be 5.5 s.
    assert (visitor.uploaded - before) / 32_000 == pytest.approx(2, abs=1)
    assert visitor.page.evaluate("new AudioContext().sampleRate") == 44_100


def test_the_speech_goes_on_at_the_next_sample_after_it_was_held(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, **tap.OPTIONS)
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(1)
    visitor.page.click("#pause")
    visitor.page.wait_for_timeout(700)
    during = tap.heard(visitor.page)[-4_800:]
    visitor.page.click("#pause")
    visitor.wait_for_lines(2)
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#talk:text-is('Start')")

    assert not during.any()
    heard = np.round(tap.heard(visitor.page) * 32_768).astype(int)
    tone = np.trim_zeros(tap.pcm_of(visitor)[0].astype(int))
    begin = np.flatnonzero(heard)[0]
    silence = begin + np.flatnonzero(windows(heard[begin:] == 0, 12_000).all(axis=1))[0]
    again = silence + np.flatnonzero(heard[silence:])[0]
    before, after = silence - begin, len(tone) - (silence - begin)
    # Apart from the fades of 5 ms around the pause every sample of the tone is there, once and in order.
    assert 0 < before < len(tone)
    assert np.array_equal(heard[begin:][: before - 120], tone[: before - 120])
    assert np.array_equal(heard[again:][120:after], tone[before + 120 :]) or np.array_equal(
        heard[again - 1 :][120:after], tone[before + 120 :]
    )


def test_escape_silences_at_once_and_what_follows_is_heard(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, **tap.OPTIONS)
    visitor.open()
    visitor.start()
    visitor.page.wait_for_selector("#log .line[data-heard]")
    visitor.page.keyboard.press("Escape")
    visitor.page.wait_for_timeout(600)
    heard = tap.heard(visitor.page)

    assert "playback.stop" in [message["type"] for message in visitor.sent]
    assert not heard[-4_800:].any()
    # The tone lasts a second; it was cut.
    assert 0 < np.count_nonzero(heard) < 23_000
    visitor.wait_for_lines(2)
    visitor.page.wait_for_timeout(1_300)
    assert np.count_nonzero(tap.heard(visitor.page)) > 23_000


def test_nothing_is_sent_after_the_end_of_a_session(simulated: Stack, visit: Visit, go_forward: Path) -> None:
    """Frames are on their way from the audio thread whenever somebody presses Stop."""
    visitor = visit(simulated.url, microphone=go_forward)
    visitor.open()
    for _ in range(4):
        visitor.start()
        visitor.page.wait_for_timeout(300)
        visitor.page.click("#talk")
        visitor.page.wait_for_selector("#talk:text-is('Start')")

    assert visitor.of(server_messages.Error) == []
    assert len(visitor.of(server_messages.SessionEnded)) == 4

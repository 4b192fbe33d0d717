"""Microphone and speaker: chosen and remembered, lost and regained, muted, and treated as asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket

from tests.browser import device
from tests.browser.chromium import ALLOW, FAKE_DEVICE, Visit, Visitor
from tests.stack import Stack

pytestmark = pytest.mark.browser

SECOND = "Fake Audio Input 2"
GESTURE = "--autoplay-policy=user-gesture-required"

LOCKS = """
window.locks = [];
navigator.wakeLock.request = async () => {
  const lock = { held: true, release: async () => { lock.held = false; } };
  window.locks.push(lock);
  return lock;
};
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
window.hide = (on) => {
  hidden = on;
  // As browsers do.
  if (on) window.locks.forEach((lock) => { lock.held = false; });
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
HELD = "() => window.locks.filter(({ held }) => held).length"


def live(visitor: Visitor) -> Page:
    visitor.open()
    visitor.start()
    return visitor.page


def choose(page: Page, field: str, wanted: str) -> None:
    """Chooses in the settings, and closes them."""
    page.click("#open-settings")
    page.select_option(field, label=wanted)
    page.click("#settings button[value=close]")


def check(page: Page, field: str, on: bool) -> None:
    page.click("#open-settings")
    page.set_checked(field, on)
    page.click("#settings button[value=close]")


def wait_until_asked(page: Page, times: int) -> dict[str, Any]:
    """Waits until the microphone was opened so often; with which constraints it was the last time."""
    page.wait_for_function("times => window.tracks.length === times", arg=times)
    return device.asked(page)[-1]


def test_the_microphone_chosen_is_used_at_once_and_in_the_next_visit(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script=device.SCRIPT)
    page = live(visitor)
    choose(page, "#microphone", SECOND)
    wanted = wait_until_asked(page, 2)
    assert wanted["deviceId"]["exact"]
    assert device.label(page) == SECOND
    assert page.evaluate("window.tracks.map(({ readyState }) => readyState)") == ["ended", "live"]

    page = live(visitor)
    assert device.asked(page)[0]["deviceId"] == wanted["deviceId"]
    assert device.label(page) == SECOND


def test_a_microphone_is_known_by_name_where_its_id_has_changed(simulated: Stack, visit: Visit) -> None:
    known = {"id": "of last year", "label": SECOND}
    visitor = visit(simulated.url, script=device.SCRIPT, choices={"microphone": known})
    visitor.page.context.grant_permissions(["microphone"])

    assert device.label(live(visitor)) == SECOND


def test_another_microphone_stands_in_for_one_that_is_away(simulated: Stack, visit: Visit) -> None:
    away = {"id": "of last year", "label": "Conference table"}
    visitor = visit(simulated.url, script=device.SCRIPT, choices={"microphone": away})
    page = live(visitor)

    assert device.label(page) == "Fake Default Audio Input"
    page.click("#open-settings")
    page.wait_for_selector(
        "#microphone option:checked:text-is('Conference table (not connected)')", state="attached"
    )


def test_a_lost_microphone_is_replaced_and_the_conversation_goes_on(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, script=device.SCRIPT)
    page = live(visitor)
    page.wait_for_selector("#now .line")
    page.evaluate("window.unplug()")

    page.wait_for_selector(".toast:text('Listening with Fake Default Audio Input')")
    visitor.wait_for_calm()
    # What was said until then is translated without waiting for a pause.
    page.wait_for_function("() => document.querySelectorAll('#log .line').length >= 2", timeout=20_000)
    assert "segment.commit" in [message["type"] for message in visitor.sent]


def test_without_any_microphone_it_waits_until_one_is_plugged_in(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, script=device.SCRIPT)
    page = live(visitor)
    page.evaluate("() => { window.away = true; window.unplug(); }")
    assert "plug it in again" in visitor.trouble("unplugged")
    assert page.inner_text("#trouble-action") == "Use another"
    page.click("#trouble-action")
    page.wait_for_selector("dialog#settings[open]")
    page.click("#settings button[value=close]")

    page.evaluate("window.plug()")
    visitor.wait_for_calm()
    visitor.wait_for_lines(1)


def test_the_browser_cleans_the_voice_as_it_is_asked_to(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script=device.SCRIPT, choices={"headphones": False, "cleanup": True})
    page = live(visitor)

    def treatment(times: int) -> tuple[bool, bool, bool]:
        asked = wait_until_asked(page, times)
        return asked["echoCancellation"], asked["noiseSuppression"], asked["autoGainControl"]

    assert treatment(1) == (True, True, True)
    check(page, "#headphones", True)
    assert treatment(2) == (False, True, True)
    check(page, "#cleanup", False)
    assert treatment(3) == (False, False, False)
    # Asked for is not given: what the browser does is what counts.
    applied = page.evaluate("window.tracks.at(-1).getSettings()")
    assert not (applied["echoCancellation"] or applied["noiseSuppression"] or applied["autoGainControl"])


def test_the_original_is_heard_with_headphones_only_and_has_a_volume_of_its_own(
    simulated: Stack, visit: Visit
) -> None:
    choices = {"headphones": False, "original": 60, "volume": 80}
    visitor = visit(simulated.url, script=device.SCRIPT, choices=choices)
    page = live(visitor)
    device.wait_for_volume(page, "translation", 0.8)
    device.wait_for_volume(page, "original", 0)
    page.click("#open-settings")
    assert page.is_disabled("#original") and page.is_visible("#original-note")
    page.check("#headphones")
    device.wait_for_volume(page, "original", 0.6)
    page.locator("#original").fill("30")
    device.wait_for_volume(page, "original", 0.3)
    device.wait_for_volume(page, "translation", 0.8)
    page.click("#settings button[value=close]")

    page.locator("#volume").fill("20")
    device.wait_for_volume(page, "translation", 0.2)
    device.wait_for_volume(page, "original", 0.3)
    check(page, "#headphones", False)
    device.wait_for_volume(page, "original", 0)


def wait_for_frames(page: Page, enough: Callable[[], bool], what: str) -> None:
    """Until what was sent is enough; a busy machine sends it late."""
    for _ in range(400):
        if enough():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not sent in 20 s: {what}")


def test_who_is_muted_sends_silence_and_is_told_when_speaking(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    frames: list[bytes] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: frames.append(data) if isinstance(data, bytes) else None)

    visitor.page.on("websocket", watch)
    page = live(visitor)
    page.wait_for_selector("#now .line")
    assert any(any(frame) for frame in frames)
    page.click("#mute")
    assert page.get_attribute("#mute", "aria-pressed") == "true"
    page.wait_for_selector("#status:text-is('Muted'), #status:text-is('You speak, but you are muted')")
    frames.clear()

    page.wait_for_selector("#status:text-is('You speak, but you are muted')", timeout=15_000)
    wait_for_frames(page, lambda: len(frames) >= 30, "silence")
    # The first may have been on its way.
    assert not any(any(frame) for frame in frames[5:])
    page.click("#mute")
    page.wait_for_selector("#status:text-is('Listening')")
    frames.clear()
    wait_for_frames(page, lambda: any(any(frame) for frame in frames), "somebody's voice")


def test_the_screen_stays_on_while_somebody_speaks(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script=LOCKS)
    visitor.open()
    page = visitor.page
    assert page.evaluate(HELD) == 0
    visitor.start()
    assert page.evaluate(HELD) == 1
    page.evaluate("window.hide(true)")
    assert page.evaluate(HELD) == 0
    page.evaluate("window.hide(false)")
    page.wait_for_function(f"() => ({HELD})() === 1")

    page.click("#talk")
    page.wait_for_selector("#talk:text-is('Start')", timeout=20_000)
    assert page.evaluate(HELD) == 0
    page.evaluate("() => { window.hide(true); window.hide(false); }")
    assert page.evaluate(HELD) == 0


def test_sound_that_the_browser_stopped_goes_on_with_a_press(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, script=device.SCRIPT)
    page = live(visitor)
    page.evaluate("window.contexts.forEach((context) => context.suspend())")
    assert "stopped the sound" in visitor.trouble("suspended")
    assert page.inner_text("#trouble-action") == "Go on"
    page.click("#trouble-action")
    visitor.wait_for_calm()
    assert page.evaluate("window.contexts.map(({ state }) => state)") == ["running", "running"]
    visitor.wait_for_lines(1)

    # After a phone call, for instance, it comes back by itself.
    page.evaluate("window.contexts.forEach((context) => context.suspend())")
    visitor.trouble("suspended")
    page.evaluate("window.contexts.forEach((context) => context.resume())")
    visitor.wait_for_calm()


def test_nothing_sounds_before_it_is_asked_for(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, flags=(FAKE_DEVICE, ALLOW, GESTURE), script=device.SCRIPT)
    visitor.open()
    assert visitor.page.evaluate("[window.contexts.length, window.asked.length]") == [0, 0]
    visitor.start()
    assert visitor.page.evaluate("window.contexts.map(({ state }) => state)") == ["running", "running"]
